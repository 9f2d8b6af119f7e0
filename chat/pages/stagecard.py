"""A stage as its card shows it: state, rounds, what was said, figures, and what can be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chat.models import Message, Stage, StageEvent, StageRepair, ToolRun
from chat.pages import figures
from chat.pages.branch import Versions
from chat.pages.ending import Banner, Receipt, banner_of, receipt_of
from chat.pages.repairs import Repair, repairs_of
from chat.pages.saying import Saying, sayings_of
from chat.pages.toolcard import Badge, ToolCard, tool_card
from chat.pages.usage import Figures, figures_of, total_ms, totals_of, usage_rows


@dataclass(frozen=True, slots=True)
class Round:
    """The tool calls of one round."""

    number: int
    cards: tuple[ToolCard, ...]


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
    repairs: tuple[Repair, ...]
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
    repairs=(),
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
    repairs: list[StageRepair],
    versions: Versions | None,
) -> StageCard:
    """The card of a stored stage; of one that has not ended only its frame."""
    mode = mode_of(stage)
    total = total_ms(stage)
    shown_runs = [] if stage.is_active else runs
    told = [(event.event, event.parsed_data()) for event in marks]
    ended = next((data for name, data in told if name != "usage"), {})
    requests = [data for name, data in told if name == "usage"]
    usage = requests or totals_of(stage)
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
        repairs=() if stage.is_active else repairs_of(repairs),
        rounds=rounds,
        sayings=() if answer is None else sayings_of(answer),
        content=content,
        figures=figures_of(stage, usage, mode, total),
        rows=usage_rows(requests),
        banner=banner_of(stage, ended),
        receipt=receipt_of(stage, ended, runs, total)
        if stage.status == Stage.Status.CANCEL
        else None,
        versions=versions,
        can_continue=bool(content)
        and (
            stage.status == Stage.Status.CANCEL
            or stage.error_code == "interrupted"
            or stage.finish_reason == "length"
        ),
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
