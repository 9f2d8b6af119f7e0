"""What a person can do with their conversations, apart from starting stages."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from chat.models import Conversation
from chat.services.refusals import Refused, not_found

TITLE_LENGTH = 200


def rename_conversation(user: User, conversation_id: UUID, title: str) -> Conversation:
    """Give a conversation of one's own another title; raises Refused."""
    title = " ".join(title.replace("\x00", "").split())
    if not title:
        raise Refused("invalid_request", "Write a title of at least one character.")
    if len(title) > TITLE_LENGTH:
        raise Refused(
            "invalid_request",
            f"A title has at most {TITLE_LENGTH} characters; this one has {len(title)}.",
        )
    with transaction.atomic():
        conversation = _own(user, conversation_id)
        conversation.title = title
        conversation.save(update_fields=("title",))
    return conversation


def delete_conversation(user: User, conversation_id: UUID) -> None:
    """Delete a conversation of one's own with all its stages; raises Refused while one runs."""
    with transaction.atomic():
        conversation = _own(user, conversation_id)
        active = conversation.stages.active().first()
        if active is not None:
            raise Refused(
                "conversation_busy",
                "A stage of this conversation is still running. Stop it, then delete.",
                stage_id=str(active.pk),
            )
        conversation.delete()


def _own(user: User, conversation_id: UUID) -> Conversation:
    """The conversation, locked against starts and deletes until the transaction ends."""
    rows = Conversation.objects.owned_by(user).select_for_update()
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise not_found("conversation")
    return conversation
