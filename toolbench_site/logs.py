"""Lines of the log, without API keys that came where nobody expects them, such as an address."""

from __future__ import annotations

import logging

from chat.key_text import hide_keys


class LineFormatter(logging.Formatter):
    """One line per record; tracebacks too are gone through."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with no more of a key than its prefix."""
        return hide_keys(super().format(record))
