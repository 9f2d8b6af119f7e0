"""A suite's run in this process: made or gone on with, carried out, and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from chat.bench.cases import Suite
from chat.bench.stage_runner.ledger_run import LATEST
from chat.models import BenchRun, ModelRoute
from chat.services.bench import create_run, resume_run, stop_run
from chat.services.bench_limits import check_numbers

ALIVE_SECONDS = 4.0
"""A process that carries a run out says so every second."""
LOOK_SECONDS = 0.5


class NoSuchRun(ValueError):
    """A run that is not there, or cannot be gone on with; the words say why."""


class NoUser(ValueError):
    """Nobody is there whose stages they could be."""


def find_user(name: str) -> User:
    """Whose run it is: the named one, else the first admin. Raises NoUser."""
    users = User.objects.filter(is_active=True)
    if name:
        user = users.filter(username=name).first()
        if user is None:
            raise NoUser(f"There is no active user “{name}”. Name another with --user.")
        return user
    user = users.filter(is_superuser=True).order_by("pk").first()
    if user is None:
        raise NoUser(
            "There is no admin whose stages these could be. Name a user with --user, or make one "
            "with `manage.py createsuperuser`."
        )
    return user


def usual_routes(user: User) -> tuple[str, ...]:
    """The user's default route, where nobody names one."""
    routes = ModelRoute.objects.usable_by(user).order_by("-is_default", "pk")
    return tuple(routes.values_list("slug", flat=True)[:1])


def new_run(
    user: User,
    suite: Suite,
    targets: Sequence[tuple[str, str]],
    *,
    tries: int,
    at_once: int,
    judge_route: str,
    baseline: UUID | None,
) -> BenchRun:
    """A run that this process carries out. Raises Refused."""
    return create_run(
        user,
        suite,
        targets,
        tries=tries,
        at_once=at_once,
        judge_route=judge_route,
        baseline_id=baseline,
        in_process=True,
    )


def run_to_resume(
    user: User,
    resume: str,
    suite: Suite | None,
    targets: Sequence[tuple[str, str]],
    tries: int,
    at_once: int | None,
    waiting: Callable[[], None],
) -> BenchRun:
    """The run to go on with, taken from a process that has died. Raises NoSuchRun, Refused.

    `at_once` replaces what the run has; None leaves it. `waiting` is called before the run is
    watched for a sign of life.
    """
    if resume == LATEST:
        run = _latest(user, suite, targets, tries)
    else:
        run = find_run(BenchRun.objects.owned_by(user), resume)
    if run.status == BenchRun.Status.DONE:
        raise NoSuchRun(f"The run {run.number} is done; there is nothing to go on with.")
    if run.status == BenchRun.Status.RUNNING:
        waiting()
        if _is_alive(run):
            raise NoSuchRun(f"Another process is at work on the run {run.number}.")
        stop_run(user, run.pk)
    run = resume_run(user, run.pk, in_process=True)
    if at_once is not None:
        check_numbers(run.tries, at_once)
        run.at_once = at_once
        run.save(update_fields=("at_once",))
    return run


def find_run(runs: QuerySet[BenchRun], named: str) -> BenchRun:
    """A run by its number or the beginning of its id. Raises NoSuchRun."""
    if named.isascii() and named.isdigit() and len(named) < 8:
        numbered = runs.filter(number=int(named)).first()
        if numbered is not None:
            return numbered
    start = named.replace("-", "").lower()
    fitting = [run for run in runs.only("pk")[:2_000] if run.pk.hex.startswith(start)]
    if len(start) >= 4 and len(fitting) == 1:
        return runs.get(pk=fitting[0].pk)
    recent = [f"{run.number} ({run.suite_name}, {run.get_status_display()})" for run in runs[:8]]
    raise NoSuchRun(f"There is no run {named}. The last ones are: {', '.join(recent) or 'none'}.")


def verdicts(run: BenchRun) -> list[bool | None]:
    """Of the trials that have ended."""
    return list(run.trials.ended().values_list("passed", flat=True))


def _latest(
    user: User, suite: Suite | None, targets: Sequence[tuple[str, str]], tries: int
) -> BenchRun:
    if suite is None:
        raise NoSuchRun("Name the cases whose run is to be gone on with, or the run.")
    cases = [case.as_json() for case in suite.cases]
    wanted = [{"route": route, "tool_mode": mode} for route, mode in targets]
    runs = BenchRun.objects.owned_by(user).filter(suite_name=suite.name, in_process=True)
    for run in runs.exclude(status=BenchRun.Status.DONE)[:50]:
        if (run.cases, run.targets, run.tries) == (cases, wanted, tries):
            return run
    stopped = [str(run.number) for run in runs.exclude(status=BenchRun.Status.DONE)[:5]]
    others = f" Of other cases, routes or tries are: {', '.join(stopped)}." if stopped else ""
    raise NoSuchRun(
        "No run of these cases as they are now, on these routes and so often, was interrupted."
        f"{others} Name one with --resume RUN, or start anew without --resume."
    )


def _is_alive(run: BenchRun) -> bool:
    """Whether a process renews its claim on a run."""
    until, deadline = run.claimed_until, time.monotonic() + ALIVE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        run.refresh_from_db(fields=("claimed_until", "status"))
        if run.claimed_until != until:
            return run.status == BenchRun.Status.RUNNING
    return False
