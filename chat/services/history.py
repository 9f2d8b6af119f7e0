"""The branch of a conversation as messages for the model."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from chat.engine.fold import history_messages
from chat.engine.messages import ChatMessage
from chat.models import Message, ToolRun

BRANCH_LIMIT = 400
"""Messages of a branch that are looked at; older ones are beyond any context budget."""


def load_history(prompt: Message) -> tuple[ChatMessage, ...]:
    """The messages from the root to `prompt`, in order, calls and their results included."""
    parents: dict[UUID, UUID | None] = {}
    if prompt.parent_id is not None:
        known = Message.objects.filter(conversation_id=prompt.conversation_id)
        parents = dict(known.values_list("pk", "parent_id"))
    branch: list[UUID] = []
    at: UUID | None = prompt.pk
    while at is not None and len(branch) < BRANCH_LIMIT:
        branch.append(at)
        at = parents.get(at)
    rows = Message.objects.in_bulk(branch) if len(branch) > 1 else {prompt.pk: prompt}
    results: dict[UUID, dict[str, str]] = defaultdict(dict)
    stage_ids = [row.stage_id for row in rows.values() if row.stage_id and row.tool_calls]
    for stage_id, call_id, result in ToolRun.objects.filter(stage_id__in=stage_ids).values_list(
        "stage_id", "call_id", "result"
    ):
        results[stage_id][call_id] = result
    messages: list[ChatMessage] = []
    for message_id in reversed(branch):
        row = rows[message_id]
        ref = {"message_id": str(row.pk)}
        if row.turns and row.stage_id:
            messages += history_messages(row.turns, results[row.stage_id], ref)
        elif row.role in (Message.Role.USER, Message.Role.ASSISTANT) and row.content:
            role = "user" if row.role == Message.Role.USER else "assistant"
            messages.append(ChatMessage(role=role, content=row.content, ref=ref))  # type: ignore[arg-type]
    return tuple(messages)


def used_call_ids(conversation_id: UUID) -> frozenset[str]:
    """The call ids that the conversation's tool runs already have."""
    return frozenset(
        ToolRun.objects.filter(stage__conversation_id=conversation_id).values_list(
            "call_id", flat=True
        )
    )
