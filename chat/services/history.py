"""The branch of a conversation as messages for the model."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from django.db import connection

from chat.engine.fold import history_messages
from chat.engine.messages import ChatMessage, RequestedCall
from chat.models import Message, ToolRun

BRANCH_LIMIT = 400
"""Messages of a branch that are looked at; older ones are beyond any context budget."""

LONGEST = 2**31 - 1

# From the prompt towards the root, only as far as may fit: a long conversation starts as quickly
# as a short one. Characters are at most the bytes that `trim_history` counts.
_BRANCH = """
WITH RECURSIVE branch (id, parent_id, depth, size) AS (
    SELECT id, parent_id, 1, 0 FROM {table} WHERE id = %s
    UNION ALL
    SELECT above.id, above.parent_id, branch.depth + 1, branch.size + length(above.content)
    FROM {table} above JOIN branch ON above.id = branch.parent_id
    WHERE branch.depth < %s AND branch.size <= %s
)
SELECT {table}.* FROM branch JOIN {table} ON {table}.id = branch.id ORDER BY branch.depth DESC
"""


def load_history(prompt: Message, budget: int | None = None) -> tuple[ChatMessage, ...]:
    """The messages from the root to `prompt`, in order, calls and their results included.

    With a `budget` in tokens those that are too old to fit it may be missing.
    """
    rows = [prompt]
    if prompt.parent_id is not None:
        table = connection.ops.quote_name(Message._meta.db_table)
        pk = Message._meta.pk.get_db_prep_value(prompt.pk, connection)
        characters = LONGEST if budget is None else min(4 * budget, LONGEST)
        rows = list(
            Message.objects.raw(_BRANCH.format(table=table), [pk, BRANCH_LIMIT, characters])
        )
    results: dict[UUID, dict[str, str]] = defaultdict(dict)
    stage_ids = [row.stage_id for row in rows if row.stage_id and row.tool_calls]
    if stage_ids:
        runs = ToolRun.objects.filter(stage_id__in=stage_ids)
        for stage_id, call_id, result in runs.values_list("stage_id", "call_id", "result"):
            results[stage_id][call_id] = result
    messages: list[ChatMessage] = []
    for row in rows:
        ref = {"message_id": str(row.pk)}
        if row.turns and row.stage_id:
            messages += history_messages(row.turns, results[row.stage_id], ref)
        elif row.content or row.tool_calls:
            messages.append(_given_message(row, ref))
    return tuple(messages)


def _given_message(row: Message, ref: dict[str, str]) -> ChatMessage:
    """A message that no stage wrote: a person's prompt, or one of a caller's own history."""
    return ChatMessage(
        role=row.role,  # type: ignore[arg-type]
        content=row.content,
        tool_calls=tuple(RequestedCall(**call) for call in row.tool_calls),
        tool_call_id=row.tool_call_id or None,
        ref=ref,
    )


def used_call_ids(conversation_id: UUID) -> frozenset[str]:
    """The call ids that the conversation's tool runs already have."""
    return frozenset(
        ToolRun.objects.filter(stage__conversation_id=conversation_id).values_list(
            "call_id", flat=True
        )
    )
