"""Histories that a caller keeps itself and sends whole with each request: stored once.

A request whose messages begin with what an earlier one sent, and go on with what that one was
answered, belongs to the same conversation: only its new messages are stored. Else a chat of n turns
would be n conversations, and the first prompt be stored n times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import orjson
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from chat.engine.messages import ChatMessage
from chat.models import Conversation, Message, Stage
from chat.policy import Grant
from chat.services.starting import clean

CANDIDATES = 5
"""Answers to one history that are looked at, newest first: a caller may have asked it often."""

_BRANCH = """
WITH RECURSIVE branch (id, parent_id, depth) AS (
    SELECT id, parent_id, 1 FROM {table} WHERE id = %s
    UNION ALL
    SELECT above.id, above.parent_id, branch.depth + 1
    FROM {table} above JOIN branch ON above.id = branch.parent_id
)
SELECT id FROM branch ORDER BY depth DESC
"""


@dataclass(frozen=True, slots=True)
class GoneOn:
    """Where a history goes on: the answer that it takes up, and how many messages are stored."""

    answer: Message
    stored: int


def digest_of(messages: Sequence[ChatMessage]) -> str:
    """What tells one history from another."""
    values = [message.as_request() for message in messages]
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()


def find_earlier(
    user: User, messages: Sequence[ChatMessage], source: str, grant: Grant
) -> GoneOn | None:
    """The conversation that a history goes on with, unless a stage is at work in it."""
    said = [at for at, message in enumerate(messages) if message.role == "assistant"]
    if not said or not messages[said[-1] + 1 :]:
        return None
    at = said[-1]
    stages = (
        Stage.objects.visible_to(user, grant)
        .filter(
            owner=user,
            conversation__source=source,
            history_digest=digest_of(messages[:at]),
            api_key_id=grant.key_id,
        )
        .order_by("-created_at")
        .values_list("pk", flat=True)[:CANDIDATES]
    )
    answers = Message.objects.filter(stage__in=list(stages)).select_related("conversation")
    for answer in answers.order_by("-created_at"):
        is_free = not Stage.objects.active().filter(conversation=answer.conversation_id).exists()
        if is_free and _is_answer(answer, messages[at]):
            return GoneOn(answer, at + 1)
    return None


def store_messages(
    conversation: Conversation, messages: Sequence[ChatMessage], earlier: GoneOn | None
) -> tuple[Message, tuple[ChatMessage, ...]]:
    """Store what is new of a history as a branch: its last message, and all as the model gets them.

    Each follows the one before by a microsecond, so that their order in time is theirs too.
    """
    stored = earlier.stored if earlier else 0
    parent: Message | None = earlier.answer if earlier else None
    new = messages[stored:]
    begin = timezone.now() - timedelta(microseconds=len(new))
    rows: list[Message] = []
    for at, message in enumerate(new):
        parent = Message(
            conversation=conversation,
            parent=parent,
            role=message.role,
            content=clean(message.content),
            tool_calls=[
                {
                    "call_id": clean(call.call_id),
                    "tool": clean(call.tool),
                    "raw_arguments": clean(call.raw_arguments),
                }
                for call in message.tool_calls
            ],
            tool_call_id=clean(message.tool_call_id or "")[:200],
            created_at=begin + timedelta(microseconds=at),
        )
        rows.append(parent)
    Message.objects.bulk_create(rows)
    ids: Sequence[UUID | None] = _branch_ids(earlier.answer) if earlier else ()
    if len(ids) != stored:
        ids = [None] * stored
    places = [*ids, *(row.pk for row in rows)]
    sent = tuple(
        replace(
            message,
            content=clean(message.content),
            ref=None if place is None else {"message_id": str(place)},
        )
        for message, place in zip(messages, places, strict=True)
    )
    return rows[-1], sent


def _is_answer(stored: Message, sent: ChatMessage) -> bool:
    """Whether a caller sent back what it was answered; programs trim what they show."""
    if stored.content.strip() != sent.content.strip():
        return False
    ids = [call["call_id"] for call in stored.tool_calls]
    return ids == [call.call_id for call in sent.tool_calls]


def _branch_ids(message: Message) -> list[UUID]:
    """The messages from the root to this one."""
    table = connection.ops.quote_name(Message._meta.db_table)
    pk = Message._meta.pk.get_db_prep_value(message.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(_BRANCH.format(table=table), [pk])
        return [row if isinstance(row, UUID) else UUID(row) for (row,) in cursor.fetchall()]
