"""Which of a conversation's messages and stages make up the branch that is shown.

A branch is climbed from its newest message, and only what is shown is looked at: a page of a long
conversation costs what a page of a short one does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from chat.models import Conversation, Message, Stage

# From a message towards the root: the lowest ones, and how many prompts the whole branch has.
_ABOVE = """
WITH RECURSIVE above (id, parent_id, stage_id, depth) AS (
    SELECT id, parent_id, stage_id, 1 FROM {table} WHERE id = %s
    UNION ALL
    SELECT next.id, next.parent_id, next.stage_id, above.depth + 1
    FROM {table} next JOIN above ON next.id = above.parent_id
)
SELECT id, parent_id, stage_id, (SELECT COUNT(*) FROM above WHERE stage_id IS NULL)
FROM above ORDER BY depth LIMIT %s
"""

_BELOW = """
WITH RECURSIVE below (id) AS (
    SELECT id FROM {table} WHERE id = %s
    UNION
    SELECT next.id FROM {table} next JOIN below ON next.parent_id = below.id
)
SELECT id FROM below
"""


@dataclass(frozen=True, slots=True)
class Versions:
    """Where a node stands among its alternatives; `previous` and `next` are keys to link to."""

    position: int
    total: int
    previous: UUID | None
    next: UUID | None


@dataclass(frozen=True, slots=True)
class Node:
    """A message that no stage wrote, or a stage that answers one.

    `versions` is None where there is just one.
    """

    key: UUID
    versions: Versions | None


Pair = tuple[Node | None, Node | None]


@dataclass(frozen=True, slots=True)
class Branch:
    """The last prompts of a branch, each with the stage that answers it, oldest first."""

    pairs: tuple[Pair, ...]
    earlier: int
    leaf: UUID | None


@dataclass(frozen=True, slots=True)
class _Tip:
    """Where a branch ends: a prompt, and the stage that answers it."""

    prompt: UUID
    stage: UUID | None


_Dated = tuple[datetime, _Tip]


def read_branch(conversation: Conversation, leaf: UUID | None, limit: int) -> Branch:
    """The last `limit` prompts of the branch through `leaf`, or of the newest one.

    `leaf` is a message or a stage; of those that follow it the newest ends the branch.
    """
    tip, found = (_tip_below(conversation, leaf) if leaf else None), leaf
    if tip is None:
        tip, found = _newest(conversation), None
    if tip is None:
        return Branch((), 0, None)
    rows = _query(_ABOVE, tip.prompt, 2 * limit)
    prompts: list[UUID] = []
    parents: dict[UUID, UUID | None] = {}
    answered_by = {tip.prompt: tip.stage}
    stage: UUID | None = None
    for key, parent, written_by, _ in rows:
        if written_by is None:
            prompts.append(key)
            parents[key] = parent
            answered_by.setdefault(key, stage)
            stage = None
        else:
            stage = written_by
    shown = prompts[:limit][::-1]
    stages = {key: answered_by[key] for key in shown}
    of_prompts = _versions(_prompts_beside(conversation, {key: parents[key] for key in shown}))
    of_stages = _versions(_stages_of(shown))
    pairs = tuple(
        (
            Node(key, of_prompts.get(key)),
            Node(answer, of_stages.get(answer)) if (answer := stages[key]) else None,
        )
        for key in shown
    )
    is_node = (
        found is not None and not Message.objects.filter(pk=found, stage__isnull=False).exists()
    )
    return Branch(pairs, rows[0][3] - len(shown), found if is_node else None)


def read_pair(conversation: Conversation, stage_id: UUID) -> Pair | None:
    """A stage of the conversation with its prompt; None where there is no such stage."""
    stage = (
        Stage.objects.filter(conversation=conversation, pk=stage_id)
        .values_list("prompt_message_id", "prompt_message__parent_id")
        .first()
    )
    if stage is None:
        return None
    prompt, parent = stage
    of_prompts = _versions(_prompts_beside(conversation, {prompt: parent}))
    return Node(prompt, of_prompts.get(prompt)), Node(
        stage_id, _versions(_stages_of([prompt])).get(stage_id)
    )


def _newest(conversation: Conversation) -> _Tip | None:
    stages = Stage.objects.filter(conversation=conversation)
    prompts = Message.objects.filter(conversation=conversation, stage=None)
    return _newer(_newest_stage(stages), _newest_prompt(prompts))


def _tip_below(conversation: Conversation, leaf: UUID) -> _Tip | None:
    """The newest end of the branches through a message or a stage; None where there is none."""
    message = Message.objects.filter(conversation=conversation, pk=leaf).only("stage_id", "role")
    stage_id: UUID | None = leaf
    start: UUID | None = None
    if (found := message.first()) is not None:
        start, stage_id = found.pk, found.stage_id
    stage = (
        Stage.objects.filter(conversation=conversation, pk=stage_id).first() if stage_id else None
    )
    if stage is not None:
        answer = Message.objects.filter(stage=stage, role=Message.Role.ASSISTANT)
        start = answer.values_list("pk", flat=True).first()
    if start is None:
        return _Tip(stage.prompt_message_id, stage.pk) if stage is not None else None
    below = [key for (key,) in _query(_BELOW, start)]
    stages = Stage.objects.filter(conversation=conversation, prompt_message__in=below)
    prompts = Message.objects.filter(pk__in=below, stage=None)
    tip = _newer(_newest_stage(stages), _newest_prompt(prompts))
    if tip is None and stage is not None:
        tip = _Tip(stage.prompt_message_id, stage.pk)
    return tip


def _newest_stage(stages: Any) -> _Dated | None:
    row = stages.order_by("-created_at").values_list("created_at", "prompt_message", "pk").first()
    return (row[0], _Tip(row[1], row[2])) if row else None


def _newest_prompt(prompts: Any) -> _Dated | None:
    row = prompts.order_by("-created_at").values_list("created_at", "pk").first()
    return (row[0], _Tip(row[1], None)) if row else None


def _newer(
    stage: tuple[datetime, _Tip] | None, prompt: tuple[datetime, _Tip] | None
) -> _Tip | None:
    if stage is None or prompt is None:
        found = stage or prompt
        return found[1] if found else None
    # A stage is never older than its prompt, though both are written within a millisecond.
    is_older = stage[0] < prompt[0] and stage[1].prompt != prompt[1].prompt
    return prompt[1] if is_older else stage[1]


def _prompts_beside(
    conversation: Conversation, parents: dict[UUID, UUID | None]
) -> Iterable[tuple[UUID | None, UUID]]:
    """The shown prompts and their alternatives, by what they follow, oldest first."""
    prompts = Message.objects.filter(conversation=conversation, stage=None)
    beside = prompts.filter(parent__in=[parent for parent in parents.values() if parent])
    if None in parents.values():
        beside |= prompts.filter(parent=None)
    return beside.order_by("created_at").values_list("parent_id", "pk")


def _stages_of(prompts: Iterable[UUID]) -> Iterable[tuple[UUID | None, UUID]]:
    """The stages that answer prompts, by prompt, oldest first."""
    stages = Stage.objects.filter(prompt_message__in=prompts).order_by("created_at")
    return stages.values_list("prompt_message_id", "pk")


def _versions(rows: Iterable[tuple[UUID | None, UUID]]) -> dict[UUID, Versions]:
    """Every node that has alternatives, with its place among them."""
    siblings: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
    for parent, key in rows:
        siblings[parent].append(key)
    return {
        key: Versions(
            position=place + 1,
            total=len(keys),
            previous=keys[place - 1] if place else None,
            next=keys[place + 1] if place + 1 < len(keys) else None,
        )
        for keys in siblings.values()
        if len(keys) > 1
        for place, key in enumerate(keys)
    }


def _query(sql: str, start: UUID, *parameters: int) -> list[tuple[Any, ...]]:
    """Rows of a query over the messages; ids come as UUIDs whatever the database gives."""
    table = connection.ops.quote_name(Message._meta.db_table)
    key = Message._meta.pk.get_db_prep_value(start, connection)
    with connection.cursor() as cursor:
        cursor.execute(sql.format(table=table), [key, *parameters])
        return [tuple(map(_as_uuid, row)) for row in cursor.fetchall()]


def _as_uuid(value: Any) -> Any:
    return UUID(value) if isinstance(value, str) and len(value) == 32 else value
