"""A conversation's branch as the page shows it, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chat.models import Conversation, Message, Stage, StageEvent, StageRepair, ToolRun
from chat.pages.branch import Pair, Versions, read_branch, read_pair
from chat.pages.stagecard import StageCard, stage_card

TURNS_SHOWN = 100
GIVEN = ("id", "content", "created_at", "role", "tool_calls", "tool_call_id")
MARKS = ("usage", "cancel", "error")
"""Events that say what no row does: tokens by request, and how a stage ended."""


@dataclass(frozen=True, slots=True)
class GivenCall:
    """A tool call in a history that a program keeps itself."""

    call_id: str
    tool: str
    raw_arguments: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person wrote, or what a program sent as its own history: any role may come."""

    id: UUID
    content: str
    created_at: datetime
    versions: Versions | None
    role: str = Message.Role.USER
    calls: tuple[GivenCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt and the stage that answers it; either can be missing."""

    prompt: Prompt | None
    stage: StageCard | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The shown turns of a branch, oldest first."""

    turns: tuple[Turn, ...]
    earlier: int
    leaf: UUID | None

    @property
    def active_stage(self) -> StageCard | None:
        """The stage that has not ended, if the branch shows it."""
        stages = (turn.stage for turn in reversed(self.turns) if turn.stage)
        return next((stage for stage in stages if stage.is_active), None)


def read_transcript(
    conversation: Conversation, leaf: UUID | None = None, limit: int = TURNS_SHOWN
) -> Transcript:
    """The last `limit` turns of the branch that ends below `leaf`, or of the newest one."""
    branch = read_branch(conversation, leaf, limit)
    return Transcript(turns=_turns(branch.pairs), earlier=branch.earlier, leaf=branch.leaf)


def read_turn(conversation: Conversation, stage_id: UUID) -> Turn | None:
    """One stage of the conversation with its prompt; None where there is no such stage."""
    pair = read_pair(conversation, stage_id)
    return _turns((pair,))[0] if pair is not None else None


def _turns(pairs: tuple[Pair, ...]) -> tuple[Turn, ...]:
    prompt_ids = [prompt.key for prompt, _ in pairs if prompt]
    stage_ids = [stage.key for _, stage in pairs if stage]
    stages = (
        Stage.objects.filter(pk__in=stage_ids)
        .select_related("route")
        .defer("requests", "system_prompt", "route__api_key", "route__check_models")
        .in_bulk()
    )
    prompts = Message.objects.filter(pk__in=prompt_ids).only(*GIVEN)
    answers = {message.stage_id: message for message in Message.objects.filter(stage__in=stage_ids)}
    runs: defaultdict[UUID, list[ToolRun]] = defaultdict(list)
    for run in ToolRun.objects.filter(stage__in=stage_ids).defer("whole_result").order_by("id"):
        runs[run.stage_id].append(run)
    marks: defaultdict[UUID, list[StageEvent]] = defaultdict(list)
    for event in StageEvent.objects.filter(stage__in=stage_ids, event__in=MARKS):
        marks[event.stage_id].append(event)
    repairs: defaultdict[UUID, list[StageRepair]] = defaultdict(list)
    for repair in StageRepair.objects.filter(stage__in=stage_ids).order_by("id"):
        repairs[repair.stage_id].append(repair)
    by_id = {message.id: message for message in prompts}
    turns = []
    for prompt_node, stage_node in pairs:
        prompt = by_id.get(prompt_node.key) if prompt_node else None
        stage = stages.get(stage_node.key) if stage_node else None
        turns.append(
            Turn(
                prompt=_given(prompt, prompt_node.versions) if prompt and prompt_node else None,
                stage=stage_card(
                    stage,
                    answers.get(stage.id),
                    runs[stage.id],
                    marks[stage.id],
                    repairs[stage.id],
                    stage_node.versions,
                )
                if stage and stage_node
                else None,
            )
        )
    return tuple(turns)


def _given(message: Message, versions: Versions | None) -> Prompt:
    return Prompt(
        message.id,
        message.content,
        message.created_at,
        versions,
        message.role,
        tuple(GivenCall(**call) for call in message.tool_calls),
        message.tool_call_id,
    )
