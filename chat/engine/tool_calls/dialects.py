"""Choosing the text dialect of a request."""

from __future__ import annotations

from collections.abc import Collection

from chat.engine.tool_calls.dialect import TextDialect
from chat.engine.tool_calls.json_text import JsonText


def choose_dialect(setting: str, tools: Collection[str]) -> TextDialect | None:
    """The dialect of a route's setting, for the tools that are offered; None where none fits."""
    if not tools or setting in ("off", "none"):
        return None
    return JsonText(tools)
