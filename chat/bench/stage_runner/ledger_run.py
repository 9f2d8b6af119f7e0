"""A run whose trials are kept in a state file: over HTTP, and the origin's test cases anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from chat.bench.stage_runner.driving import drive, results_in
from chat.bench.stage_runner.executor import REFUSALS, Executor
from chat.bench.stage_runner.ledger import SUFFIX, BadLedger, Ledger, heads_in, read_ledger
from chat.bench.stage_runner.plan import Plan
from chat.bench.stage_runner.trials import TrialResult

LATEST = "latest"
MOST_KEPT = 100
"""State files in a directory; older ones go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRun:
    """A plan, and what of it is done."""

    plan: Plan
    ledger: Ledger
    parallel: int = 1

    @property
    def results(self) -> list[TrialResult]:
        """What has ended so far, in the plan's order."""
        order = {key: at for at, key in enumerate(self.plan.keys)}
        known = [result for result in results_in(self.ledger) if result.key in order]
        return sorted(known, key=lambda result: order[result.key])

    @property
    def refusal(self) -> str:
        """Why nothing was tried, where every single trial was refused; else empty."""
        results = self.results
        refused = [
            result
            for result in results
            if result.status == "failed" and result.http_status in REFUSALS
        ]
        return refused[0].message if refused and len(refused) == len(results) else ""

    async def carry_out(self, executor: Executor, heard: Callable[[TrialResult], None]) -> None:
        """Try what is not tried yet. Raises CannotRun; it can be resumed after that."""
        await drive(
            self.plan.keys,
            lambda key: self.plan.attempt(key, executor),
            self.ledger,
            heard,
            parallel=self.parallel,
        )


def open_ledger(plan: Plan, *, place: Path, resume: str | None) -> Ledger:
    """A new state file, or the one to go on with. Raises BadLedger.

    `place` is a directory for many runs, or the file of this one. `resume` is a run's id, the
    path of its file, or LATEST for the newest that has the same trials and is not done.
    """
    if resume is None:
        if place.is_dir():
            for path in sorted(place.glob(f"*{SUFFIX}"), reverse=True)[MOST_KEPT - 1 :]:
                path.unlink(missing_ok=True)
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
    heads = list(heads_in(directory))[:8]
    return ", ".join(
        f"{one.run} ({one.name}, {done} of {one.total})" for _, one, done in heads
    ) or ("none")


def earlier_results(place: Path, named: str) -> list[TrialResult]:
    """The trials of an earlier run: its id, its state file or its JSON report. Raises BadLedger."""
    path = find_ledger(place, named)
    try:
        report = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        report = None
    trials = report.get("trials") if isinstance(report, dict) else None
    if not isinstance(trials, list):
        _, trials = read_ledger(path)
    try:
        return [TrialResult.from_json(trial) for trial in trials]
    except (TypeError, AttributeError):
        raise BadLedger(f"{path} is neither the report nor the state of a run.") from None
