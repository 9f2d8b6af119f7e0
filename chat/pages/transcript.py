"""A conversation's branch as the page shows it, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chat.models import Conversation, Message, Stage, StageEvent, ToolRun
from chat.pages.branch import Node, Tree, Versions
from chat.pages.stagecard import StageCard, stage_card

TURNS_SHOWN = 100
MARKS = ("usage", "cancel", "error")
"""Events that say what no row does: tokens by request, and how a stage ended."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person wrote."""

    id: UUID
    content: str
    created_at: datetime
    versions: Versions | None


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
    tree = Tree.of(conversation)
    pairs = _pairs(tree.branch(leaf))
    shown = pairs[-limit:]
    return Transcript(
        turns=_turns(tree, shown),
        earlier=len(pairs) - len(shown),
        leaf=leaf if leaf and (leaf in tree.nodes) else None,
    )


def read_turn(conversation: Conversation, stage_id: UUID) -> Turn | None:
    """One stage of the conversation with its prompt; None where there is no such stage."""
    tree = Tree.of(conversation)
    node = tree.nodes.get(stage_id)
    if node is None or not node.is_stage:
        return None
    prompt = tree.nodes.get(node.parent) if node.parent else None
    return _turns(tree, [(prompt, node)])[0]


def _pairs(branch: list[Node]) -> list[tuple[Node | None, Node | None]]:
    pairs: list[tuple[Node | None, Node | None]] = []
    for node in branch:
        if not node.is_stage:
            pairs.append((node, None))
        elif pairs and pairs[-1][1] is None:
            pairs[-1] = (pairs[-1][0], node)
        else:
            pairs.append((None, node))
    return pairs


def _turns(tree: Tree, pairs: list[tuple[Node | None, Node | None]]) -> tuple[Turn, ...]:
    prompt_ids = [prompt.key for prompt, _ in pairs if prompt]
    stage_ids = [stage.key for _, stage in pairs if stage]
    stages = (
        Stage.objects.filter(pk__in=stage_ids)
        .select_related("route")
        .defer("requests", "system_prompt", "route__api_key", "route__check_models")
        .in_bulk()
    )
    prompts = Message.objects.filter(pk__in=prompt_ids).only("id", "content", "created_at")
    answers = {message.stage_id: message for message in Message.objects.filter(stage__in=stage_ids)}
    runs: defaultdict[UUID, list[ToolRun]] = defaultdict(list)
    for run in ToolRun.objects.filter(stage__in=stage_ids).defer("whole_result").order_by("id"):
        runs[run.stage_id].append(run)
    marks: defaultdict[UUID, list[StageEvent]] = defaultdict(list)
    for event in StageEvent.objects.filter(stage__in=stage_ids, event__in=MARKS):
        marks[event.stage_id].append(event)
    by_id = {message.id: message for message in prompts}
    turns = []
    for prompt_node, stage_node in pairs:
        prompt = by_id.get(prompt_node.key) if prompt_node else None
        stage = stages.get(stage_node.key) if stage_node else None
        turns.append(
            Turn(
                prompt=Prompt(
                    prompt.id, prompt.content, prompt.created_at, tree.versions(prompt_node)
                )
                if prompt and prompt_node
                else None,
                stage=stage_card(
                    stage,
                    answers.get(stage.id),
                    runs[stage.id],
                    marks[stage.id],
                    tree.versions(stage_node),
                )
                if stage and stage_node
                else None,
            )
        )
    return tuple(turns)
