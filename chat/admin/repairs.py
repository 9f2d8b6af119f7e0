"""Repairs in the admin: those of a stage, the counts of a route, and stages by a repair's code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.http import urlencode

from chat.models import ModelRoute, Stage, StageRepair
from chat.models.repairs import RepairCount, repair_counts, repair_counts_by_route
from chat.pages.repairs import repairs_of

DAYS = 7


@dataclass(frozen=True, slots=True)
class CountRow:
    """A code, in how many stages of a route it was met, and the link to them."""

    code: str
    stages: int
    last: datetime
    url: str


def route_repairs(route: ModelRoute) -> str:
    """A route's repairs of the last days as a table, each code a link to its stages."""
    rows = _rows(route.pk, repair_counts(route, _since()))
    return render_to_string("admin/chat/route_repairs.html", {"rows": rows, "days": DAYS})


def repairs_in_short(routes: Iterable[ModelRoute]) -> dict[int, str]:
    """The same on one line by route's id, for lists: one query for all of them."""
    counts = repair_counts_by_route([route.pk for route in routes], _since())
    return {
        route_id: format_html_join(
            ", ", '<a href="{}"><code>{}</code></a> {}', _links(route_id, found)
        )
        for route_id, found in counts.items()
    }


def stage_repairs(stage: Stage) -> str:
    """A stage's repairs with what caused them."""
    repairs = repairs_of(StageRepair.objects.filter(stage=stage).order_by("id"))
    if not repairs:
        return "None"
    return render_to_string("admin/chat/stage_repairs.html", {"repairs": repairs})


class RepairFilter(admin.SimpleListFilter):
    """Stages in which a certain repair was made."""

    title = "repair"
    parameter_name = "repair"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Every code that was ever met."""
        codes = StageRepair.objects.order_by("code").values_list("code", flat=True).distinct()
        return [(code, code) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Stage]) -> QuerySet[Stage]:
        """Those with a repair of the chosen code."""
        if not self.value():
            return queryset
        return queryset.filter(pk__in=StageRepair.objects.filter(code=self.value()).values("stage"))


def _rows(route_id: int, counts: Sequence[RepairCount]) -> list[CountRow]:
    return [
        CountRow(count.code, count.stages, count.last, _stages_url(route_id, count.code))
        for count in counts
    ]


def _links(route_id: int, counts: Sequence[RepairCount]) -> Iterable[tuple[str, str, int]]:
    return ((row.url, row.code, row.stages) for row in _rows(route_id, counts))


def _stages_url(route_id: int, code: str) -> str:
    query = urlencode({"route__id__exact": str(route_id), "repair": code})
    return f"{reverse('admin:chat_stage_changelist')}?{query}"


def _since() -> datetime:
    return timezone.now() - timedelta(days=DAYS)
