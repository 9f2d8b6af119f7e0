"""StageRepair: a deviation of the upstream that was mended in a stage, and counts of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.db.models import Count, Max
from django.utils import timezone

from chat.models.routes import ModelRoute
from chat.models.stages import Stage
from chat.policy import AnyUser, readable

RAW_LIMIT = 1_000
CODE_LIMIT = 80
DETAIL_LIMIT = 300


class StageRepairQuerySet(models.QuerySet["StageRepair"]):
    """Repairs, by who may read them."""

    def visible_to(self, user: AnyUser) -> StageRepairQuerySet:
        """Those of conversations a person may read."""
        return readable(self, user, "stage__conversation__owner")


class StageRepair(models.Model):
    """What was mended, where first, and the bytes that caused it; stays when events are removed."""

    stage = models.ForeignKey(
        Stage, on_delete=models.CASCADE, related_name="repairs", db_index=False
    )
    round = models.PositiveSmallIntegerField(default=1)
    phase = models.CharField(max_length=10, blank=True)
    code = models.CharField(max_length=CODE_LIMIT)
    detail = models.CharField(max_length=DETAIL_LIMIT)
    raw = models.TextField(blank=True, help_text="The upstream's bytes, cut and without its key.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = StageRepairQuerySet.as_manager()

    class Meta:
        ordering = ("stage", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("stage", "code", "detail"), name="one_row_per_repair_of_a_stage"
            ),
        )
        indexes = (
            models.Index(fields=("created_at",), name="repairs_by_time"),
            models.Index(fields=("code",), name="repairs_by_code"),
        )

    def __str__(self) -> str:
        return f"{self.code} in {self.stage_id}"


@dataclass(frozen=True, slots=True)
class RepairCount:
    """In how many stages a route's server needed a repair, and when last."""

    code: str
    stages: int
    last: datetime


def repair_counts(route: ModelRoute, since: datetime) -> Sequence[RepairCount]:
    """A route's repairs since then by code, the most frequent first, in one query."""
    return repair_counts_by_route([route.pk], since).get(route.pk, ())


def repair_counts_by_route(
    route_ids: Collection[int], since: datetime
) -> Mapping[int, Sequence[RepairCount]]:
    """The same for several routes in one query, by the route's id."""
    counts: defaultdict[int, list[RepairCount]] = defaultdict(list)
    rows = (
        StageRepair.objects.filter(stage__route__in=route_ids, created_at__gte=since)
        .order_by()
        .values_list("stage__route", "code")
        .annotate(stages=Count("stage", distinct=True), last=Max("created_at"))
        .order_by("-stages", "code")
    )
    for route_id, code, stages, last in rows:
        counts[route_id].append(RepairCount(code, stages, last))
    return dict(counts)
