"""RouteCheckup: one examination of a route by the doctor, as it goes and as it ended."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.routes import ModelRoute

KEPT = 10
"""So many examinations of a route are kept."""


class RouteCheckupQuerySet(models.QuerySet["RouteCheckup"]):
    """Examinations, by what is to be done with them."""

    def active(self) -> RouteCheckupQuerySet:
        """Those that wait or run."""
        return self.filter(status__in=RouteCheckup.ACTIVE)

    def due(self, now: datetime) -> RouteCheckupQuerySet:
        """Those that wait, and those whose process has not been heard of for too long."""
        running = Q(status=RouteCheckup.Status.RUNNING, claimed_until__lt=now)
        return self.filter(Q(status=RouteCheckup.Status.WAITING) | running)

    def ended_with_results(self) -> RouteCheckupQuerySet:
        """Those that came to a profile, the latest first."""
        return self.filter(status=RouteCheckup.Status.DONE).order_by("-id")


class RouteCheckup(models.Model):
    """An examination; `results` grow by one with each probe, `profile` comes at the end."""

    class Status(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "waiting for its turn"
        RUNNING = "running", "running"
        DONE = "done", "done"
        STOPPED = "stopped", "stopped"
        FAILED = "failed", "failed"

    ACTIVE = (Status.WAITING, Status.RUNNING)

    route = models.ForeignKey(ModelRoute, on_delete=models.CASCADE, related_name="checkups")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    asking = models.CharField(max_length=40, blank=True, help_text="The probe that is asked now.")
    results = models.JSONField(default=list)
    profile = models.JSONField(default=dict)
    problem = models.TextField(blank=True, help_text="Why it ended without a profile.")
    model = models.CharField(max_length=200, blank=True)
    host = models.CharField(max_length=500, blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="None: a command.",
    )
    claimed_by = models.CharField(max_length=40, blank=True)
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = RouteCheckupQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("route",),
                condition=Q(status__in=("waiting", "running")),
                name="one_checkup_of_a_route_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"checkup {self.pk} of {self.route_id}"

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in self.ACTIVE
