"""The bench's lists: suites and runs with their figures, never a case's body."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Func, IntegerField, Q, QuerySet
from django.urls import reverse

from chat.models import BenchRun, BenchSuite, BenchTrial
from chat.pages import figures
from chat.pages.bench.words import plural, run_title

PAGE_SIZE = 25

_STATE = {
    BenchRun.Status.QUEUED: ("line", "clock", "Waiting"),
    BenchRun.Status.RUNNING: ("live", "", "Running"),
    BenchRun.Status.DONE: ("ok", "check", "Done"),
    BenchRun.Status.STOPPED: ("line", "square", "Stopped"),
    BenchRun.Status.FAILED: ("bad", "x", "Failed"),
}


class _Length(Func):
    """How many elements a JSON list has, without reading it."""

    function = "JSON_ARRAY_LENGTH"
    arity = 1
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """PostgreSQL has it under another name."""
        return self.as_sql(compiler, connection, function="JSONB_ARRAY_LENGTH", **more)


@dataclass(frozen=True, slots=True)
class State:
    """A run's state as a badge."""

    kind: str
    glyph: str
    words: str


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One suite of the list."""

    url: str
    name: str
    description: str
    cases: int
    owner: str
    is_shipped: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of the list; `rate` is empty while nothing is known."""

    url: str
    title: str
    suite: str
    owner: str
    state: State
    targets: str
    ended: int
    total: int
    rate: str
    passed: str
    took: str
    created_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.state.words in ("Waiting", "Running")


@dataclass(frozen=True, slots=True)
class RunListing:
    """A page of runs; `more` leads to the next."""

    rows: tuple[RunRow, ...]
    more: str

    @property
    def is_active(self) -> bool:
        """Whether any of them waits or runs."""
        return any(row.is_active for row in self.rows)


def state_of(run: BenchRun) -> State:
    """A run's badge."""
    return State(*_STATE[BenchRun.Status(run.status)])


def read_suites(user: User) -> tuple[SuiteRow, ...]:
    """The suites a person may read, in one query."""
    query: QuerySet[Any] = (
        BenchSuite.objects.visible_to(user)
        .select_related("owner")
        .annotate(length=_Length("cases"))
        .defer("cases")
        .order_by("name", "id")
    )
    return tuple(
        SuiteRow(
            url=reverse("bench:suite", args=[suite.pk]),
            name=suite.name,
            description=suite.description.strip().split("\n", 1)[0],
            cases=suite.length,
            owner="" if suite.owner_id == user.pk else owner_name(suite.owner),
        )
        for suite in query
    )


def read_runs(
    user: User, *, suite: str | None = None, after: str = "", size: int = PAGE_SIZE
) -> RunListing:
    """A page of the runs a person may read, newest first, in two queries."""
    query = BenchRun.objects.visible_to(user).select_related("owner").defer("cases")
    if suite is not None:
        query = query.filter(suite_name=suite, owner=user)
    place = _read_cursor(after)
    if place is not None:
        moment, key = place
        query = query.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=key))
    found = list(query.order_by("-created_at", "-id")[: size + 1])
    shown = found[:size]
    counts = count_trials(shown)
    return RunListing(
        rows=tuple(_row(run, user, *counts.get(run.pk, (0, 0))) for run in shown),
        more=_cursor(found[size - 1]) if len(found) > size else "",
    )


def count_trials(runs: Sequence[BenchRun]) -> dict[UUID, tuple[int, int]]:
    """How many trials of each run have ended, and how many of them passed."""
    if not runs:
        return {}
    rows: QuerySet[Any, Any] = (
        BenchTrial.objects.filter(run__in=[run.pk for run in runs])
        .order_by()
        .values("run")
        .annotate(
            ended=Count("pk", filter=Q(passed__isnull=False)),
            passed=Count("pk", filter=Q(passed=True)),
        )
        .values_list("run", "ended", "passed")
    )
    return {run: (ended, passed) for run, ended, passed in rows}


def owner_name(owner: User) -> str:
    """What a person is called on the pages of others."""
    return owner.get_full_name() or owner.get_username()


def took_words(run: BenchRun) -> str:
    """How long a run took, or has taken; empty before it began."""
    if run.started_at is None or run.ended_at is None:
        return ""
    return figures.duration((run.ended_at - run.started_at).total_seconds() * 1000)


def _row(run: BenchRun, user: User, ended: int, passed: int) -> RunRow:
    routes = dict.fromkeys(target.get("route", "") for target in run.targets)
    return RunRow(
        url=reverse("bench:run", args=[run.pk]),
        title=run_title(run),
        suite=run.suite_name,
        owner="" if run.owner_id == user.pk else owner_name(run.owner),
        state=state_of(run),
        targets=", ".join(routes),
        ended=ended,
        total=run.total,
        rate=f"{passed / ended:.0%}".replace("%", f"{figures.GAP}%") if ended else "",
        passed=f"{figures.count(passed)} of {plural(ended, 'try', 'tries')}" if ended else "",
        took=took_words(run),
        created_at=run.created_at,
    )


def _cursor(run: BenchRun) -> str:
    text = f"{run.created_at.isoformat()} {run.pk}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(text: str) -> tuple[datetime, UUID] | None:
    try:
        moment, _, key = base64.urlsafe_b64decode(text.encode()).decode().partition(" ")
        return datetime.fromisoformat(moment), UUID(key)
    except (ValueError, binascii.Error):
        return None
