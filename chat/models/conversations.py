"""Conversation and Message: what was said, as a tree."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from chat.policy import FULL, AnyUser, Grant, is_known, reached, readable


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Conversations, by who may read them."""

    def visible_to(self, user: AnyUser, grant: Grant = FULL) -> ConversationQuerySet:
        """Those a person may read: their own; reviewers and admins all.

        A key without `read` sees those in which it started a stage.
        """
        return self._reached(readable(self, user, "owner"), grant)

    def owned_by(self, user: AnyUser, grant: Grant = FULL) -> ConversationQuerySet:
        """Those a person may write in; a key only in those that it may read."""
        if not is_known(user):
            return self.none()
        return self._reached(self.filter(owner=user), grant)

    def _reached(self, rows: ConversationQuerySet, grant: Grant) -> ConversationQuerySet:
        # In a query of its own: joined, a conversation would come once per stage.
        started = reached(Conversation.objects.all(), grant, "stages__api_key")
        return rows if grant.allows("read") else rows.filter(pk__in=started.values("pk"))


class Conversation(models.Model):
    """A person's conversation with models."""

    class Source(models.TextChoices):
        """Through which door it came."""

        PAGE = "page", "page"
        API = "api", "API"
        BENCH = "bench", "bench"
        GATEWAY = "gateway", "gateway"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="conversations"
    )
    title = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=10, choices=Source, default=Source.PAGE)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at",)
        permissions = (("review", "Can read every conversation"),)
        indexes = (
            models.Index(fields=("owner", "source", "-updated_at"), name="conversation_list"),
        )

    def __str__(self) -> str:
        return self.title or "New conversation"


class Message(models.Model):
    """One message of a conversation's tree.

    A stage answers a user message with exactly one assistant message, written once, when the stage
    ends. Its `content` is the text of the last phase that has any; `turns` holds what each round
    said and asked for (see chat.engine.fold), so that history is sent back as it was; the results
    are in the stage's tool runs.
    """

    class Role(models.TextChoices):
        """As the Chat Completions API names them."""

        SYSTEM = "system", "system"
        USER = "user", "user"
        ASSISTANT = "assistant", "assistant"
        TOOL = "tool", "tool"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    role = models.CharField(max_length=10, choices=Role)
    content = models.TextField(blank=True)
    reasoning = models.TextField(blank=True)
    tool_calls = models.JSONField(default=list, blank=True)
    turns = models.JSONField(default=list, blank=True)
    tool_call_id = models.CharField(max_length=200, blank=True)
    stage = models.OneToOneField(
        "chat.Stage", null=True, blank=True, on_delete=models.CASCADE, related_name="message"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("created_at",)
        indexes = (models.Index(fields=("conversation", "created_at"), name="message_order"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(role__in=("system", "user", "assistant", "tool")),
                name="message_role_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.role} {self.id}"
