"""The replay server itself: true bytes, true closings, honest records."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import Any

import httpx2
import pytest

from tests.replay import (
    Call,
    CloseNow,
    EndStream,
    Mark,
    ReplayServer,
    Script,
    Send,
    SendRaw,
    Signal,
    Wait,
    WaitFor,
    chat_stream,
    error,
    never_answers,
    ollama_like,
    openai_like,
    paced,
    sse,
    tool_chain,
    tool_stream,
    vllm_like,
    whole,
    whole_chat,
)

CHAT = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}


def ask(body: dict[str, Any], *, extra: str = "", version: str = "HTTP/1.1") -> bytes:
    """A chat completion request as bytes."""
    raw = json.dumps(body).encode()
    head = f"POST /v1/chat/completions {version}\r\nHost: x\r\nContent-Length: {len(raw)}\r\n"
    return f"{head}{extra}\r\n".encode() + raw


def connect(server: ReplayServer) -> socket.socket:
    """A plain TCP connection to the server."""
    connection = socket.create_connection((server.host, server.port), timeout=10)
    return connection


def read_until(connection: socket.socket, marker: bytes) -> bytes:
    """Everything up to and with the marker, or up to the end."""
    got = bytearray()
    searched = 0
    while got.find(marker, searched) < 0:
        searched = max(0, len(got) - len(marker))
        data = connection.recv(65536)
        if not data:
            break
        got += data
    return bytes(got)


def payloads(text: str) -> list[dict[str, Any]]:
    """The JSON of every data line but [DONE]."""
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_a_raw_socket_gets_each_frame_as_one_http_chunk() -> None:
    with ReplayServer(sse("one", "two")) as server, connect(server) as client:
        client.sendall(ask(CHAT))
        got = read_until(client, b"0\r\n\r\n")
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == (
        b"b\r\ndata: one\n\n\r\nb\r\ndata: two\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    )


def test_requests_are_remembered_as_they_came() -> None:
    with ReplayServer(whole_chat("Hi")) as server:
        before = time.monotonic()
        answer = httpx2.post(
            f"{server.base_url}/chat/completions", json=CHAT, headers={"X-Thing": "7"}
        )
    assert answer.json()["choices"][0]["message"]["content"] == "Hi"
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["x-thing"] == "7"
    assert request.json == CHAT
    assert before < request.received_at < time.monotonic()


def test_a_connection_is_kept_alive_and_used_again() -> None:
    with ReplayServer([chat_stream(["a"]), whole_chat("b")]) as server, connect(server) as client:
        client.sendall(ask(CHAT))
        assert b'"content":"a"' in read_until(client, b"0\r\n\r\n")
        client.sendall(ask(CHAT))
        assert b'"content": "b"' in read_until(client, b'"stop"')
    assert len(server.requests) == 2


def test_pipelined_requests_are_answered_in_order() -> None:
    with ReplayServer([sse("first"), sse("second")]) as server, connect(server) as client:
        client.sendall(ask(CHAT) + ask(CHAT))
        got = read_until(client, b"second")
        assert got.index(b"first") < got.index(b"second")


def test_a_chunked_request_body_is_read() -> None:
    with ReplayServer(whole_chat("Hi")) as server, connect(server) as client:
        raw = json.dumps(CHAT).encode()
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        client.sendall(head + b"5\r\n" + raw[:5] + b"\r\n")
        client.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(raw) - 5, raw[5:]))
        read_until(client, b"Hi")
    assert server.requests[0].json == CHAT


def test_an_http_1_0_client_gets_no_chunks_and_the_connection_closes() -> None:
    with ReplayServer(sse("one")) as server, connect(server) as client:
        client.sendall(ask(CHAT, version="HTTP/1.0"))
        got = read_until(client, b"never there")
    assert got.endswith(b"\r\n\r\ndata: one\n\ndata: [DONE]\n\n")


def test_connection_close_is_honoured() -> None:
    with ReplayServer(whole_chat("Hi")) as server, connect(server) as client:
        client.sendall(ask(CHAT, extra="Connection: close\r\n"))
        assert b"connection: close" in read_until(client, b"never there")


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_leaves_mid_stream_is_seen_within_milliseconds(reset: bool) -> None:
    reached = Signal()
    script = chat_stream(["a", "b", Mark(reached), WaitFor(Signal()), "never"])
    with ReplayServer(script) as server:
        client = connect(server)
        client.sendall(ask(CHAT))
        reached.wait()
        got = read_until(client, b'"content":"b"')
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left_at = time.monotonic()
        client.close()
        exchange = server.exchanges[0]
        exchange.closed.wait()
        assert exchange.closed_early
        assert exchange.closed_how == ("reset" if reset else "eof")
        assert exchange.bytes_sent >= len(got.rstrip())
        assert exchange.closed_at is not None
        assert 0 <= exchange.closed_at - left_at < 1


def test_a_client_that_leaves_before_the_first_byte_is_seen() -> None:
    with ReplayServer(never_answers()) as server:
        client = connect(server)
        client.sendall(ask(CHAT))
        exchange = server.wait_for_request()
        client.close()
        exchange.closed.wait()
        assert exchange.closed_early
        assert exchange.bytes_sent == 0


def test_a_finished_answer_is_not_called_left_early() -> None:
    with ReplayServer(chat_stream(["a"])) as server:
        with connect(server) as client:
            client.sendall(ask(CHAT))
            read_until(client, b"0\r\n\r\n")
        exchange = server.exchanges[0]
        exchange.closed.wait()
    assert exchange.finished.is_set
    assert not exchange.closed_early


def test_a_reader_that_stops_reading_stops_the_script() -> None:
    big = paced(4000, 0, "x" * 4096)
    with ReplayServer(big) as server, connect(server) as client:
        client.sendall(ask(CHAT))
        exchange = server.wait_for_request()
        read_until(client, b"xxxx")
        assert not exchange.finished.is_set
        got = len(read_until(client, b"[DONE]"))
        assert got > 4000 * 4096 - 65536
        exchange.finished.wait()


def test_abrupt_ends_look_abrupt_to_a_client() -> None:
    for reset in (True, False):
        script = chat_stream(["a", CloseNow(reset=reset)])
        with (
            ReplayServer(script) as server,
            pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)),
            httpx2.stream("POST", f"{server.base_url}/chat/completions", json=CHAT) as answer,
        ):
            answer.read()
        assert server.exchanges[0].closed_how == "by us"


def test_a_reset_arrives_as_a_reset() -> None:
    with ReplayServer(chat_stream(["a", CloseNow()])) as server, connect(server) as client:
        client.sendall(ask(CHAT))
        with pytest.raises(ConnectionResetError):
            read_until(client, b"never there")


def test_the_script_ends_early_and_properly_at_end_stream() -> None:
    with ReplayServer(sse("one", EndStream(), "two")) as server:
        answer = httpx2.post(f"{server.base_url}/chat/completions", json=CHAT)
    assert answer.text == "data: one\n\n"


def test_raw_bytes_go_past_the_framing() -> None:
    script = Script(steps=(SendRaw(b"zz\r\nnot a chunk"),))
    with ReplayServer(script) as server, pytest.raises(httpx2.RemoteProtocolError):
        httpx2.post(f"{server.base_url}/chat/completions", json=CHAT)


def test_refusals_carry_status_body_and_headers() -> None:
    with ReplayServer(error(429, headers={"retry-after": "3"})) as server:
        answer = httpx2.post(f"{server.base_url}/chat/completions", json=CHAT)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3"
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_models_and_further_routes_are_answered_and_others_are_not_found() -> None:
    routes = {"/v1/forecast": whole({"current": {"temperature_2m": 21.4}})}
    with ReplayServer(routes=routes, models=["a", "b"]) as server:
        models = httpx2.get(f"{server.base_url}/models").json()
        forecast = httpx2.get(f"{server.origin}/v1/forecast?latitude=1").json()
        missing = httpx2.get(f"{server.origin}/v1/other")
    assert [model["id"] for model in models["data"]] == ["a", "b"]
    assert forecast["current"]["temperature_2m"] == 21.4
    assert missing.status_code == 404


def test_a_sequence_says_when_it_is_used_up() -> None:
    with ReplayServer([whole_chat("only")]) as server:
        url = f"{server.base_url}/chat/completions"
        assert httpx2.post(url, json=CHAT).status_code == 200
        answer = httpx2.post(url, json=CHAT)
    assert answer.status_code == 500
    assert "all used" in answer.json()["error"]["message"]


def test_a_tool_chain_gets_calls_first_and_text_when_results_are_there() -> None:
    answer = tool_chain([("current_time", {"time_zone": "Europe/Paris"})], ["It is ", "noon."])
    asked = {**CHAT, "tools": [{"type": "function", "function": {"name": "current_time"}}]}
    told = {**asked, "messages": [*CHAT["messages"], {"role": "tool", "content": "12:00"}]}  # type: ignore[misc]
    with ReplayServer(answer) as server, httpx2.Client() as client:
        url = f"{server.base_url}/chat/completions"
        first = payloads(client.post(url, json=asked).text)
        second = payloads(client.post(url, json=told).text)
        unstreamed = client.post(url, json={**asked, "stream": False}).json()
    assert first[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in second) == "It is noon."
    assert unstreamed["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == (
        "current_time"
    )


@pytest.mark.parametrize(
    ("flavour", "indexes"),
    [(openai_like, {0, 1}), (ollama_like, {None}), (vllm_like, {0, 1})],
    ids=["openai", "ollama", "vllm"],
)
def test_calls_are_worded_as_each_server_does(flavour: Any, indexes: set[int | None]) -> None:
    calls = [Call("get_weather", {"latitude": 59.9, "longitude": 10.7}), Call("add", '{"a": 1}')]
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    script = tool_stream(calls, flavour=flavour, usage=usage)
    with ReplayServer(script) as server:
        chunks = payloads(httpx2.post(f"{server.base_url}/chat/completions", json=CHAT).text)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    fragments = [
        fragment
        for chunk in chunks[:-1]
        for fragment in chunk["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert {fragment.get("index") for fragment in fragments} == indexes
    text = "".join(fragment["function"]["arguments"] for fragment in fragments)
    assert text == '{"latitude": 59.9, "longitude": 10.7}{"a": 1}'
    assert [f["function"]["name"] for f in fragments if "id" in f] == ["get_weather", "add"]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], usage)


def test_interleaved_calls_mix_their_fragments() -> None:
    calls = [("a", {"x": "long enough"}), ("b", {"y": "long enough"})]
    with ReplayServer(tool_stream(calls, interleaved=True)) as server:
        chunks = payloads(httpx2.post(f"{server.base_url}/chat/completions", json=CHAT).text)
    deltas = [chunk["choices"][0]["delta"].get("tool_calls") for chunk in chunks]
    order = [delta[0]["index"] for delta in deltas if delta]
    assert order[:4] == [0, 1, 0, 1]


def test_a_pace_is_kept_without_drift() -> None:
    with ReplayServer(paced(21, 100)) as server, connect(server) as client:
        client.sendall(ask(CHAT))
        started = time.monotonic()
        got = read_until(client, b"[DONE]")
        took = time.monotonic() - started
    assert got.count(b'"content":"token "') == 21
    assert 0.19 <= took < 2


def test_a_gate_holds_the_stream_until_the_test_opens_it() -> None:
    gate = Signal()
    with ReplayServer(sse("before", WaitFor(gate), "after")) as server, connect(server) as client:
        client.sendall(ask(CHAT))
        assert b"after" not in read_until(client, b"before")
        gate.set()
        assert b"after" in read_until(client, b"after")


def test_a_late_head_comes_with_the_first_byte() -> None:
    gate = Signal()
    with ReplayServer(whole({}, after=[WaitFor(gate)])) as server, connect(server) as client:
        client.sendall(ask(CHAT))
        server.wait_for_request()
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        gate.set()
        client.settimeout(10)
        assert read_until(client, b"{}").startswith(b"HTTP/1.1 200 OK")


def test_a_mistake_in_a_choosing_function_is_told() -> None:
    def wrong(request: object) -> Script:
        raise KeyError("oops")

    with ReplayServer(wrong) as server:
        answer = httpx2.post(f"{server.base_url}/chat/completions", json=CHAT)
    assert "oops" in answer.json()["error"]["message"]


@pytest.mark.asyncio
async def test_it_runs_in_the_loop_of_a_test_and_sees_a_cancelled_httpx2_stream() -> None:
    script = chat_stream(["a", "b", WaitFor(Signal())])
    async with ReplayServer(script) as server, httpx2.AsyncClient() as client:
        got = asyncio.Event()

        async def read() -> None:
            url = f"{server.base_url}/chat/completions"
            async with client.stream("POST", url, json=CHAT) as answer:
                async for line in answer.aiter_lines():
                    if '"b"' in line:
                        got.set()

        task = asyncio.create_task(read())
        await got.wait()
        exchange = await server.request_arrived()
        cancelled_at = time.monotonic()
        task.cancel()
        await exchange.closed.waited()
        assert exchange.closed_early
        assert exchange.closed_at is not None
        assert exchange.closed_at - cancelled_at < 1


@pytest.mark.asyncio
async def test_two_hundred_streams_at_once_all_end_whole() -> None:
    async with ReplayServer(paced(5, 50)) as server:

        async def one() -> bytes:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(ask(CHAT, extra="Connection: close\r\n"))
            got = await reader.read(-1)
            writer.close()
            return got

        answers = await asyncio.gather(*(one() for _ in range(200)))
        assert all(answer.endswith(b"0\r\n\r\n") for answer in answers)
        assert len(server.completions) == 200


def test_leaving_the_server_ends_scripts_that_never_end() -> None:
    # Others may have a server of their own in this process.
    before = set(threading.enumerate())
    with ReplayServer(sse("one", Wait(3600))) as server:
        client = connect(server)
        client.sendall(ask(CHAT))
        read_until(client, b"one")
    assert server.exchanges[0].closed_how == "by us"
    client.close()
    left = set(threading.enumerate()) - before
    assert "replay" not in {thread.name for thread in left}


def test_a_script_without_frames_has_an_empty_body() -> None:
    script = Script(steps=(Send(b""),), framing="length", headers={})
    with ReplayServer(script) as server:
        assert httpx2.post(f"{server.base_url}/chat/completions", json=CHAT).content == b""


def test_as_a_process_it_tells_its_address_and_its_exchanges() -> None:
    command = [sys.executable, "-m", "tests.replay", "--chunks", "3", "--per-second", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            base = found[0]
            first = httpx2.post(f"{base}/chat/completions", json=CHAT)
            refused = httpx2.post(f"{base}/chat/completions", json={**CHAT, "model": "refuses"})
            told = httpx2.get(f"{base.removesuffix('/v1')}/_replay/exchanges").json()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert first.text.count("token ") == 3
    assert refused.status_code == 503
    assert [row["model"] for row in told] == ["m", "refuses"]
