"""Argument text as a line tells it: parsed where it is JSON, else as it came."""

from __future__ import annotations

from typing import Any

from chat.engine.tool_calls.mending import mend_arguments
from chat.engine.wire.answer import told_arguments
from chat.explain.captures import Tools

# The finish reasons that say that the model itself had ended.
_ENDED = frozenset({"stop", "tool_calls"})


def argument_fields(raw: str) -> dict[str, Any]:
    """The fields `arguments` and, only where the text is not JSON, `arguments_raw`."""
    arguments, text = told_arguments(raw)
    return {"arguments": arguments} if text is None else {"arguments": None, "arguments_raw": text}


def mended_arguments(
    raw: str, tool: str, tools: Tools, finish_reason: str | None
) -> dict[str, Any] | None:
    """The same fields for arguments that were broken and have been mended; None where not.

    What the token limit cut off is never mended.
    """
    if finish_reason == "length" or not raw.strip():
        return None
    schema = (tools or {}).get(tool, {})
    mended = mend_arguments(raw, schema, may_be_cut=finish_reason not in _ENDED)
    return None if mended is None else {"arguments": mended.arguments, "arguments_raw": raw}
