"""A tool run as its card shows it: arguments as checked rows, the result, a state in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.engine.tool_calls.mending import written_otherwise
from chat.engine.tool_round import REPAIRED_JSON
from chat.models import ToolRun
from chat.pages import figures

_FIELD = re.compile(r"^The field “([^”]+)”:? ?(.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as glyph and word; `kind` is live, ok, warn, bad or quiet."""

    kind: str
    glyph: str
    words: str


@dataclass(frozen=True, slots=True)
class ArgumentRow:
    """One argument: its name, its value as JSON text, and what the check said."""

    name: str
    value: str
    kind: str
    check: str
    glyph: str
    words: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class ToolCard:
    """Everything a tool card shows."""

    call_id: str
    tool: str
    round: int
    status: str
    badge: Badge
    rows: tuple[ArgumentRow, ...]
    raw: str
    raw_words: str
    errors: tuple[str, ...]
    result: str
    size: str
    note: str
    repairs: tuple[str, ...]


_WORDS = {
    "running": ("live", "", "Running"),
    "ok": ("ok", "check", "Done"),
    "error": ("bad", "x", "Failed"),
    "invalid": ("bad", "x", "Invalid"),
    "timeout": ("bad", "clock", "Timed out"),
    "denied": ("warn", "x", "Denied"),
    "cancelled": ("quiet", "square", "Cancelled"),
    "lost": ("warn", "triangle-alert", "Lost"),
    "handed_over": ("ok", "check", "Handed over"),
}
_NOTES = {
    "invalid": "Not run. The model was told what is wrong.",
    "lost": "Toolbench stopped while this ran; it may or may not have finished.",
    "cancelled": "Stopped before it had a result.",
    "denied": "Not run, because it was denied.",
    "handed_over": "Not run here. The program that asked runs it.",
}
_WITH_DURATION = ("ok", "error", "timeout", "cancelled")


def tool_card(run: ToolRun) -> ToolCard:
    """The card of a stored tool run."""
    kind, glyph, words = _WORDS.get(run.status, ("quiet", "", run.status))
    if run.duration_ms is not None and run.status in _WITH_DURATION:
        words = f"{words} {figures.duration(run.duration_ms)}"
    repairs = tuple(map(str, run.repairs))
    is_mended = REPAIRED_JSON in repairs
    was = written_otherwise(run.raw_arguments) if is_mended else {}
    rows, rest = argument_rows(run.arguments, list(run.errors), was)
    return ToolCard(
        call_id=run.call_id,
        tool=run.tool,
        round=run.round,
        status=run.status,
        badge=Badge(kind, glyph, words),
        rows=rows,
        raw="" if rows and not is_mended else run.raw_arguments,
        raw_words="What the model wrote" if is_mended else "Raw",
        errors=rest,
        result="" if run.status == "invalid" else run.result,
        size=figures.size(run.result),
        note=_NOTES.get(run.status, ""),
        repairs=repairs,
    )


def argument_rows(
    arguments: dict[str, Any] | None, errors: list[str], was: Mapping[str, str]
) -> tuple[tuple[ArgumentRow, ...], tuple[str, ...]]:
    """The rows of an arguments object, and the errors that belong to no row."""
    if not isinstance(arguments, dict):
        return (), tuple(errors)
    wrong: dict[str, str] = {}
    rest: list[str] = []
    for error in errors:
        match = _FIELD.match(error)
        name = re.split(r"[.\[]", match[1], maxsplit=1)[0] if match else ""
        if match and name in arguments:
            wrong.setdefault(name, _sentence(match[2] or error))
        else:
            rest.append(error)
    rows = [_row(name, value, wrong.get(name), was.get(name)) for name, value in arguments.items()]
    return tuple(rows), tuple(rest)


def _row(name: str, value: Any, wrong: str | None, was: str | None) -> ArgumentRow:
    kind = json_kind(value)
    text = json.dumps(value, ensure_ascii=False)
    if wrong is not None:
        return ArgumentRow(name, text, kind, "wrong", "x", wrong, wrong)
    if was is not None:
        return ArgumentRow(name, text, kind, "mended", "hammer", f"was {was}", was)
    return ArgumentRow(name, text, kind, "ok", "check", kind)


def json_kind(value: Any) -> str:
    """What JSON calls a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case _:
            return "object"


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].lower() + text[1:].rstrip(".")
