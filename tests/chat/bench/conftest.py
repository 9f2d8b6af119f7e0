"""A serving process with the demo models beside it, and runs of small suites on their routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.bench.cases import Suite, read_suite
from chat.bench.here import run_here
from chat.bench.stage_runner.route_servers import demo_here
from chat.database import run_in_pool
from chat.demo import address
from chat.demo_routes import ensure_demo_routes
from chat.lifecycle import Process
from chat.models import BenchRun, BenchTrial
from chat.services.bench import create_run


@pytest.fixture
async def demo(process: Process, settings: Any) -> AsyncIterator[None]:
    """The demo models answer at once, and every demo route leads to them."""
    settings.TOOLBENCH_DEMO = True
    settings.TOOLBENCH_DEMO_PIECES_PER_SECOND = 100_000.0
    async with demo_here():
        assert address._own is not None
        await run_in_pool(ensure_demo_routes, address._own.removesuffix(address.DEMO_PATH))
        yield


@pytest.fixture
def tester(transactional_db: None) -> User:
    """Whose runs they are."""
    return User.objects.create_user("tester", "tester@example.org")


def a_case(case_id: str, prompt: str = "How warm is it in Paris?", **more: Any) -> dict[str, Any]:
    """A case about the weather, its result recorded."""
    return {
        "id": case_id,
        "tools": ["get_weather"],
        "prompt": prompt,
        "recorded": [{"tool": "get_weather", "result": {"temperature_c": 21.5}}],
        "expect": {"calls": [{"tool": "get_weather"}]},
        **more,
    }


def a_suite(*cases: dict[str, Any], **more: Any) -> Suite:
    return read_suite({"suite": "small", "cases": list(cases), **more})


async def make_run(
    user: User, suite: Suite, *routes: str, in_process: bool = True, **more: Any
) -> BenchRun:
    """A run of a suite on routes, native unless they say `slug/text`."""
    targets = [(slug, mode or "native") for slug, _, mode in (r.partition("/") for r in routes)]
    return await run_in_pool(create_run, user, suite, targets, in_process=in_process, **more)


async def carried_out(user: User, suite: Suite, *routes: str, **more: Any) -> list[BenchTrial]:
    """The trials of a run that has been carried out here."""
    run = await run_here(await make_run(user, suite, *routes, **more))
    assert run.status == BenchRun.Status.DONE, run.problem
    return await trials_of(run)


async def trials_of(run: BenchRun) -> list[BenchTrial]:
    return await run_in_pool(_trials, run)


def _trials(run: BenchRun) -> list[BenchTrial]:
    return list(run.trials.select_related("stage__conversation").order_by("position"))


Judging = Callable[[str], Any]
