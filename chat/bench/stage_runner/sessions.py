"""What the command does between reading its arguments and telling how it went."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from rich.console import Console

from chat.bench.cases import Suite
from chat.bench.exports import told_of
from chat.bench.here import Taken, run_here
from chat.bench.stage_runner import local_run
from chat.bench.stage_runner.case_files import TestCases
from chat.bench.stage_runner.console import Told
from chat.bench.stage_runner.endpoint import BadEndpoint
from chat.bench.stage_runner.executor import CannotRun
from chat.bench.stage_runner.ledger import SUFFIX, BadLedger
from chat.bench.stage_runner.ledger_run import (
    LedgerRun,
    earlier_results,
    open_ledger,
)
from chat.bench.stage_runner.options import Options
from chat.bench.stage_runner.plan import NoRoute, Wish, make_plan
from chat.bench.stage_runner.route_servers import reachable_routes
from chat.bench.stage_runner.screen import bar
from chat.bench.stage_runner.trials import TrialResult, rows_of
from chat.bench.stage_runner.ways import Way, executing, needs_process
from chat.bench.summary import summary_of
from chat.bench.trials import Result
from chat.bench.trying import Errand
from chat.database import run_in_pool
from chat.models import BenchRun
from chat.services.refusals import Refused

STOPPED, COULD_NOT, USAGE = 130, 3, 2

T = TypeVar("T")


class Ended(Exception):
    """The command ends without a report: its exit status, and what to say."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Session:
    """One call of the command."""

    options: Options
    progress: Console

    def try_ledger(self, cases: Suite | TestCases, name: str) -> Told:
        """A run kept in a state file: over HTTP, or test cases in this process. Raises Ended."""
        options = self.options
        wish = Wish(
            routes=options.routes,
            tool_modes=options.tool_modes,
            repeat=options.repeat,
            as_offered=options.as_offered,
            judge=options.judge,
            endpoint=options.endpoint,
        )
        try:
            plan = make_plan(name, cases, wish)
            user_id = (
                local_run.find_user(options.user).pk
                if needs_process(plan, options.endpoints)
                else None
            )
        except (NoRoute, BadEndpoint, local_run.NoUser) as error:
            usage = isinstance(error, BadEndpoint)
            raise Ended(USAGE if usage else COULD_NOT, str(error)) from None
        if not plan.keys:
            reasons = "; ".join(dict.fromkeys(reason for _, reason in plan.skipped))
            raise Ended(COULD_NOT, f"No case can be tried here. {reasons}")
        place = self._place()
        try:
            before = self._earlier(place)
            ledger = open_ledger(plan, place=place, resume=options.resume)
        except BadLedger as error:
            raise Ended(USAGE, str(error)) from None
        run = LedgerRun(plan=plan, ledger=ledger, parallel=options.parallel or 1)
        way = Way(
            endpoints=options.endpoints,
            user_id=user_id,
            time_limit=options.time_limit,
            retries=options.retries,
            parallel=options.parallel or 1,
        )
        how = f"--resume {ledger.head.run}" if place.is_dir() else "--resume"
        try:
            self._carry_out(run, way)
        except CannotRun as error:
            if not run.results:
                ledger.path.unlink(missing_ok=True)
                raise Ended(COULD_NOT, str(error)) from None
            raise Ended(COULD_NOT, f"{error} {_kept(run)} Go on with {how}.") from None
        except Interrupted:
            raise Ended(STOPPED, f"Stopped. {_kept(run)} Go on with {how}.") from None
        finally:
            ledger.close()
        if run.refusal:
            raise Ended(COULD_NOT, f"Every trial was refused. {run.refusal}")
        results = run.results
        return Told(
            title=f"{name}, run {ledger.head.run}",
            run=ledger.head.run,
            summary=summary_of(rows_of(results), rows_of(before)),
            trials=results,
            skipped=plan.skipped,
            against=options.against,
        )

    def try_suite_here(self, suite: Suite | None) -> Told:
        """A suite's run in this process. Raises Ended."""
        try:
            run = self._run(suite)
        except (local_run.NoSuchRun, local_run.NoUser) as error:
            no_user = isinstance(error, local_run.NoUser)
            raise Ended(COULD_NOT if no_user else USAGE, str(error)) from None
        except Refused as refused:
            usage = refused.code == "invalid_request"
            raise Ended(USAGE if usage else COULD_NOT, refused.message) from None
        words = "Go on with --resume."
        try:
            run = run_interruptible(self._run_here(run))
        except Interrupted:
            done = run.trials.ended().count()
            raise Ended(
                STOPPED, f"Stopped. {done} of {run.total} trials are kept. {words}"
            ) from None
        except CannotRun as error:
            raise Ended(COULD_NOT, f"{error} {words}") from None
        except Taken:
            raise Ended(COULD_NOT, f"Another process is at work on run {run.number}.") from None
        if run.status != BenchRun.Status.DONE:
            why = run.problem or f"Run {run.number} is {run.get_status_display()}."
            raise Ended(COULD_NOT, f"{why} {words}")
        baseline = run.baseline
        against = "" if baseline is None else f"run {baseline.number}"
        return replace(told_of(run), against=against)

    def _carry_out(self, run: LedgerRun, way: Way) -> None:
        done = [result.passed for result in run.results]

        async def go() -> None:
            async with executing(run.plan, way) as executor:
                with bar(self.progress, len(run.plan.keys), done) as shown:

                    def heard(result: TrialResult) -> None:
                        shown.advance(passed=result.passed)

                    await run.carry_out(executor, heard)

        run_interruptible(go())

    def _run(self, suite: Suite | None) -> BenchRun:
        """The run that is asked for: a new one, or one to go on with. Raises Refused."""
        options = self.options
        user = local_run.find_user(options.user)
        routes = options.routes or local_run.usual_routes(user)
        targets = [(route, mode) for route in routes for mode in options.tool_modes]
        if options.resume is not None:
            return local_run.run_to_resume(
                user,
                options.resume,
                suite,
                targets,
                options.repeat,
                options.parallel,
                lambda: self.progress.print("Looking whether its process is still alive."),
            )
        if suite is None:
            raise local_run.NoSuchRun("Name a file of cases.")
        if not routes:
            raise Ended(COULD_NOT, "There is no model route. Add one in the admin panel.")
        baseline = None
        if options.against:
            visible = BenchRun.objects.visible_to(user)
            baseline = local_run.find_run(visible, options.against).pk
        return local_run.new_run(
            user,
            suite,
            targets,
            tries=options.repeat,
            at_once=options.parallel or 0,
            judge_route=options.judge,
            baseline=baseline,
        )

    async def _run_here(self, run: BenchRun) -> BenchRun:
        routes = [target["route"] for target in run.targets]
        async with reachable_routes(routes):
            done = await run_in_pool(local_run.verdicts, run)
            with bar(self.progress, run.total, done) as shown:

                async def heard(errand: Errand, result: Result) -> None:
                    shown.advance(passed=result.passed)

                return await run_here(run, heard)

    def _place(self) -> Path:
        """Where the state is kept: beside the JSON report, else in the data directory."""
        if self.options.json is not None:
            return self.options.json.with_name(self.options.json.name + SUFFIX)
        directory = Path(settings.DATA_DIR) / "bench"
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def _earlier(self, place: Path) -> list[TrialResult]:
        against = self.options.against
        return earlier_results(place, against) if against else []


class Interrupted(Exception):
    """A person, or the system, stopped the command."""


def run_interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, or until Ctrl-C or SIGTERM; then clean up. Raises Interrupted."""

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None
        with suppress(ValueError, RuntimeError, NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Interrupted from None


def _kept(run: LedgerRun) -> str:
    return f"{len(run.results)} of {len(run.plan.keys)} trials are kept in {run.ledger.path}."
