"""Stage and StageEvent: one request to a model, and the numbered journal of what happened."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.engine.events import TERMINAL_EVENTS
from chat.models.conversations import Conversation, Message
from chat.models.keys import ApiKey
from chat.models.routes import ModelRoute
from chat.policy import FULL, AnyUser, Grant, reached, readable

ACTIVE_STATUSES = ("queued", "running", "waiting")


class StageQuerySet(models.QuerySet["Stage"]):
    """Stages, by who may read them and by whether they have ended."""

    def visible_to(self, user: AnyUser, grant: Grant = FULL) -> StageQuerySet:
        """Those of conversations a person may read; a key without `read` sees what it started."""
        return reached(readable(self, user, "conversation__owner"), grant, "api_key")

    def active(self) -> StageQuerySet:
        """Those not ended."""
        return self.filter(status__in=ACTIVE_STATUSES)


class Stage(models.Model):
    """One request in one of six modes."""

    class Mode(models.TextChoices):
        """What kind of request it is."""

        CHAT = "chat", "chat"
        TOOLCHAIN = "toolchain", "toolchain"

    class Status(models.TextChoices):
        """Where it stands; it ends in exactly one of the last three."""

        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        WAITING = "waiting", "waiting"
        DONE = "done", "done"
        CANCEL = "cancel", "cancelled"
        ERROR = "error", "failed"

    class ToolMode(models.TextChoices):
        """How the model is offered tools."""

        NATIVE = "native", "by the server"
        TEXT = "text", "in the prompt"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="stages")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stages"
    )
    api_key = models.ForeignKey(
        ApiKey,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="stages",
        help_text="With which it was started; none: in the browser, or by a command.",
    )
    request_id = models.UUIDField()
    request_digest = models.CharField(max_length=64)
    mode = models.CharField(max_length=10, choices=Mode)
    synthesis = models.BooleanField(default=False)
    stream = models.BooleanField(default=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    route = models.ForeignKey(ModelRoute, on_delete=models.PROTECT, related_name="stages")
    model = models.CharField(max_length=200)
    tool_mode = models.CharField(max_length=10, choices=ToolMode, default=ToolMode.NATIVE)
    caller_tools = models.JSONField(
        default=list, blank=True, help_text="Tools that the caller runs itself, as it gave them."
    )
    history_digest = models.CharField(
        max_length=64, blank=True, help_text="Of the history, where the caller keeps it itself."
    )
    prompt_message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="answering_stages"
    )
    message_id_reserved = models.UUIDField(
        default=uuid.uuid4, help_text="The id its answer gets; `done` names it."
    )
    system_prompt = models.TextField(blank=True)
    tools = models.JSONField(default=list)
    temperature = models.JSONField(default=list)
    max_tokens = models.JSONField(default=list)
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries"
    )
    continue_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="continuations"
    )
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    requests = models.JSONField(
        default=list, help_text="What was sent upstream in each round: by reference, no keys."
    )
    finish_reason = models.CharField(max_length=60, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    usage = models.JSONField(default=dict)
    timings = models.JSONField(default=dict)
    repairs_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = StageQuerySet.as_manager()

    class Meta:
        ordering = ("created_at",)
        constraints = (
            models.UniqueConstraint(fields=("owner", "request_id"), name="one_stage_per_request"),
            models.UniqueConstraint(
                fields=("conversation",),
                condition=Q(status__in=ACTIVE_STATUSES),
                name="one_active_stage_per_conversation",
            ),
            models.CheckConstraint(
                condition=Q(status__in=(*ACTIVE_STATUSES, "done", "cancel", "error")),
                name="stage_status_known",
            ),
            models.CheckConstraint(
                condition=Q(mode="toolchain") | Q(mode="chat", synthesis=False),
                name="synthesis_in_toolchains_only",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ACTIVE_STATUSES, ended_at__isnull=True)
                | Q(status__in=("done", "cancel", "error"), ended_at__isnull=False),
                name="ended_stages_say_when",
            ),
        )
        indexes = (
            models.Index(
                fields=("owner", "history_digest"),
                condition=~Q(history_digest=""),
                name="stages_by_history",
            ),
            models.Index(
                fields=("lease_expires_at",),
                condition=Q(status__in=ACTIVE_STATUSES),
                name="active_stage_leases",
            ),
        )

    def __str__(self) -> str:
        return f"{self.mode} {self.id}"

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.status in ACTIVE_STATUSES


class StageEvent(models.Model):
    """An entry of a stage's journal; `data` is the JSON text that readers got."""

    stage = models.ForeignKey(
        Stage, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    sequence_number = models.PositiveIntegerField()
    ts = models.DateTimeField()
    event = models.CharField(max_length=30)
    data = models.TextField()

    class Meta:
        ordering = ("stage", "sequence_number")
        constraints = (
            models.UniqueConstraint(
                fields=("stage", "sequence_number"), name="one_event_per_number"
            ),
            models.UniqueConstraint(
                fields=("stage",),
                condition=Q(event__in=TERMINAL_EVENTS),
                name="one_terminal_event_per_stage",
            ),
            models.CheckConstraint(
                condition=Q(sequence_number__gte=1), name="events_numbered_from_one"
            ),
        )

    def __str__(self) -> str:
        return f"{self.stage_id} {self.sequence_number} {self.event}"

    def parsed_data(self) -> dict[str, Any]:
        """`data` as an object."""
        import orjson

        parsed: dict[str, Any] = orjson.loads(self.data)
        return parsed
