"""A stage as its card shows it: state, rounds, what was said, figures, and what can be done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils.safestring import SafeString, mark_safe

from chat.models import Message, Stage, StageEvent, ToolRun
from chat.pages import figures
from chat.pages.branch import Versions
from chat.pages.toolcard import Badge, ToolCard, tool_card
from chat.rendering import render_blocks

_FIRST_SENTENCE = re.compile(r"^(.{12,}?\w\w\.)\s+(.+)$", re.DOTALL)
_RENDERED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Saying:
    """What the model said in one request: its reasoning, and its text as sanitised blocks."""

    round: int
    phase: str
    reasoning: str
    reasoning_words: str
    blocks: tuple[SafeString, ...]
    is_answer: bool


@dataclass(frozen=True, slots=True)
class Round:
    """The tool calls of one round."""

    number: int
    cards: tuple[ToolCard, ...]


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


@dataclass(frozen=True, slots=True)
class Figures:
    """The usage line; an empty text is a figure that is not known."""

    input_tokens: str = ""
    output_tokens: str = ""
    first_token: str = ""
    total: str = ""
    rate: str = ""
    queued: str = ""


@dataclass(frozen=True, slots=True)
class StageCard:
    """Everything the page shows of a stage."""

    id: str
    prompt_id: str
    message_id: str
    mode: str
    mode_words: str
    title: str
    route_slug: str
    route_name: str
    model: str
    stream: bool
    status: str
    is_active: bool
    started_at: datetime | None
    badge: Badge
    repairs: int
    rounds: tuple[Round, ...]
    sayings: tuple[Saying, ...]
    content: str
    figures: Figures
    rows: tuple[tuple[str, str], ...]
    banner: Banner | None
    receipt: Receipt | None
    versions: Versions | None
    can_continue: bool
    is_open: bool
    context_tokens: int
    context_budget: int


_BADGES = {
    "queued": Badge("live", "", "Queued"),
    "running": Badge("live", "", "Running"),
    "waiting": Badge("warn", "clock", "Waiting for you"),
    "done": Badge("ok", "check", "Done"),
    "cancel": Badge("quiet", "square", "Stopped"),
    "error": Badge("bad", "x", "Failed"),
}
_BY = {"user": "Stopped by you", "admin": "Stopped by an admin", "shutdown": "Stopped"}
_QUIET_ERRORS = {"no_tool_calls": ("quiet", "info"), "interrupted": ("warn", "triangle-alert")}

BLANK = StageCard(
    id="",
    prompt_id="",
    message_id="",
    mode="chat",
    mode_words="",
    title="",
    route_slug="",
    route_name="",
    model="",
    stream=True,
    status="queued",
    is_active=True,
    started_at=None,
    badge=_BADGES["queued"],
    repairs=0,
    rounds=(),
    sayings=(),
    content="",
    figures=Figures(),
    rows=(),
    banner=None,
    receipt=None,
    versions=None,
    can_continue=False,
    is_open=True,
    context_tokens=0,
    context_budget=0,
)
"""A stage of which nothing is known yet: what the page's script clones."""


def mode_of(stage: Stage) -> str:
    """One of the three modes of the composer: chat, tools or synthesis."""
    if stage.mode == Stage.Mode.CHAT:
        return "chat"
    return "synthesis" if stage.synthesis else "tools"


MODE_WORDS = {"chat": "Chat", "tools": "Tools", "synthesis": "Tools + synthesis"}


def stage_card(
    stage: Stage,
    answer: Message | None,
    runs: list[ToolRun],
    marks: list[StageEvent],
    versions: Versions | None,
) -> StageCard:
    """The card of a stored stage; of one that has not ended only its frame."""
    mode = mode_of(stage)
    total = _total_ms(stage)
    shown_runs = [] if stage.is_active else runs
    told = [(event.event, event.parsed_data()) for event in marks]
    ended = next((data for name, data in told if name != "usage"), {})
    requests = [data for name, data in told if name == "usage"]
    usage = requests or _totals(stage)
    badge = _BADGES[stage.status]
    if total is not None and not stage.is_active:
        between = {"cancel": " after", "error": " after"}.get(stage.status, "")
        badge = Badge(badge.kind, badge.glyph, f"{badge.words}{between} {figures.duration(total)}")
    content = "" if answer is None else answer.content
    rounds = _rounds(shown_runs)
    return StageCard(
        id=str(stage.id),
        prompt_id=str(stage.prompt_message_id),
        message_id="" if answer is None else str(answer.id),
        mode=mode,
        mode_words=MODE_WORDS[mode],
        title=_title(mode, rounds),
        route_slug=stage.route.slug,
        route_name=stage.route.display_name or stage.route.slug,
        model=stage.model,
        stream=stage.stream,
        status=stage.status,
        is_active=stage.is_active,
        started_at=stage.created_at,
        badge=badge,
        repairs=stage.repairs_count,
        rounds=rounds,
        sayings=() if answer is None else _sayings(answer),
        content=content,
        figures=_figures(stage, usage, mode, total),
        rows=_usage_rows(requests),
        banner=_banner(stage, ended) if stage.status == Stage.Status.ERROR else None,
        receipt=_receipt(stage, ended, runs, total)
        if stage.status == Stage.Status.CANCEL
        else None,
        versions=versions,
        can_continue=bool(content)
        and (stage.status == Stage.Status.CANCEL or stage.error_code == "interrupted"),
        # Without synthesis the results are the answer; folded away, nothing would be left of it.
        is_open=stage.is_active or (mode == "tools" and bool(shown_runs)),
        context_tokens=int(requests[-1]["input_tokens"]) if requests else 0,
        context_budget=stage.route.context_budget or 0,
    )


def _title(mode: str, rounds: tuple[Round, ...]) -> str:
    if mode == "chat":
        return "Completion"
    return f"{len(rounds)} rounds" if len(rounds) > 1 else "Round 1"


def _rounds(runs: list[ToolRun]) -> tuple[Round, ...]:
    numbers = dict.fromkeys(run.round for run in runs)
    return tuple(
        Round(number, tuple(tool_card(run) for run in runs if run.round == number))
        for number in numbers
    )


def _sayings(answer: Message) -> tuple[Saying, ...]:
    turns: list[dict[str, Any]] = [
        turn for turn in answer.turns if turn.get("content") or turn.get("reasoning")
    ]
    if not turns and (answer.content or answer.reasoning):
        turns = [{"content": answer.content, "reasoning": answer.reasoning}]
    # The answer is the text of the last phase that has any, all its rounds together.
    last = next((turn.get("phase") for turn in reversed(turns) if turn.get("content")), None)
    return tuple(
        Saying(
            round=int(turn.get("round", 1)),
            phase=str(turn.get("phase", "chat")),
            reasoning=turn.get("reasoning") or "",
            reasoning_words=figures.words(turn.get("reasoning") or ""),
            blocks=_blocks(f"{answer.id}-{place}", turn.get("content") or ""),
            is_answer=turn.get("phase") == last,
        )
        for place, turn in enumerate(turns)
    )


def _blocks(key: str, text: str) -> tuple[SafeString, ...]:
    # An answer is written once and never changes, so its rendering can be kept.
    name = f"chat.answer.{key}"
    blocks: tuple[str, ...] | None = cache.get(name)
    if blocks is None:
        blocks = render_blocks(text)
        cache.set(name, blocks, _RENDERED_SECONDS)
    # What render_blocks gives has been sanitised.
    return tuple(mark_safe(block) for block in blocks)  # noqa: S308


def _total_ms(stage: Stage) -> float | None:
    if "total_ms" in stage.timings:
        return float(stage.timings["total_ms"])
    if stage.ended_at is None:
        return None
    return (stage.ended_at - stage.created_at).total_seconds() * 1000


def _totals(stage: Stage) -> list[dict[str, Any]]:
    """What the row says of tokens, where the journal no longer says it by request."""
    kept = [stage.usage] if isinstance(stage.usage, dict) else list(stage.usage or [])
    # No figure is drawn for what was not reported.
    return [entry for entry in kept if entry.get("total_tokens") or entry.get("input_tokens")]


def _figures(stage: Stage, usage: list[dict[str, Any]], mode: str, total: float | None) -> Figures:
    first = stage.timings.get("first_token_ms")
    given = sum(int(entry.get("input_tokens", 0)) for entry in usage)
    written = sum(int(entry.get("output_tokens", 0)) for entry in usage)
    rate = ""
    if mode == "chat" and stage.stream and written and first is not None and total:
        seconds = (total - first) / 1000
        rate = f"{written / seconds:.0f} tokens/s" if seconds > 0.05 else ""
    return Figures(
        input_tokens=figures.count(given) if usage else "",
        output_tokens=figures.count(written) if usage else "",
        first_token=figures.duration(first),
        total="" if stage.is_active else figures.duration(total),
        rate=rate,
    )


def _usage_rows(requests: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    rows = []
    for entry in requests:
        phase = entry.get("phase")
        name = {"chat": "Completion", "synthesis": "Synthesis"}.get(
            str(phase), f"Round {entry.get('round', 1)}"
        )
        words = (
            f"{figures.count(int(entry.get('input_tokens', 0)))} in, "
            f"{figures.count(int(entry.get('output_tokens', 0)))} out"
        )
        rows.append((name, words))
    return tuple(rows)


def _banner(stage: Stage, ended: dict[str, Any]) -> Banner:
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


def _receipt(
    stage: Stage, ended: dict[str, Any], runs: list[ToolRun], total: float | None
) -> Receipt:
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
