"""Calling tools: side by side, and every failure a result."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import aclosing

import pytest

from tests.tools.calls import LIMIT, calls, make, only, results
from tools import threads
from tools.base import ToolCall, ToolError, Toolset
from tools.calling import check_call, run_calls

pytestmark = pytest.mark.usefixtures("own_threads")


async def test_all_valid_calls_run_side_by_side() -> None:
    met = asyncio.Barrier(2)
    met_in_threads = threading.Barrier(2)

    async def left() -> str:
        await met.wait()
        return "left"

    async def right() -> str:
        await met.wait()
        return "right"

    def blocking_left() -> str:
        met_in_threads.wait(LIMIT)
        return "blocking left"

    def blocking_right() -> str:
        met_in_threads.wait(LIMIT)
        return "blocking right"

    tools = Toolset([make(f) for f in (left, right, blocking_left, blocking_right)])
    got = await results(tools, *tools.names())
    assert {(result.call_id, result.status, result.content) for result in got} == {
        ("c1", "ok", "left"),
        ("c2", "ok", "right"),
        ("c3", "ok", "blocking left"),
        ("c4", "ok", "blocking right"),
    }


async def test_results_come_as_calls_finish_and_two_calls_of_one_tool_stay_apart() -> None:
    turns = {"first": asyncio.Event(), "second": asyncio.Event()}

    async def wait_for(turn: str) -> str:
        await turns[turn].wait()
        return turn

    tools = Toolset([make(wait_for, properties={"turn": {"type": "string"}})])
    checked = [
        check_call(tools, ToolCall(f"call-{turn}", "wait_for", f'{{"turn": "{turn}"}}'))
        for turn in turns
    ]
    async with asyncio.timeout(LIMIT), aclosing(run_calls(tools, checked)) as run:
        turns["second"].set()
        assert (await anext(run)).call_id == "call-second"
        turns["first"].set()
        assert (await anext(run)).call_id == "call-first"
        with pytest.raises(StopAsyncIteration):
            await anext(run)


async def test_invalid_calls_come_first_while_the_valid_ones_already_run() -> None:
    started = asyncio.Event()

    async def work() -> str:
        started.set()
        return "done"

    tools = Toolset([make(work)])
    checked = calls(tools, "work", "nowork")
    async with asyncio.timeout(LIMIT), aclosing(run_calls(tools, checked)) as run:
        first = await anext(run)
        assert (first.call_id, first.status) == ("c2", "invalid")
        assert first.content == (
            "[Tool Error] The call was not run, because it is not valid.\n"
            "- There is no tool named “nowork”. The tools are: work. The nearest name is work.\n"
            "Correct this and make the call again."
        )
        await started.wait()
        assert (await anext(run)).status == "ok"


async def test_no_calls_give_no_results() -> None:
    assert await results(Toolset()) == []


async def test_a_tools_own_words_reach_the_model() -> None:
    async def strict() -> None:
        raise ToolError("Give both latitude and longitude.")

    result = await only(make(strict))
    assert result.status == "error"
    assert result.content == "[Tool Error] Give both latitude and longitude."
    assert result.error == "Give both latitude and longitude."


class OddError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("even this fails")


@pytest.mark.parametrize(
    ("error", "content"),
    [
        (ValueError("bad \x00 value"), "[Tool Error] broken failed. ValueError: bad \ufffd value"),
        (KeyError(), "[Tool Error] broken failed. KeyError."),
        (SystemExit(1), "[Tool Error] broken failed. SystemExit: 1"),
        (OddError(), "[Tool Error] broken failed. OddError."),
    ],
)
@pytest.mark.parametrize("blocking", [True, False])
async def test_any_exception_becomes_a_text_without_a_trace(
    error: BaseException, content: str, blocking: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def broken() -> None:
        raise error

    async def broken_async() -> None:
        raise error

    broken_async.__name__ = "broken"
    result = await only(make(broken if blocking else broken_async))
    assert (result.status, result.content) == ("error", content)
    assert "Traceback" not in caplog.text
    assert "bad" not in caplog.text
    assert f"raised {type(error).__name__} at " in caplog.text


async def test_a_tool_that_cancels_itself_has_failed() -> None:
    async def odd() -> None:
        raise asyncio.CancelledError

    result = await only(make(odd))
    assert (result.status, result.content) == ("error", "[Tool Error] odd ended without a result.")


async def test_a_long_output_keeps_head_and_tail_and_the_whole_aside() -> None:
    output = "head " + "x" * 5000 + " tail"

    async def long() -> str:
        return output

    result = await only(make(long, output_cap=1000))
    assert len(result.content) <= 1000
    assert result.content.startswith("head ")
    assert result.content.endswith(" tail")
    assert result.whole == output
    assert result.status == "ok"


async def test_blocking_tools_have_threads_of_their_own() -> None:
    def where() -> str:
        return threading.current_thread().name

    result = await only(make(where))
    assert result.content.startswith("tool-")


async def test_what_is_to_be_done_after_each_blocking_call_is_done_in_its_thread() -> None:
    names: list[str] = []
    pool = threads.ToolThreads(
        size=1, after_each=lambda: names.append(threading.current_thread().name)
    )
    assert pool.submit(lambda: 1).result(LIMIT) == 1
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(LIMIT)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(lambda: 1)
    assert names == ["tool-1", "tool-1"]


async def test_when_no_thread_can_be_had_the_call_has_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = threads.ToolThreads(size=1)
    closed.shutdown()
    monkeypatch.setattr(threads, "_pool", closed)
    result = await only(make(lambda: None))
    assert result.status == "error"
    assert "could not be started" in result.content
