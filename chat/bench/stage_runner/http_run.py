"""A run over HTTP: its state file found or made, its endpoints looked at, its trials driven."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from chat.bench.stage_runner.driving import drive, results_in
from chat.bench.stage_runner.endpoint import TIME_LIMIT, Endpoint, Endpoints, build_client
from chat.bench.stage_runner.executor import (
    CannotRun,
    HttpExecutor,
    is_reachable,
    unreachable_words,
)
from chat.bench.stage_runner.ledger import SUFFIX, BadLedger, Ledger, heads_in, read_ledger
from chat.bench.stage_runner.plan import Plan
from chat.bench.stage_runner.test_case import TestCase
from chat.bench.stage_runner.trials import TrialResult

LATEST = "latest"
# Answers that tell of the request, not of the model: all of them, and nothing was tried.
REFUSALS = frozenset({400, 401, 403, 404, 405, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRun:
    """A plan that is carried out against endpoints."""

    plan: Plan
    ledger: Ledger
    endpoints: Endpoints
    time_limit: float = TIME_LIMIT
    retries: int = 0
    parallel: int = 1
    _order: dict[object, int] = field(default_factory=dict, repr=False)

    @property
    def results(self) -> list[TrialResult]:
        """What has ended so far, in the plan's order."""
        order = {key: at for at, key in enumerate(self.plan.keys)}
        known = [result for result in results_in(self.ledger) if result.key in order]
        return sorted(known, key=lambda result: order[result.key])

    @property
    def was_refused(self) -> bool:
        """Whether every single trial was refused, so that nothing was tried."""
        results = self.results
        return bool(results) and all(
            result.status == "failed" and result.http_status in REFUSALS for result in results
        )

    async def carry_out(self, heard: Callable[[TrialResult], None]) -> None:
        """Try what is not tried yet. Raises CannotRun; it can be resumed after that."""
        await self._look()
        async with build_client(most=max(2 * self.parallel, 4)) as client:
            executor = HttpExecutor(self.endpoints, client, self.time_limit, self.retries)
            await drive(
                self.plan.keys,
                lambda key: self.plan.attempt(key, executor),
                self.ledger,
                heard,
                parallel=self.parallel,
            )

    async def _look(self) -> None:
        """Whether something listens at each endpoint, before the first trial is begun."""
        used = list(self._used())
        for endpoint, is_there in zip(
            used, await asyncio.gather(*map(is_reachable, used)), strict=True
        ):
            if not is_there:
                raise CannotRun(unreachable_words(endpoint))

    def _used(self) -> Iterable[Endpoint]:
        own: set[str | None] = set()
        for case in self.plan.cases.values():
            stages = (case.stage_a, case.stage_b) if isinstance(case, TestCase) else (None,)
            own |= {stage.endpoint if stage else None for stage in stages if stage or not own}
        found = {}
        for address in own:
            endpoint = self.endpoints.of(address)
            if endpoint is not None:
                found[endpoint.origin] = endpoint
        return found.values()


def open_ledger(plan: Plan, *, place: Path, resume: str | None) -> Ledger:
    """A new state file, or the one to go on with. Raises BadLedger.

    `place` is a directory for many runs, or the file of this one. `resume` is a run's id, the
    path of its file, or LATEST for the newest that has the same trials and is not done.
    """
    if resume is None:
        return Ledger.create(place, plan.name, plan.digest, len(plan.keys))
    ledger = Ledger.reopen(find_ledger(place, resume, plan.digest))
    if ledger.head.digest != plan.digest:
        ledger.close()
        raise BadLedger(
            f"The run {ledger.head.run} has other trials: its cases, routes, endpoint or number of "
            "tries are not those named now. Name the same, or start anew without --resume."
        )
    return ledger


def find_ledger(place: Path, resume: str, digest: str = "") -> Path:
    """The state file that a person means. Raises BadLedger."""
    directory = place if place.is_dir() else place.parent
    if resume != LATEST:
        for path in (Path(resume), directory / f"{resume}{SUFFIX}"):
            if path.is_file():
                return path
        raise BadLedger(f"There is no run {resume} here. Those there are: {known(directory)}.")
    if not place.is_dir() and place.is_file():
        return place
    for path, head, done in heads_in(directory):
        if head.digest == digest and done < head.total:
            return path
    raise BadLedger(
        "No run of these cases, routes and tries was interrupted. Start it without --resume."
    )


def known(directory: Path) -> str:
    """The runs of a directory in words."""
    shown = [
        f"{head.run} ({head.name}, {done} of {head.total})" for _, head, done in heads_in(directory)
    ]
    return ", ".join(shown[:8]) or "none"


def earlier_results(path: Path) -> list[TrialResult]:
    """The trials of an earlier run, from its state file. Raises BadLedger."""
    _, lines = read_ledger(path)
    return [TrialResult.from_json(line) for line in lines]
