"""How a stage ended where it did not end well: what went wrong, or what stopping brought about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from chat.models import Stage, ToolRun
from chat.pages import figures

_FIRST_SENTENCE = re.compile(r"^(.{12,}?\w\w\.)\s+(.+)$", re.DOTALL)
_BY = {"user": "Stopped by you", "admin": "Stopped by an admin", "shutdown": "Stopped"}
_QUIET_ERRORS = {"no_tool_calls": ("quiet", "info"), "interrupted": ("warn", "triangle-alert")}


@dataclass(frozen=True, slots=True)
class Banner:
    """What went wrong: a bold sentence, the rest, and a code for the engineer."""

    kind: str
    glyph: str
    headline: str
    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What stopping brought about."""

    by: str
    after: str
    upstream_closed: str
    tools_finished: str


def banner_of(stage: Stage, ended: dict[str, Any]) -> Banner | None:
    """What to say of a stage that failed, or whose answer the server cut short."""
    if stage.status == Stage.Status.DONE:
        return _cut_short(stage)
    if stage.status != Stage.Status.ERROR:
        return None
    return _failure(stage, ended)


def _cut_short(stage: Stage) -> Banner | None:
    if stage.finish_reason == "length":
        limit = stage.max_tokens[1 if stage.synthesis else 0] if stage.max_tokens else None
        shown = f" of {figures.count(limit)} tokens" if limit else ""
        return Banner(
            kind="quiet",
            glyph="info",
            headline="The answer was cut off at the token limit.",
            text=f"It may end in mid-sentence. Raise the limit{shown} under Parameters and ask "
            "again, or continue the answer.",
            code="length",
        )
    if stage.finish_reason == "content_filter":
        return Banner(
            kind="warn",
            glyph="triangle-alert",
            headline="The model server's filter ended this answer.",
            text="What it let through is kept. Ask in other words, or choose another route.",
            code="content_filter",
        )
    return None


def _failure(stage: Stage, ended: dict[str, Any]) -> Banner:
    """The first sentence of its message stands out."""
    message = stage.error_message or str(ended.get("message", "")) or "The stage failed."
    match = _FIRST_SENTENCE.match(message)
    kind, glyph = _QUIET_ERRORS.get(stage.error_code, ("bad", "circle-x"))
    return Banner(
        kind=kind,
        glyph=glyph,
        headline=match[1] if match else message,
        text=match[2] if match else "",
        code=stage.error_code,
    )


def receipt_of(
    stage: Stage, ended: dict[str, Any], runs: list[ToolRun], total: float | None
) -> Receipt:
    """What stopping brought about; `total` is in milliseconds."""
    closed = ended.get("upstream_closed_ms")
    finished = [run for run in runs if run.status not in ("running", "cancelled", "lost")]
    left = [run.tool for run in runs if run.status in ("running", "cancelled", "lost")]
    tools = ""
    if runs:
        tools = f"{len(finished)} of {len(runs)}"
        if left:
            tools += f"; {', '.join(left)} cancelled"
    by = _BY.get(str(ended.get("by", "")), "Stopped")
    if ended.get("by") == "shutdown":
        by = "Stopped because Toolbench was shut down"
    return Receipt(
        by=by,
        after=f"after {figures.duration(total)}" if total is not None else "",
        upstream_closed=f"{figures.duration(closed)} after Stop"
        if closed is not None
        else "no request was open",
        tools_finished=tools,
    )
