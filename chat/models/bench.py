"""BenchSuite, BenchRun and BenchTrial: cases, a run of them over routes, and each single try."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.stages import Stage
from chat.policy import AnyUser, is_known, readable

TOOL_MODES = (("native", "native"), ("text", "text"))


class BenchSuiteQuerySet(models.QuerySet["BenchSuite"]):
    """Suites, by who may read and change them."""

    def visible_to(self, user: AnyUser) -> BenchSuiteQuerySet:
        """Those a person may read: their own; reviewers and admins all."""
        return readable(self, user, "owner")

    def owned_by(self, user: AnyUser) -> BenchSuiteQuerySet:
        """Those a person may change."""
        return self.filter(owner=user) if is_known(user) else self.none()


class BenchSuite(models.Model):
    """A person's cases, kept to be run again."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bench_suites"
    )
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    live = models.BooleanField(default=False, help_text="The real tools run, nothing recorded.")
    cases = models.JSONField(default=list, help_text="As chat.bench.cases reads them.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = BenchSuiteQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=("owner", "name"), name="one_suite_of_a_name"),
        )

    def __str__(self) -> str:
        return self.name


class BenchRunQuerySet(models.QuerySet["BenchRun"]):
    """Runs, by who may read and change them and by what is to be done with them."""

    def visible_to(self, user: AnyUser) -> BenchRunQuerySet:
        """Those a person may read: their own; reviewers and admins all."""
        return readable(self, user, "owner")

    def owned_by(self, user: AnyUser) -> BenchRunQuerySet:
        """Those a person may stop, resume and delete."""
        return self.filter(owner=user) if is_known(user) else self.none()

    def active(self) -> BenchRunQuerySet:
        """Those that wait or run."""
        return self.filter(status__in=BenchRun.ACTIVE)

    def due(self, now: datetime) -> BenchRunQuerySet:
        """Those that wait, and those whose process has not been heard of for too long."""
        lost = Q(status=BenchRun.Status.RUNNING, claimed_until__lt=now)
        return self.filter(Q(status=BenchRun.Status.QUEUED) | lost)


class BenchRun(models.Model):
    """Cases tried over targets, so many times each; kept with the cases as they were."""

    class Status(models.TextChoices):
        """How far it is."""

        QUEUED = "queued", "waiting for its turn"
        RUNNING = "running", "running"
        DONE = "done", "done"
        STOPPED = "stopped", "stopped"
        FAILED = "failed", "failed"

    ACTIVE = (Status.QUEUED, Status.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bench_runs"
    )
    number = models.PositiveIntegerField(
        default=0, help_text="What its owner calls it by: their runs counted from 1, in order."
    )
    suite_name = models.CharField(max_length=100)
    cases = models.JSONField(default=list, help_text="As they were when the run was made.")
    live = models.BooleanField(default=False)
    targets = models.JSONField(default=list, help_text='[{"route": slug, "tool_mode": …}, …]')
    tries = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    at_once = models.PositiveSmallIntegerField(
        default=0, help_text="Trials of a route side by side; 0: by where the route leads."
    )
    judge_route = models.CharField(max_length=50, blank=True)
    total = models.PositiveIntegerField(default=0, help_text="How many trials it has.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    problem = models.TextField(blank=True, help_text="Why it ended without all its trials.")
    baseline = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="later_runs"
    )
    claimed_by = models.CharField(max_length=40, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    in_process = models.BooleanField(
        default=False, help_text="A command carries it out itself; no serving process takes it."
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = BenchRunQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("owner", "suite_name", "-created_at"), name="bench_run_list"),
            models.Index(
                fields=("created_at",),
                condition=Q(status__in=("queued", "running")),
                name="bench_runs_to_do",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=("queued", "running", "done", "stopped", "failed")),
                name="bench_run_status_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.suite_name} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in self.ACTIVE


class BenchTrialQuerySet(models.QuerySet["BenchTrial"]):
    """Trials, by who may read them and by how far they are."""

    def visible_to(self, user: AnyUser) -> BenchTrialQuerySet:
        """Those of runs a person may read."""
        return readable(self, user, "run__owner")

    def ended(self) -> BenchTrialQuerySet:
        """Those with a result."""
        return self.filter(status__in=BenchTrial.ENDED)


class BenchTrial(models.Model):
    """One try of a case on a target: idle, executing, then success or failed, as the origin had it.

    `failed` is a trial that gave no output to judge (`code` and `message` say why); `passed` tells
    whether all that was expected came true.
    """

    class Status(models.TextChoices):
        """The states of the origin's runner."""

        IDLE = "idle", "idle"
        EXECUTING = "executing", "executing"
        SUCCESS = "success", "success"
        FAILED = "failed", "failed"

    ENDED = (Status.SUCCESS, Status.FAILED)

    run = models.ForeignKey(
        BenchRun, on_delete=models.CASCADE, related_name="trials", db_index=False
    )
    route = models.CharField(max_length=50, help_text="The route's slug.")
    tool_mode = models.CharField(max_length=10, choices=TOOL_MODES, default="native")
    case_id = models.CharField(max_length=80)
    case_digest = models.CharField(
        max_length=16, blank=True, help_text="Of the case's content: equal ones can be compared."
    )
    category = models.CharField(max_length=20)
    number = models.PositiveSmallIntegerField(default=1, help_text="From 1 to the run's tries.")
    position = models.PositiveIntegerField(default=0, help_text="Its place in the run.")
    status = models.CharField(max_length=10, choices=Status, default=Status.IDLE)
    passed = models.BooleanField(null=True)
    code = models.CharField(max_length=60, blank=True)
    message = models.TextField(blank=True)
    findings = models.JSONField(default=list)
    stage = models.ForeignKey(
        Stage, null=True, blank=True, on_delete=models.SET_NULL, related_name="bench_trials"
    )
    request_ms = models.PositiveIntegerField(null=True)
    execution_ms = models.PositiveIntegerField(null=True)
    upstream_ms = models.PositiveIntegerField(null=True)
    first_token_ms = models.PositiveIntegerField(null=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    cost = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    currency = models.CharField(max_length=8, blank=True)
    repairs = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="How often it was begun; more than once after an interruption."
    )
    claimed_by = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = BenchTrialQuerySet.as_manager()

    class Meta:
        ordering = ("run", "position")
        constraints = (
            models.UniqueConstraint(
                fields=("run", "position"), name="one_trial_at_each_place_of_a_run"
            ),
            models.UniqueConstraint(
                fields=("run", "route", "tool_mode", "case_id", "number"), name="one_trial_per_try"
            ),
            models.CheckConstraint(
                condition=Q(status__in=("success", "failed"), passed__isnull=False)
                | Q(status__in=("idle", "executing"), passed__isnull=True),
                name="ended_trials_have_a_verdict",
            ),
        )

    def __str__(self) -> str:
        return f"{self.case_id} on {self.route}, try {self.number}"
