"""Executing a stage against a plain endpoint: each outcome, its status, its output."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from chat.bench.stage_runner.endpoint import Endpoint, build_client
from chat.bench.stage_runner.execution import StageRunner
from chat.bench.stage_runner.outputs import StreamOutput, TextOutput, ToolCallOutput
from chat.bench.stage_runner.test_case import StageSpec
from tests.chat.bench.stage_runner.plain_endpoint import CALL, PlainEndpoint

KEY = "tb_canary_0123456789abcdef"


@pytest.fixture
def plain() -> Iterator[PlainEndpoint]:
    """A plain endpoint that wants a key."""
    with PlainEndpoint(key=KEY) as endpoint:
        yield endpoint


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """The client that the runner is given."""
    async with build_client() as client:
        yield client


def spec(prompt: str = "Hello there", **changes: Any) -> StageSpec:
    strategy = changes.pop("strategy", "chat_completion")
    return StageSpec.model_validate(
        {
            "system_prompt": "Be brief.",
            "user_prompt": prompt,
            "model_container": "traditional",
            "prompt_tool_spec": {"strategy": strategy},
            **changes,
        }
    )


def runner_of(
    plain: PlainEndpoint, client: httpx2.AsyncClient, stage: StageSpec, **changes: Any
) -> StageRunner:
    return StageRunner(stage, Endpoint.at(plain.url, KEY), client, **changes)


async def test_a_whole_chat_gives_text(plain: PlainEndpoint, client: httpx2.AsyncClient) -> None:
    runner = runner_of(plain, client, spec())
    status = await runner.execute()
    assert (status.state, status.code, status.http_status) == ("success", "", 200)
    assert runner.output == TextOutput(text="You said: Hello there")
    (asked,) = plain.asked
    assert asked.path == "/completion/v1/chat"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "stage_id": str(runner.stage_id),
        "model_container": "traditional",
        "system_prompt": "Be brief.",
        "user_prompt": "Hello there",
        "stream": False,
        "synthesis": False,
        "max_tokens": [1024, 1024],
        "temperature": [0.0, 0.0],
    }


async def test_a_whole_toolchain_gives_results_as_text(
    plain: PlainEndpoint, client: httpx2.AsyncClient
) -> None:
    runner = runner_of(plain, client, spec(strategy="tool_call"))
    await runner.execute()
    assert runner.output == ToolCallOutput(tool_results={"call_1": '{"temperature":12.5}'})
    assert plain.asked[0].path == "/completion/v1/toolchain"


async def test_synthesis_gives_text_with_its_own_limits(
    plain: PlainEndpoint, client: httpx2.AsyncClient
) -> None:
    second = {"strategy": "synthesis", "temperature": 0.5, "max_tokens": 64}
    stage = spec(strategy="tool_call", synthesis=True, prompt_synthesis_spec=second)
    runner = runner_of(plain, client, stage)
    await runner.execute()
    assert runner.output == TextOutput(text="It is 12.5 °C in Lyon.")
    body = plain.asked[0].body
    assert (body["synthesis"], body["temperature"], body["max_tokens"]) == (
        True,
        [0.0, 0.5],
        [1024, 64],
    )


async def test_an_error_answer_is_text_and_says_so(
    plain: PlainEndpoint, client: httpx2.AsyncClient
) -> None:
    plain.behaviours["Hello"] = "no call"
    runner = runner_of(plain, client, spec(strategy="tool_call"))
    status = await runner.execute()
    assert status.state == "success"
    assert isinstance(runner.output, TextOutput)
    assert runner.output.failure == "No tool calls found."


async def test_a_streamed_toolchain_is_collected(
    plain: PlainEndpoint, client: httpx2.AsyncClient
) -> None:
    runner = runner_of(plain, client, spec(strategy="tool_call", stream=True, synthesis=True))
    status = await runner.execute()
    output = runner.output
    assert isinstance(output, StreamOutput)
    (call,) = output.calls
    assert (call.round, call.call_id, call.tool) == (1, "call_1", "get_current_temperature")
    assert call.arguments == str(CALL).replace("'", '"')
    assert output.summary == {"call_1": "12.5 °C"}
    assert (output.text, output.answer) == ("It is 12.5 °C in Lyon.",) * 2
    assert (output.terminal, output.frames[-1].event) == ("done", "done")
    assert plain.asked[0].path == "/stream/v1/toolchain"
    latencies = (status.first_token_ms, status.upstream_ms, status.request_ms, status.execution_ms)
    assert list(latencies) == sorted(one for one in latencies if one is not None)


@pytest.mark.parametrize(
    ("how", "stream", "code", "words"),
    [
        ("500", False, "UNRECOGNIZED", "status 500: Internal Server Error"),
        ("500", True, "UNRECOGNIZED", "status 500: Internal Server Error"),
        ("html", False, "UNRECOGNIZED", "not JSON: <html>"),
        ("html", True, "UNRECOGNIZED", "no event stream but text/html"),
        ("redirect", False, "UNRECOGNIZED", "status 302"),
        ("unrecognised", False, "UNRECOGNIZED", "of no known type"),
        ("no answer", False, "NONSTREAM_ERROR", "The connection broke off"),
        ("no answer", True, "STREAM_ERROR", "The connection broke off"),
        ("silent", False, "NONSTREAM_ERROR", "did not finish within 0.3 s"),
        ("hang", True, "STREAM_ERROR", "did not finish within 0.3 s"),
        ("cut", True, "STREAM_ERROR", "without done, cancel or error"),
        ("bad line", True, "UNRECOGNIZED", "chat_completion_chunk is not what the contract says"),
    ],
)
async def test_each_misbehaviour_fails_with_its_code_and_words(
    plain: PlainEndpoint,
    client: httpx2.AsyncClient,
    how: str,
    stream: bool,
    code: str,
    words: str,
) -> None:
    plain.behaviours["Hello"] = how
    limit = 0.3 if how in ("silent", "hang") else 20.0
    runner = runner_of(plain, client, spec(stream=stream), time_limit=limit)
    status = await runner.execute()
    assert (status.state, status.code) == ("failed", code)
    assert words in status.message
    assert status.execution_ms is not None


@pytest.mark.parametrize(("how", "failure"), [("error", "is gone"), ("cancel", "cancelled")])
async def test_a_stream_that_ends_badly_succeeds_as_an_exchange_and_tells_its_failure(
    plain: PlainEndpoint, client: httpx2.AsyncClient, how: str, failure: str
) -> None:
    plain.behaviours["Hello"] = how
    runner = runner_of(plain, client, spec(stream=True))
    status = await runner.execute()
    assert status.state == "success"
    assert runner.output is not None
    assert failure in runner.output.failure


async def test_what_came_before_a_cut_is_kept(
    plain: PlainEndpoint, client: httpx2.AsyncClient
) -> None:
    plain.behaviours["Hello"] = "cut"
    runner = runner_of(plain, client, spec(stream=True))
    await runner.execute()
    assert isinstance(runner.output, StreamOutput)
    assert runner.output.text == "You said: "
    assert runner.output.terminal is None


async def test_a_failed_stage_is_tried_again_with_a_new_id(
    plain: PlainEndpoint, client: httpx2.AsyncClient
) -> None:
    plain.behaviours["Hello"] = "500"
    runner = runner_of(plain, client, spec())
    await runner.execute()
    plain.behaviours.clear()
    status = await runner.execute()
    assert status.state == "success"
    first, second = plain.asked
    assert first.body["stage_id"] != second.body["stage_id"]


async def test_nothing_listening_is_told_in_words(client: httpx2.AsyncClient) -> None:
    runner = StageRunner(spec(), Endpoint.at("http://127.0.0.1:9", KEY), client)
    status = await runner.execute()
    assert (status.code, status.http_status) == ("NONSTREAM_ERROR", None)
    assert status.message.startswith("The endpoint could not be reached")
    assert status.request_ms is not None


async def test_a_key_that_is_quoted_back_is_taken_out(
    plain: PlainEndpoint, client: httpx2.AsyncClient
) -> None:
    plain.key = "another"
    runner = runner_of(plain, client, spec())
    status = await runner.execute()
    assert "status 401: No such key: Bearer [key removed]" in status.message
    assert KEY not in repr(runner)


async def test_one_that_is_stopped_says_so_and_lets_the_cancellation_pass(
    plain: PlainEndpoint, client: httpx2.AsyncClient
) -> None:
    plain.behaviours["Hello"] = "silent"
    came = asyncio.Event()
    loop = asyncio.get_running_loop()
    plain.on_ask = lambda number: loop.call_soon_threadsafe(came.set) and None  # type: ignore[func-returns-value]
    runner = runner_of(plain, client, spec())
    task = asyncio.create_task(runner.execute())
    async with asyncio.timeout(10):
        await came.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (runner.status.state, runner.status.code) == ("failed", "INTERRUPTED")


async def test_the_environment_names_no_proxy(
    plain: PlainEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with build_client() as client:
        status = await runner_of(plain, client, spec()).execute()
    assert status.state == "success"
