"""A run over HTTP before it begins: its trials, what is left out and why, what it is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chat.bench.cases import Case, Suite
from chat.bench.stage_runner.case_files import TestCases
from chat.bench.stage_runner.executor import Executor
from chat.bench.stage_runner.ledger import digest_of
from chat.bench.stage_runner.suite_cases import try_suite_case, why_not
from chat.bench.stage_runner.test_case import TestCase
from chat.bench.stage_runner.test_cases import routes_of, try_test_case
from chat.bench.stage_runner.trials import TrialKey, TrialResult


class NoRoute(ValueError):
    """Nobody says which route a case is tried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person who starts a run wants of it, besides the cases."""

    routes: tuple[str, ...] = ()
    tool_modes: tuple[str, ...] = ("native",)
    repeat: int = 1
    as_offered: bool = False
    judge: str = ""
    """Which route judges rubrics that name none; empty: the one that is tried."""
    endpoint: str = ""
    """Whose trials they are: the same cases at another address are another run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All trials of a run, in order."""

    name: str
    keys: tuple[TrialKey, ...]
    skipped: tuple[tuple[str, str], ...]
    """Case (by its tool mode where that is the reason) and why it is left out."""
    digest: str
    judge: str
    cases: dict[str, Case | TestCase] = field(repr=False)
    digests: dict[str, str] = field(repr=False)

    async def attempt(self, key: TrialKey, executor: Executor) -> TrialResult:
        """Try one. Raises CannotRun."""
        case = self.cases[key.case_id]
        if isinstance(case, TestCase):
            result = await try_test_case(case, key, executor)
        else:
            result = await try_suite_case(case, key, executor, self.judge or key.route)
        return replace(result, case_digest=self.digests[case.id])


def make_plan(name: str, cases: Suite | TestCases, wish: Wish) -> Plan:
    """The trials that were wished for. Raises NoRoute."""
    if isinstance(cases, Suite):
        chosen, skipped = _of_suite(cases, wish)
    else:
        chosen, skipped = _of_test_cases(cases, wish)
    own: dict[str, Case | TestCase] = {case.id: case for case, _, _ in chosen}
    digests = {case_id: _digest(case) for case_id, case in own.items()}
    keys = tuple(
        TrialKey(route, mode, case.id, number)
        for number in range(1, wish.repeat + 1)
        for case, routes, modes in chosen
        for route in routes
        for mode in modes
    )
    made_of = {
        "keys": [[key.route, key.tool_mode, key.case_id, key.number] for key in keys],
        "cases": digests,
        "as_offered": wish.as_offered,
        "judge": wish.judge,
        "endpoint": wish.endpoint,
    }
    return Plan(
        name=name,
        keys=keys,
        skipped=tuple(skipped),
        digest=digest_of(made_of),
        judge=wish.judge,
        cases=own,
        digests=digests,
    )


Chosen = list[tuple[Case | TestCase, Sequence[str], Sequence[str]]]


def _of_suite(suite: Suite, wish: Wish) -> tuple[Chosen, list[tuple[str, str]]]:
    if not wish.routes:
        raise NoRoute("A suite names no route. Name one or more with --route.")
    chosen: Chosen = []
    skipped = []
    for case in suite.cases:
        modes = []
        for mode in wish.tool_modes:
            reason = why_not(case, suite, mode, as_offered=wish.as_offered)
            if reason:
                skipped.append((case.id if mode == "native" else f"{case.id} ({mode})", reason))
            else:
                modes.append(mode)
        if modes:
            chosen.append((case, wish.routes, modes))
    return chosen, skipped


def _of_test_cases(cases: TestCases, wish: Wish) -> tuple[Chosen, list[tuple[str, str]]]:
    chosen: Chosen = []
    for case in cases:
        routes = routes_of(case, wish.routes)
        if not routes:
            raise NoRoute(
                f"The case {case.id} names no model_container. Write one into stage_a, or name a "
                "route with --route."
            )
        chosen.append((case, routes, ("native",)))
    skipped = []
    if "text" in wish.tool_modes:
        reason = "A test case's stages are sent as they are; only suites are tried by text."
        skipped = [(f"{case.id} (text)", reason) for case in cases]
    return ([] if "native" not in wish.tool_modes else chosen), skipped


def _digest(case: Case | TestCase) -> str:
    return case.digest if isinstance(case, Case) else digest_of(case.model_dump(mode="json"))
