"""Argument text as a line tells it: parsed where it is JSON, else as it came."""

from __future__ import annotations

from typing import Any

from chat.engine.wire.answer import told_arguments


def argument_fields(raw: str) -> dict[str, Any]:
    """The fields `arguments` and, only where the text is not JSON, `arguments_raw`."""
    arguments, text = told_arguments(raw)
    return {"arguments": arguments} if text is None else {"arguments": None, "arguments_raw": text}
