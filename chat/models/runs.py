"""ToolRun: the row of a tool call, executed or not."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from chat.models.stages import Stage
from chat.policy import AnyUser, readable


class ToolRunQuerySet(models.QuerySet["ToolRun"]):
    """Tool runs, by who may read them."""

    def visible_to(self, user: AnyUser) -> ToolRunQuerySet:
        """Those of conversations a person may read."""
        return readable(self, user, "stage__conversation__owner")


class ToolRun(models.Model):
    """One tool call: what the model asked for and what became of it."""

    class Status(models.TextChoices):
        """`running` until its result is there."""

        RUNNING = "running", "running"
        OK = "ok", "ok"
        ERROR = "error", "failed"
        INVALID = "invalid", "invalid"
        TIMEOUT = "timeout", "timed out"
        DENIED = "denied", "denied"
        CANCELLED = "cancelled", "cancelled"
        LOST = "lost", "lost"
        HANDED_OVER = "handed_over", "handed to the caller"

    stage = models.ForeignKey(
        Stage, on_delete=models.CASCADE, related_name="tool_runs", db_index=False
    )
    call_id = models.CharField(max_length=200)
    upstream_id = models.CharField(max_length=200, blank=True)
    round = models.PositiveSmallIntegerField()
    tool = models.CharField(max_length=200)
    origin = models.CharField(max_length=60)
    raw_arguments = models.TextField(blank=True)
    arguments = models.JSONField(null=True, blank=True)
    valid = models.BooleanField()
    errors = models.JSONField(default=list, blank=True)
    repairs = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.RUNNING)
    result = models.TextField(blank=True, help_text="What the model read.")
    whole_result = models.TextField(
        null=True, blank=True, help_text="The whole output where the model read a part."
    )
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    objects = ToolRunQuerySet.as_manager()

    class Meta:
        ordering = ("stage", "id")
        constraints = (
            models.UniqueConstraint(fields=("stage", "call_id"), name="one_run_per_call"),
            models.CheckConstraint(condition=models.Q(round__gte=1), name="tool_rounds_from_one"),
        )
        indexes = (models.Index(fields=("tool", "-started_at"), name="tool_run_by_tool"),)

    def __str__(self) -> str:
        return f"{self.tool} {self.call_id}"
