"""The upstream client against real loopback servers that send raw bytes."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chat.engine.client_pool import ClientPool
from chat.engine.completions import (
    CompletionRequest,
    Delta,
    FinishDelta,
    RepairDelta,
    RouteSettings,
    TextDelta,
    UsageDelta,
)
from chat.engine.errors import (
    UpstreamError,
    UpstreamFailed,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from chat.engine.messages import ChatMessage
from chat.engine.openai_client import OpenAIClient
from tests.chat.engine.raw_server import (
    DONE,
    HEAD,
    Exchange,
    RawServer,
    answers,
    chunk,
    holds,
    raw_server,
    responds,
)

ASK = CompletionRequest(messages=(ChatMessage("user", "hello"),))
USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
)


@asynccontextmanager
async def client_of(server: RawServer, **changes: Any) -> AsyncGenerator[OpenAIClient, None]:
    client = OpenAIClient(server.route(**changes))
    try:
        yield client
    finally:
        await client.aclose()


async def read(
    client: OpenAIClient, request: CompletionRequest = ASK, into: list[Delta] | None = None
) -> list[Delta]:
    deltas: list[Delta] = [] if into is None else into
    async with client.stream(request) as batches:
        async for batch in batches:
            deltas += batch
    return deltas


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


async def test_a_stream_comes_as_deltas() -> None:
    async with (
        raw_server(answers(chunk("Hel"), chunk("lo"), chunk(finish="stop"), USAGE, DONE)) as server,
        client_of(server) as client,
    ):
        deltas = await read(client)
    assert text_of(deltas) == "Hello"
    assert FinishDelta("stop", "stop") in deltas
    assert UsageDelta(3, 2, 5) in deltas


async def test_the_body_holds_what_the_route_and_the_request_say() -> None:
    tools = ({"type": "function", "function": {"name": "t", "parameters": {}}},)
    request = CompletionRequest(
        messages=(ChatMessage("system", "be brief"), ChatMessage("user", "hello")),
        tools=tools,
        tool_choice="auto",
        temperature=0.0,
        max_tokens=77,
    )
    async with raw_server(answers(chunk("x", "stop"), DONE)) as server:
        extra = {
            "options": {"seed": 1},
            "top_p": 0.5,
            "stream": False,
            "messages": [],
            "model": "m",
        }
        async with client_of(
            server,
            token_limit_fields=("max_completion_tokens", "options.num_predict"),
            extra_body=extra,
        ) as client:
            await read(client, request)
            parameters = client.request_parameters(request)
    [exchange] = server.exchanges
    assert exchange.path == "/v1/chat/completions"
    assert exchange.headers["authorization"] == "Bearer sk-secret-0123456789"
    assert exchange.body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hello"},
        ],
        "tools": list(tools),
        **parameters,
    }
    assert parameters == {
        "stream": True,
        "stream_options": {"include_usage": True},
        "tool_choice": "auto",
        "temperature": 0.0,
        "max_completion_tokens": 77,
        "options": {"num_predict": 77, "seed": 1},
        "top_p": 0.5,
    }


async def test_what_is_not_set_is_not_sent() -> None:
    async with raw_server(answers(chunk("x", "stop"), DONE)) as server:
        async with client_of(server, api_key="") as client:
            await read(client)
    [exchange] = server.exchanges
    assert set(exchange.body) == {"model", "messages", "stream", "stream_options"}
    assert "authorization" not in exchange.headers


async def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-of-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-environment")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Environment: yes")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{a_free_port()}")
    async with raw_server(answers(chunk("x", "stop"), DONE)) as server:
        async with client_of(server, api_key="") as client:
            await read(client)
    assert "environment" not in json.dumps(server.exchanges[0].headers)


async def test_a_json_body_gives_the_same_deltas_as_a_stream() -> None:
    choice = {"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    body = json.dumps({"choices": [choice], "usage": usage}, indent=1).encode()
    told = {
        "application/json; charset=utf-8": ["stream_ignored"],
        "text/plain": ["bare_line", "message_in_stream", "done_missing"],
    }
    for content_type, codes in told.items():
        async with raw_server(responds("200 OK", body, content_type)) as server:
            async with client_of(server) as client:
                deltas = await read(client)
        assert [delta for delta in deltas if not isinstance(delta, RepairDelta)] == [
            TextDelta("Hello"),
            FinishDelta("stop", "stop"),
            UsageDelta(3, 2, 5),
        ]
        assert [delta.code for delta in deltas if isinstance(delta, RepairDelta)] == codes


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad Request", UpstreamRejected),
        ("401 Unauthorized", UpstreamRejected),
        ("403 Forbidden", UpstreamRejected),
        ("404 Not Found", UpstreamRejected),
        ("422 Unprocessable", UpstreamRejected),
        ("307 Temporary Redirect", UpstreamRejected),
        ("429 Too Many Requests", UpstreamRateLimited),
        ("500 Internal Server Error", UpstreamFailed),
    ],
)
async def test_a_refusal_carries_the_upstreams_words_and_never_the_key(
    status: str, kind: type[UpstreamError]
) -> None:
    body = b'{"error":{"message":"No good: key sk-secret-0123456789 and sk-s*****6789."}}'
    async with raw_server(responds(status, body)) as server:
        async with client_of(server) as client:
            with pytest.raises(UpstreamError) as caught:
                await read(client)
    error = caught.value
    assert type(error) is kind
    assert f"Route local at 127.0.0.1:{server.port}" in error.message
    assert ("No good" in error.message) is (not status.startswith("307"))
    assert "sk-s" not in error.message
    assert error.detail == f"HTTP {status[:3]}"
    assert len(server.exchanges) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        # llama.cpp, vLLM, LM Studio.
        ("400 Bad Request", "request (2983 tokens) exceeds the available context size (2048)"),
        ("400 Bad Request", "This model's maximum context length is 4096 tokens."),
        ("500 Error", "loaded with context length of only 2048 tokens, which is not enough"),
    ],
)
async def test_a_request_longer_than_the_servers_context_is_told_as_such(
    status: str, words: str
) -> None:
    body = json.dumps({"error": {"message": words}}).encode()
    async with raw_server(responds(status, body)) as server:
        async with client_of(server) as client:
            with pytest.raises(UpstreamRejected) as caught:
                await read(client)
    assert words in caught.value.message
    assert "choose fewer tools" in caught.value.message


async def test_a_context_parameter_that_is_unknown_is_not_taken_for_a_long_request() -> None:
    body = b'{"error":{"message":"Unknown parameter: context_length"}}'
    async with raw_server(responds("400 Bad Request", body)) as server:
        async with client_of(server) as client:
            with pytest.raises(UpstreamRejected, match="may not know one of the parameters"):
                await read(client)


async def test_https_to_a_server_of_plain_http_is_told_as_a_likely_mistake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1"
        client = OpenAIClient(RawServer([]).route(base_url=url, connect_seconds=0.3))
        with pytest.raises(UpstreamTimeout, match="write http:// into its base URL"):
            await read(client)
        await client.aclose()


async def test_a_refused_connection_is_tried_three_times() -> None:
    route = RawServer([], port=a_free_port()).route()
    client = OpenAIClient(route)
    with pytest.raises(UpstreamUnreachable, match=r"refused the connection\. 3 tries were made"):
        await read(client)
    await client.aclose()


async def test_an_unknown_host_is_told_at_once() -> None:
    client = OpenAIClient(RawServer([]).route(base_url="http://nowhere.invalid/v1"))
    with pytest.raises(UpstreamUnreachable, match=r"nowhere\.invalid: its host name is not known"):
        await read(client)
    await client.aclose()


@pytest.mark.parametrize(
    "first",
    [
        responds("503 Service Unavailable", b"busy", "text/plain"),
        responds("429 Too Many Requests", b"{}", "application/json", "Retry-After: 0"),
    ],
)
async def test_what_was_not_begun_is_tried_again(first: Any) -> None:
    async with raw_server(first, answers(chunk("ok", "stop"), DONE)) as server:
        async with client_of(server) as client:
            assert text_of(await read(client)) == "ok"
    assert len(server.exchanges) == 2


@pytest.mark.parametrize(
    ("limits", "script", "words"),
    [
        ({"first_token_seconds": 0.6}, holds(), "first token limit of 0.6"),
        ({"first_token_seconds": 0.6}, holds(b": waiting\n\n"), "first token limit of 0.6"),
        (
            {"between_tokens_seconds": 0.6},
            holds(chunk("so far"), b": still here\n\n"),
            "between tokens limit of 0.6",
        ),
        ({"total_seconds": 0.6}, holds(chunk("so far")), "total limit of 0.6"),
    ],
)
async def test_a_limit_that_passes_is_named_and_nothing_is_tried_again(
    limits: dict[str, float], script: Any, words: str
) -> None:
    async with raw_server(script) as server:
        async with client_of(server, **limits) as client:
            with pytest.raises(UpstreamTimeout, match=words):
                await read(client)
            async with asyncio.timeout(5):
                await server.exchanges[0].closed.wait()
    assert len(server.exchanges) == 1


async def test_a_slow_but_steady_stream_passes_no_limit_between_tokens() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(HEAD)
        for _ in range(5):
            await exchange.send(chunk("a"))
            await asyncio.sleep(0.2)
        await exchange.send(chunk(finish="stop"))

    async with raw_server(script) as server:
        async with client_of(server, between_tokens_seconds=0.7) as client:
            assert text_of(await read(client)) == "aaaaa"


async def test_a_stream_may_end_without_done_after_its_finish_reason() -> None:
    async with raw_server(answers(chunk("all"), chunk(finish="stop"))) as server:
        async with client_of(server) as client:
            assert text_of(await read(client)) == "all"


@pytest.mark.parametrize(
    "script",
    [
        answers(chunk("so far")),
        answers(chunk("so far"), b'data: {"choices":[{"del'),
    ],
)
async def test_a_stream_without_an_end_has_broken_off_and_keeps_its_text(script: Any) -> None:
    await expect_broken_off(script)


async def test_a_broken_chunked_body_has_broken_off() -> None:
    async def script(exchange: Exchange) -> None:
        head = HEAD.replace(b"Connection: close", b"Transfer-Encoding: chunked")
        data = chunk("so far")
        await exchange.send(head + f"{len(data):x}\r\n".encode() + data + b"\r\nff\r\ncut")

    await expect_broken_off(script)


async def test_a_connection_reset_has_broken_off() -> None:
    told = asyncio.Event()

    async def reset(exchange: Exchange) -> None:
        await exchange.send(HEAD, chunk("so far"))
        await told.wait()
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        raw = exchange.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        exchange.writer.transport.abort()

    async with raw_server(reset) as server, client_of(server) as client:
        with pytest.raises(UpstreamFailed, match="broke off"):
            async with client.stream(ASK) as batches:
                async for batch in batches:
                    assert list(batch) == [TextDelta("so far")]
                    told.set()


async def expect_broken_off(script: Any) -> None:
    deltas: list[Delta] = []
    async with raw_server(script) as server:
        async with client_of(server) as client:
            with pytest.raises(UpstreamFailed, match="broke off before its end"):
                await read(client, into=deltas)
    assert text_of(deltas) == "so far"


async def test_an_error_inside_the_stream_ends_it_with_its_words() -> None:
    failure = b'event: error\ndata: {"error":{"message":"out of sk-secret-0123456789"}}\n\n'
    deltas: list[Delta] = []
    async with raw_server(answers(chunk("so far"), failure)) as server:
        async with client_of(server) as client:
            with pytest.raises(UpstreamFailed, match=r"“out of \[key removed\]”"):
                await read(client, into=deltas)
    assert text_of(deltas) == "so far"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (responds("200 OK", b"<html>Welcome</html>", "text/html"), "text/html"),
        (answers(b"data: what\n\n"), "no JSON object"),
        (answers(DONE), None),
    ],
)
async def test_what_is_no_completion_is_told_as_such(script: Any, words: str | None) -> None:
    async with raw_server(script) as server, client_of(server) as client:
        if words is None:
            assert await read(client) == []
        else:
            with pytest.raises(UpstreamMalformed, match=words):
                await read(client)


async def test_an_endless_line_is_given_up() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(HEAD, b"data: ")
        for _ in range(200):
            await exchange.send(b"x" * 65536)

    async with raw_server(script) as server, client_of(server) as client:
        with pytest.raises(UpstreamMalformed, match="8 MiB"):
            await read(client)


async def test_a_cancel_before_the_first_byte_closes_the_connection_at_once() -> None:
    async with raw_server(holds()) as server, client_of(server) as client:
        task = asyncio.create_task(read(client))
        await server.asked.wait()
        assert await seconds_until_closed(server, task) < 0.25


async def test_a_cancel_mid_stream_closes_the_connection_at_once() -> None:
    arrived = asyncio.Event()

    async def follow(client: OpenAIClient) -> None:
        async with client.stream(ASK) as batches:
            async for _ in batches:
                arrived.set()

    async with raw_server(holds(chunk("so far"))) as server, client_of(server) as client:
        task = asyncio.create_task(follow(client))
        await arrived.wait()
        assert await seconds_until_closed(server, task) < 0.25


async def seconds_until_closed(server: RawServer, task: asyncio.Task[Any]) -> float:
    stopped = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [exchange] = server.exchanges
    async with asyncio.timeout(5):
        await exchange.closed.wait()
    return exchange.closed_at - stopped


async def test_leaving_the_loop_early_closes_the_connection() -> None:
    async with raw_server(holds(chunk("so far"))) as server, client_of(server) as client:
        async with client.stream(ASK) as batches:
            async for _ in batches:
                break
        async with asyncio.timeout(5):
            await server.exchanges[0].closed.wait()


async def test_a_pool_keeps_a_client_until_its_route_changes() -> None:
    made: list[OpenAIClient] = []

    class Watched(OpenAIClient):
        closed = False

        def __init__(self, route: RouteSettings) -> None:
            super().__init__(route)
            made.append(self)

        async def aclose(self) -> None:
            self.closed = True
            await super().aclose()

    pool = ClientPool(Watched)
    old, new = (RawServer([]).route(version=version) for version in ("1", "2"))
    async with pool.lend(old) as first:
        async with pool.lend(old) as again:
            assert again is first
        async with pool.lend(new) as second:
            assert second is not first
            assert not first.closed  # type: ignore[attr-defined]
    assert [client.closed for client in made] == [True, False]  # type: ignore[attr-defined]
    async with pool.lend(new) as third:
        assert third is second
    await pool.aclose()
    assert [client.closed for client in made] == [True, True]  # type: ignore[attr-defined]
