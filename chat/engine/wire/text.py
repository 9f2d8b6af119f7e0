"""Text that every store and encoding can hold: no lone surrogates, no NUL."""

from __future__ import annotations

import re
from typing import Any

from chat.engine.repairs import RepairLog

REPLACEMENT = "\ufffd"
# PostgreSQL refuses NUL in text; UTF-8 has no place for half of a surrogate pair.
_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class TextMender:
    """Mends one channel of text: pairs split over deltas are joined, the rest is replaced."""

    def __init__(self, log: RepairLog | None = None) -> None:
        self._log = RepairLog() if log is None else log
        self._half = ""

    def feed(self, text: str) -> str:
        """The text that is safe to pass on; half of a pair at its end waits for the next."""
        if text.isascii() and not self._half and "\x00" not in text:
            return text
        text = self._half + text
        self._half = ""
        if _UNSTORABLE.search(text) is None:
            return text
        text = _PAIR.sub(_join_pair, text)
        if "\ud800" <= text[-1:] <= "\udbff":
            self._half = text[-1]
            text = text[:-1]
        return _UNSTORABLE.sub(self._replace, text)

    def finish(self) -> str:
        """What is left at the end: the replacement of a half that found no other."""
        text = _UNSTORABLE.sub(self._replace, self._half)
        self._half = ""
        return text

    def _replace(self, match: re.Match[str]) -> str:
        nul = match[0] == "\x00"
        self._log.note("nul_replaced" if nul else "lone_surrogate_replaced")
        return REPLACEMENT


def storable(text: str) -> str:
    """A whole text with what cannot be stored replaced by U+FFFD."""
    if _UNSTORABLE.search(text) is None:
        return text
    return _UNSTORABLE.sub(REPLACEMENT, _PAIR.sub(_join_pair, text))


def storable_json(value: Any) -> Any:
    """A JSON value with every text in it made storable, keys too."""
    match value:
        case str():
            return storable(value)
        case list():
            return [storable_json(item) for item in value]
        case dict():
            return {storable(key): storable_json(item) for key, item in value.items()}
        case _:
            return value


def _join_pair(match: re.Match[str]) -> str:
    return match[0].encode("utf-16", "surrogatepass").decode("utf-16")
