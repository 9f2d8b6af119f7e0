"""Processes on one data directory: whose stages are lost, and whose are at work."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.bench.here import stages_here
from chat.database import close_pool_connections, run_in_pool
from chat.lifecycle import Process
from chat.models import ModelRoute, Stage
from chat.neighbours import kept_out, runs_stages_beside
from chat.projection import lease_end
from tests.chat.bench.rows import a_stage

ELSEWHERE = "another-process"


@pytest.fixture(autouse=True)
def _one_server(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TOOLBENCH_SEVERAL = False
    settings.TOOLBENCH_GRACE_SECONDS = 0
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr("chat.lifecycle.threads.shutdown", lambda: None)


@pytest.fixture
def at_work(transactional_db: None, owner: User, route: ModelRoute) -> Stage:
    """A stage that another process is at work on, as its lease tells."""
    stage = a_stage(owner, route)
    stage.message.delete()
    Stage.objects.filter(pk=stage.pk).update(
        status="running", ended_at=None, lease_owner=ELSEWHERE, lease_expires_at=lease_end()
    )
    return stage


async def status_of(stage: Stage) -> str:
    await run_in_pool(stage.refresh_from_db)
    return stage.status


async def started_and_drained(process: Process) -> None:
    await process.start()
    await process.drain()
    await asyncio.get_running_loop().run_in_executor(None, close_pool_connections)


async def test_a_server_that_is_alone_ends_at_once_what_it_finds_running(at_work: Stage) -> None:
    await started_and_drained(Process())
    assert await status_of(at_work) == "error"


async def test_a_server_leaves_the_stages_of_a_command_beside_it(at_work: Stage) -> None:
    with runs_stages_beside():
        await started_and_drained(Process())
    assert await status_of(at_work) == "running"


async def test_a_command_leaves_the_stages_of_a_server_beside_it(at_work: Stage) -> None:
    async with stages_here():
        assert await status_of(at_work) == "running"
    assert await status_of(at_work) == "running"


def test_any_number_may_run_stages_beside_each_other() -> None:
    with runs_stages_beside(), runs_stages_beside():
        with kept_out() as is_alone:
            assert not is_alone
    with kept_out() as is_alone:
        assert is_alone
