"""The form that starts a run: routes with their health, how tools are given, how many tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import QueryDict

from chat import services
from chat.bench.cases import Suite
from chat.models import BenchRun, ModelRoute
from chat.pages.bench.caselist import CaseGroup
from chat.pages.options import health_of, why_not
from chat.services.bench import create_run

MOST_TRIES = 10
TOOL_MODES = {"native": ("native",), "text": ("text",), "both": ("native", "text")}


@dataclass(frozen=True, slots=True)
class RouteChoice:
    """A route to tick."""

    slug: str
    name: str
    health: str
    note: str
    why_not: str
    is_ticked: bool


@dataclass(frozen=True, slots=True)
class CategoryChoice:
    """A category to tick; `stages` is what one pass over it makes."""

    category: str
    name: str
    cases: int
    stages: int
    is_ticked: bool


@dataclass(frozen=True, slots=True)
class StartForm:
    """What was or will be chosen, and what is wrong with it."""

    routes: tuple[RouteChoice, ...]
    categories: tuple[CategoryChoice, ...]
    tool_mode: str
    tries: str
    judge: str
    needs_judge: bool
    problem: str

    @property
    def stages(self) -> int:
        """How many stages a run as it is ticked makes, estimated."""
        routes = sum(route.is_ticked for route in self.routes)
        modes = len(TOOL_MODES.get(self.tool_mode, ()))
        turns = sum(category.stages for category in self.categories if category.is_ticked)
        return routes * modes * turns * (int(self.tries) if self.tries.isdecimal() else 0)


def start_form(
    user: User,
    suite: Suite,
    groups: Sequence[CaseGroup],
    given: QueryDict | None = None,
    problem: str = "",
) -> StartForm:
    """The form empty, or as it was sent."""
    routes = list(
        ModelRoute.objects.visible_to(user)
        .defer("api_key", "extra_body", "check_models", "token_limit_fields")
        .order_by("-is_default", "display_name", "slug")
    )
    first = next((route.slug for route in routes if not why_not(route)), "")
    ticked = given.getlist("route") if given is not None else [first]
    categories = given.getlist("category") if given is not None else None
    return StartForm(
        routes=tuple(_choice(route, route.slug in ticked) for route in routes),
        categories=tuple(
            CategoryChoice(
                group.category,
                group.name,
                len(group.rows),
                group.turns,
                categories is None or group.category in categories,
            )
            for group in groups
        ),
        tool_mode=given.get("tool_mode", "native") if given is not None else "native",
        tries=given.get("tries", "1")[:4] if given is not None else "1",
        judge=given.get("judge", "") if given is not None else "",
        needs_judge=any(case.is_judged for case in suite.cases),
        problem=problem,
    )


def start_run(user: User, suite: Suite, given: QueryDict) -> BenchRun:
    """Start what the form says; raises Refused."""
    routes = given.getlist("route")
    if not routes:
        raise services.Refused("invalid_request", "Choose at least one route.")
    modes = TOOL_MODES.get(given.get("tool_mode", "native"))
    if modes is None:
        raise services.Refused("invalid_request", "Choose native, text or both.")
    tries = given.get("tries", "")
    if not tries.isdecimal() or not 1 <= int(tries[:4]) <= MOST_TRIES:
        raise services.Refused("invalid_request", f"Choose from 1 to {MOST_TRIES} tries.")
    categories = given.getlist("category")
    chosen = {case.id for case in suite.cases if case.category in categories}
    if not chosen:
        raise services.Refused("invalid_request", "Choose at least one category of cases.")
    return create_run(
        user,
        suite,
        [(route, mode) for route in routes for mode in modes],
        tries=int(tries),
        judge_route=given.get("judge", ""),
        case_ids=chosen if len(chosen) < len(suite.cases) else None,
    )


def run_again(user: User, run: BenchRun) -> BenchRun:
    """The same cases on the same targets once more, to be compared; raises Refused."""
    suite = Suite.model_validate({"suite": run.suite_name, "live": run.live, "cases": run.cases})
    return create_run(
        user,
        suite,
        [(target["route"], target["tool_mode"]) for target in run.targets],
        tries=run.tries,
        at_once=run.at_once,
        judge_route=run.judge_route,
        baseline_id=run.pk,
    )


def _choice(route: Any, is_ticked: bool) -> RouteChoice:
    health, words = health_of(route)
    return RouteChoice(
        slug=route.slug,
        name=route.display_name or route.slug,
        health=health,
        note=words,
        why_not=why_not(route),
        is_ticked=is_ticked and not why_not(route),
    )
