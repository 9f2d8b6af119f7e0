"""Stopping tools: at their time limit, when the reader goes, and those that will not stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from contextlib import aclosing

import pytest

from tests.tools.calls import LIMIT, calls, make, only, results
from tools import calling, threads
from tools.base import Toolset
from tools.calling import run_calls

pytestmark = pytest.mark.usefixtures("own_threads")


async def test_an_async_tool_over_its_time_limit_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    result = await only(make(stuck, time_limit=0.02))
    assert result.status == "timeout"
    assert result.content == "[Tool Error] stuck did not answer within 0.02 s and was stopped."
    assert result.error == "stuck did not answer within 0.02 s and was stopped."
    assert result.duration_ms >= 20
    assert cancelled.is_set()


async def test_one_slow_tool_does_not_hold_up_the_others() -> None:
    async def stuck() -> None:
        await asyncio.Event().wait()

    async def quick() -> str:
        return "quick"

    tools = Toolset([make(stuck, time_limit=0.05), make(quick)])
    got = await results(tools, "stuck", "quick")
    assert [result.status for result in got] == ["ok", "timeout"]


async def test_a_blocking_tool_over_its_limit_is_abandoned_and_its_late_result_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "tools.calling")
    go_on = threading.Event()
    logged = threading.Event()

    class Seen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.set()

    def stuck() -> str:
        go_on.wait(LIMIT)
        return "SECRET"

    seen = Seen()
    calling.logger.addHandler(seen)
    try:
        result = await only(make(stuck, time_limit=0.02))
        assert result.status == "timeout"
        assert not go_on.is_set()
        go_on.set()
        assert await asyncio.to_thread(logged.wait, LIMIT)
    finally:
        calling.logger.removeHandler(seen)
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert "stuck ended" in record.getMessage()
    assert "its result was dropped" in record.getMessage()
    assert "SECRET" not in record.getMessage()


async def test_a_blocking_tool_that_got_no_thread_never_runs() -> None:
    go_on = threading.Event()
    ran = threading.Event()

    def stuck() -> None:
        go_on.wait(LIMIT)

    def late() -> None:
        ran.set()

    tools = Toolset([make(stuck, time_limit=0.05), make(late, time_limit=0.02)])
    got = await results(tools, *["stuck"] * threads.THREADS, "late")
    assert {result.status for result in got} == {"timeout"}
    go_on.set()
    again = await only(make(stuck, time_limit=LIMIT))
    assert again.status == "ok"
    assert not ran.is_set()


async def test_cancelling_the_reader_cancels_async_tools_and_propagates() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    task = asyncio.create_task(results(Toolset([make(work)]), "work"))
    async with asyncio.timeout(LIMIT):
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert cancelled.is_set()


async def test_closing_the_generator_awaits_the_end_of_async_tools() -> None:
    tidied = asyncio.Event()

    async def quick() -> str:
        return "quick"

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.set()

    tools = Toolset([make(quick), make(work)])
    async with (
        asyncio.timeout(LIMIT),
        aclosing(run_calls(tools, calls(tools, "quick", "work"))) as r,
    ):
        assert (await anext(r)).tool == "quick"
    assert tidied.is_set()


async def test_closing_before_the_invalid_results_are_read_cancels_the_rest() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    tools = Toolset([make(work)])
    async with asyncio.timeout(LIMIT), aclosing(run_calls(tools, calls(tools, "work", "x"))) as run:
        await anext(run)
        await started.wait()
    assert cancelled.is_set()


async def test_closing_abandons_a_blocking_tool_at_once() -> None:
    go_on, started = threading.Event(), threading.Event()

    def stuck() -> None:
        started.set()
        go_on.wait(LIMIT)

    async def quick() -> str:
        await asyncio.to_thread(started.wait, LIMIT)
        return "quick"

    tools = Toolset([make(stuck), make(quick)])
    loop = asyncio.get_running_loop()
    async with aclosing(run_calls(tools, calls(tools, "stuck", "quick"))) as run:
        assert (await anext(run)).tool == "quick"
        before = loop.time()
    assert loop.time() - before < calling.CANCEL_GRACE / 2
    go_on.set()


async def test_a_tool_that_ignores_its_cancellation_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(calling, "CANCEL_GRACE", 0.05)
    started, let_go, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        started.set()
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()
        ended.set()

    task = asyncio.create_task(results(Toolset([make(stubborn)]), "stubborn"))
    async with asyncio.timeout(LIMIT):
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not ended.is_set()
        assert "goes on although it was cancelled: tool stubborn, call c1" in caplog.text
        let_go.set()
        await ended.wait()
