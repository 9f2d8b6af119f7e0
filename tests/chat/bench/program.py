"""A process that makes a run and carries it out, for tests that kill it.

python -m tests.chat.bench.program make          prints the run's id
python -m tests.chat.bench.program run ID        prints a line for each result
python -m tests.chat.bench.program resume ID     the same, of a run whose process died
python -m tests.chat.bench.program totals ID     prints what came of it, as JSON
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import django

SUITE = """
suite: kill
cases:
  - {id: hello, prompt: "Hello!", expect: {no_calls: true}}
  - {id: wrong, prompt: "Hello!", expect: {calls: [{tool: get_weather}]}}
  - id: weather
    prompt: "How warm is it in Paris?"
    tools: [get_weather]
    recorded: [{tool: get_weather, result: 21}]
    expect: {calls: [{tool: get_weather}]}
"""


def make() -> None:
    from django.contrib.auth.models import User

    from chat.bench.cases import load_suite
    from chat.demo_routes import ensure_demo_routes
    from chat.services.bench import create_run

    user = User.objects.create_user("tester", "tester@example.org")
    ensure_demo_routes("http://127.0.0.1:9")
    targets = [("demo", "native"), ("demo-json-text", "native")]
    run = create_run(user, load_suite(SUITE), targets, tries=10, in_process=True)
    print(run.pk, flush=True)


def run(run_id: str) -> None:
    from chat.models import BenchRun

    asyncio.run(_carry_out(BenchRun.objects.get(pk=run_id)))


def resume(run_id: str) -> None:
    from chat.models import BenchRun
    from chat.services.bench import resume_run, stop_run

    run = BenchRun.objects.get(pk=run_id)
    # Its claim has not passed yet; that nobody is at work on it any more is known here.
    stop_run(run.owner, run.pk)
    asyncio.run(_carry_out(resume_run(run.owner, run.pk, in_process=True)))


def totals(run_id: str) -> None:
    from chat.models import BenchRun, Stage

    run = BenchRun.objects.get(pk=run_id)
    trials = run.trials.order_by("position").values_list("status", "passed", "code", "stage_id")
    told: dict[str, Any] = {
        "status": run.status,
        "trials": [[*rest, str(stage_id)] for *rest, stage_id in trials],
        "active": Stage.objects.active().count(),
    }
    print(json.dumps(told), flush=True)


async def _carry_out(run: Any) -> None:
    from chat.bench.here import run_here, stages_here
    from chat.bench.stage_runner.route_servers import demo_here

    async def heard(errand: Any, result: Any) -> None:
        print(errand.pk, result.passed, flush=True)

    async with stages_here(), demo_here():
        await run_here(run, heard)


PARTS: dict[str, Callable[..., None]] = {
    "make": make,
    "run": run,
    "resume": resume,
    "totals": totals,
}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toolbench_site.settings")
    from django.conf import settings

    settings.TOOLBENCH_DEMO_PIECES_PER_SECOND = 2_000.0
    django.setup()
    PARTS[sys.argv[1]](*sys.argv[2:])
