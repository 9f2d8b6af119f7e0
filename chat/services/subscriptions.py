"""What a person, or a key of one, may follow live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from chat.frames import last_numbers
from chat.models import Conversation, Stage
from chat.policy import FULL, Grant
from chat.services.refusals import not_found


@dataclass(frozen=True, slots=True)
class StageStanding:
    """Where a stage stands, for one who may read it."""

    stage_id: UUID
    conversation_id: UUID
    owner_id: int
    status: str
    last_sequence_number: int

    @property
    def has_ended(self) -> bool:
        """Whether its last event is terminal."""
        return self.status in ("done", "cancel", "error")


def find_stage(user_id: int, stage_id: UUID, grant: Grant = FULL) -> StageStanding:
    """The standing of a stage this caller may read; raises Refused."""
    user = _user(user_id)
    row = (
        Stage.objects.visible_to(user, grant)
        .filter(pk=stage_id)
        .values_list("conversation_id", "conversation__owner_id", "status")
        .first()
    )
    if row is None:
        raise not_found("stage")
    conversation_id, owner_id, status = row
    last = last_numbers([stage_id])[stage_id]
    return StageStanding(stage_id, conversation_id, owner_id, status, last)


def find_conversation(
    user_id: int, conversation_id: UUID, grant: Grant = FULL
) -> tuple[int, list[dict[str, Any]]]:
    """Owner and active stages of a conversation this caller may read; raises Refused."""
    user = _user(user_id)
    visible = Conversation.objects.visible_to(user, grant)
    conversation = visible.filter(pk=conversation_id).only("owner_id").first()
    if conversation is None:
        raise not_found("conversation")
    active = dict(conversation.stages.active().values_list("pk", "status"))
    numbers = last_numbers(list(active))
    stages = [
        {"stage_id": str(pk), "status": status, "last_sequence_number": numbers[pk]}
        for pk, status in active.items()
    ]
    return conversation.owner_id, stages


def _user(user_id: int) -> User:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise not_found("account")
    return user
