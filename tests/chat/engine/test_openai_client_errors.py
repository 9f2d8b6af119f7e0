"""Refusals, failures and surprises of real loopback servers, as the errors that end a stage."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from email.utils import formatdate
from typing import Any

import pytest

from chat.engine.completions import Delta, RepairDelta, TextDelta
from chat.engine.errors import (
    UpstreamError,
    UpstreamFailed,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from chat.engine.incoming import asked_wait
from tests.chat.engine.raw_server import (
    DONE,
    HEAD,
    Exchange,
    answers,
    chunk,
    holds,
    raw_server,
    responds,
)
from tests.chat.engine.test_openai_client import client_of, read, text_of

SECRET = "sk-secret-0123456789"
WORDS = "the words of the server"


async def error_of(script: Any, into: list[Delta] | None = None, **route: Any) -> UpstreamError:
    async with raw_server(script) as server, client_of(server, **route) as client:
        with pytest.raises(UpstreamError) as caught:
            await read(client, into=into)
    assert SECRET not in caught.value.message
    return caught.value


BODIES: dict[str, Any] = {
    "OpenAI": {"error": {"message": WORDS, "type": "invalid_request_error", "code": None}},
    "Azure": {"error": {"code": "BadRequest", "message": WORDS, "innererror": {"code": "x"}}},
    "Azure gateway": {"statusCode": 401, "message": WORDS},
    "Anthropic": {"type": "error", "error": {"type": "invalid_request_error", "message": WORDS}},
    "FastAPI": {"detail": WORDS},
    "FastAPI list": {"detail": [{"loc": ["body", "messages", 0], "msg": WORDS, "type": "missing"}]},
    "vLLM": {"object": "error", "message": WORDS, "type": "BadRequestError", "code": 400},
    "Ollama": {"error": WORDS},
    "llama.cpp": {"error": {"code": 400, "message": WORDS, "type": "invalid_request_error"}},
    "problem+json": {"type": "about:blank", "title": "Bad", "status": 400, "detail": WORDS},
    "Gemini": [{"error": {"code": 400, "message": WORDS, "status": "INVALID_ARGUMENT"}}],
    "Cloudflare": {"success": False, "errors": [{"code": 7003, "message": WORDS}], "result": None},
    "OpenRouter": {"error": {"message": "Provider returned error", "metadata": {"raw": WORDS}}},
    "OpenRouter, deeper": {
        "error": {
            "message": "Provider returned error",
            "metadata": {"raw": json.dumps({"error": {"message": WORDS}})},
        }
    },
    "JSON in a text": {"error": json.dumps({"message": WORDS})},
    "LiteLLM": {"error": {"message": "litellm.BadRequestError: " + json.dumps({"message": WORDS})}},
    "MiniMax": {"base_resp": {"status_code": 1004, "status_msg": WORDS}},
    "Baidu": {"error_code": 336003, "error_msg": WORDS},
    "AWS": {"message": WORDS, "__type": "ValidationException"},
    "OAuth": {"error": "", "error_description": WORDS},
    "errors as texts": {"errors": [WORDS]},
    "errors by field": {"error": {"messages": [WORDS]}},
    "a text": WORDS,
    "plain text": WORDS.encode(),
    "a page": f"<html><head><title>{WORDS}</title></head><body>x</body></html>".encode(),
    "an event": b'data: {"error": {"message": "' + WORDS.encode() + b'"}}\n\n',
}


@pytest.mark.parametrize("shape", BODIES)
async def test_a_refusal_of_any_shape_gives_the_servers_own_words(shape: str) -> None:
    body = BODIES[shape]
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = await error_of(responds("400 Bad Request", encoded))
    assert type(error) is UpstreamRejected
    assert WORDS in error.message
    assert error.detail == "HTTP 400"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"<html>no title</html>", b"\x00\xff"]
)
async def test_a_refusal_without_words_is_told_all_the_same(body: bytes) -> None:
    error = await error_of(responds("400 Bad Request", body))
    assert "refused the request (400). Route local at 127.0.0.1" in error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UpstreamRejected),
        (401, UpstreamRejected),
        (402, UpstreamRejected),
        (404, UpstreamRejected),
        (408, UpstreamTimeout),
        (409, UpstreamRejected),
        (413, UpstreamRejected),
        (429, UpstreamRateLimited),
        (500, UpstreamFailed),
        (501, UpstreamFailed),
        (524, UpstreamTimeout),
        (529, UpstreamFailed),
    ],
)
async def test_every_status_has_its_error_and_is_tried_once(
    status: int, kind: type[UpstreamError]
) -> None:
    async with raw_server(responds(f"{status} X", b'{"error":"no"}')) as server:
        async with client_of(server) as client:
            with pytest.raises(UpstreamError) as caught:
                await read(client)
    assert type(caught.value) is kind
    assert len(server.exchanges) == 1


@pytest.mark.parametrize(("status", "kind"), [(502, UpstreamFailed), (504, UpstreamTimeout)])
async def test_a_gateway_that_fails_is_tried_three_times(
    status: int, kind: type[UpstreamError]
) -> None:
    async with raw_server(responds(f"{status} X", b"<html></html>", "text/html")) as server:
        async with client_of(server) as client:
            with pytest.raises(kind):
                await read(client)
    assert len(server.exchanges) == 3


async def test_a_quota_under_another_status_is_a_rate_limit() -> None:
    body = b'{"error":{"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}'
    assert type(await error_of(responds("403 Forbidden", body))) is UpstreamRateLimited


def http_date(seconds: float) -> str:
    """The header that names a moment so many seconds from now."""
    return f"Retry-After: {formatdate(time.time() + seconds, usegmt=True)}"


@pytest.mark.parametrize(
    ("header", "tries"),
    [
        ("Retry-After: 0", 2),
        ("Retry-After-Ms: 20", 2),
        pytest.param(http_date(-60), 2, id="a date that has passed"),
        pytest.param(http_date(3600), 1, id="a date in an hour"),
        ("Retry-After: 3600", 1),
        ("Retry-After: soon", 1),
        ("Retry-After: -1", 1),
        ("Retry-After: nan", 1),
        ("X-Nothing: 1", 1),
    ],
)
async def test_a_rate_limit_is_waited_for_where_the_wait_is_short(header: str, tries: int) -> None:
    refusal = responds("429 Too Many Requests", b"{}", "application/json", header)
    async with raw_server(refusal, answers(chunk("ok", "stop"), DONE)) as server:
        async with client_of(server) as client:
            if tries == 2:
                assert text_of(await read(client)) == "ok"
            else:
                with pytest.raises(UpstreamRateLimited):
                    await read(client)
    assert len(server.exchanges) == tries


async def test_a_long_wait_is_told_in_words_and_not_waited_for() -> None:
    for header, words in (("30", "30 seconds"), ("600", "10 minutes"), ("36000", "10 hours")):
        script = responds("429 X", b"{}", "application/json", f"Retry-After: {header}")
        assert f"It asks to wait {words}" in (await error_of(script)).message


async def test_an_unavailable_server_that_asks_for_a_long_wait_is_not_pressed() -> None:
    busy = responds("503 X", b"{}", "application/json", "Retry-After: 120")
    async with raw_server(busy) as server, client_of(server) as client:
        with pytest.raises(UpstreamFailed):
            await read(client)
    assert len(server.exchanges) == 1


def test_a_wait_is_read_from_numbers_and_dates() -> None:
    assert asked_wait({"retry-after": "7"}) == 7
    assert asked_wait({"retry-after-ms": "250", "retry-after": "7"}) == 0.25
    soon = asked_wait({"retry-after": formatdate(time.time() + 100, usegmt=True)})
    assert soon is not None
    assert 90 < soon <= 100
    for odd in ({}, {"retry-after": ""}, {"retry-after": "inf"}, {"retry-after": "x"}):
        assert asked_wait(odd) is None


INSIDE = [
    ({"message": "it broke"}, UpstreamFailed),
    ({"message": "it broke", "code": 503}, UpstreamFailed),
    ({"message": "CUDA out of memory", "type": "server_error"}, UpstreamFailed),
    (
        {"message": "no call", "type": "invalid_request_error", "code": "tool_use_failed"},
        UpstreamFailed,
    ),
    ({"message": "slow down", "code": 429}, UpstreamRateLimited),
    ({"message": "slow down", "code": "rate_limit_exceeded"}, UpstreamRateLimited),
    ({"message": "x", "type": "insufficient_quota"}, UpstreamRateLimited),
    ("Rate limit reached for requests per minute", UpstreamRateLimited),
    ({"message": "x", "code": 400}, UpstreamRejected),
    ({"message": "x", "type": "invalid_request_error"}, UpstreamRejected),
    ({"message": "Invalid API key"}, UpstreamRejected),
    ({"message": "x", "code": "context_length_exceeded"}, UpstreamRejected),
    ("This model's maximum context length is 4096 tokens", UpstreamRejected),
    ({"message": "maximum context length is 9, you sent more", "code": 500}, UpstreamRejected),
]


@pytest.mark.parametrize(("failure", "kind"), INSIDE)
async def test_an_error_inside_a_stream_keeps_the_text_and_ends_with_its_code(
    failure: Any, kind: type[UpstreamError]
) -> None:
    deltas: list[Delta] = []
    event = b"data: " + json.dumps({"error": failure}).encode() + b"\n\n"
    error = await error_of(answers(chunk("so far"), event, chunk("more"), DONE), into=deltas)
    assert type(error) is kind
    assert text_of(deltas) == "so far"
    assert "What was said so far is kept." in error.message


@pytest.mark.parametrize(
    "ending",
    [
        b'event: error\ndata: {"message": "it broke"}\n\n',
        b'error: {"message": "it broke"}\n\n',
        b'data: {"error": "it broke"}\n\ndata: [DONE]\n\n',
        b'{"error": {"message": "it broke"}}',
    ],
)
async def test_an_error_is_known_however_it_comes(ending: bytes) -> None:
    deltas: list[Delta] = []
    error = await error_of(answers(chunk("so far"), ending), into=deltas)
    assert type(error) is UpstreamFailed
    assert "“it broke”" in error.message
    assert [d.code for d in deltas if isinstance(d, RepairDelta)][-1] == "error_in_stream"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": WORDS, "code": 429}}, UpstreamRateLimited),
        ({"base_resp": {"status_code": 1002, "status_msg": WORDS}}, UpstreamFailed),
        ({"success": False, "errors": [{"code": 1, "message": WORDS}]}, UpstreamFailed),
        ({"code": "InvalidParameter", "message": WORDS}, UpstreamRejected),
        ([{"error": {"code": 400, "message": WORDS}}], UpstreamRejected),
    ],
)
async def test_an_error_body_with_a_good_status_is_an_error(
    body: Any, kind: type[UpstreamError]
) -> None:
    error = await error_of(responds("200 OK", json.dumps(body).encode()))
    assert type(error) is kind
    assert WORDS in error.message
    assert "so far" not in error.message


@pytest.mark.parametrize(
    ("pack", "encoding"),
    [
        (gzip.compress, "gzip"),
        (zlib.compress, "deflate"),
        (lambda data: zlib.compress(data, wbits=-15), "deflate"),
        (lambda data: gzip.compress(data[:40]) + gzip.compress(data[40:]), "x-gzip"),
    ],
)
async def test_an_answer_that_comes_packed_is_unpacked_and_told(pack: Any, encoding: str) -> None:
    packed = pack(chunk("Hel") + chunk("lo", "stop") + DONE)
    script = responds("200 OK", packed, "text/event-stream", f"Content-Encoding: {encoding}")
    async with raw_server(script) as server, client_of(server) as client:
        deltas = await read(client)
    assert text_of(deltas) == "Hello"
    [repair] = [d for d in deltas if isinstance(d, RepairDelta)]
    assert repair.code == "encoding_unasked"
    assert encoding in repair.detail


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"\x00"), ("gzip", b"no gzip"), ("deflate", b"no deflate")]
)
async def test_a_packing_that_cannot_be_read_is_told(encoding: str, body: bytes) -> None:
    script = responds("200 OK", body, "text/event-stream", f"Content-Encoding: {encoding}")
    error = await error_of(script)
    assert type(error) is UpstreamMalformed
    assert encoding in error.message
    refused = responds("400 X", body, "application/json", f"Content-Encoding: {encoding}")
    assert type(await error_of(refused)) is UpstreamRejected


async def test_what_unpacks_to_an_endless_line_is_given_up() -> None:
    packed = gzip.compress(b"data: " + b"x" * (64 * 1024 * 1024))
    script = responds("200 OK", packed, "text/event-stream", "Content-Encoding: gzip")
    assert "8 MiB" in (await error_of(script)).message


@pytest.mark.parametrize("content_type", ["text/html", "text/event-stream", "application/json"])
async def test_a_web_page_is_told_as_one_whatever_it_calls_itself(content_type: str) -> None:
    page = b"\n<!doctype html><title>Log in</title><script>\n{ a: 1 }\n</script>"
    error = await error_of(responds("200 OK", page, content_type))
    assert type(error) is UpstreamMalformed
    assert "a web page" in error.message
    assert "“Log in”" in error.message


@pytest.mark.parametrize(
    "script",
    [
        responds("200 OK", b'{"status": "well"}'),
        responds("200 OK", b'{"model": "m", "message": {"content": "a"}, "done": true}'),
        answers(b'data: {"type": "message_start", "message": {}}\n\n', DONE),
        answers(b'data: {"type": "message_start", "message": {}}\n\n'),
    ],
)
async def test_json_of_another_format_is_told_as_such(script: Any) -> None:
    error = await error_of(script)
    assert type(error) is UpstreamMalformed
    assert "It sent JSON that is no chat completion." in error.message
    assert error.detail


async def test_what_keeps_the_connection_awake_is_no_first_token() -> None:
    error = await error_of(holds(b"data: null\n\n"), first_token_seconds=0.3)
    assert "first token limit" in error.message


async def test_a_whole_answer_to_a_request_for_a_stream_is_told() -> None:
    choice = {"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice]}).encode()
    async with raw_server(responds("200 OK", body)) as server, client_of(server) as client:
        deltas = await read(client)
        async with client.send(b'{"messages":[],"stream":false}') as batches:
            whole = [delta async for batch in batches for delta in batch]
    assert [d.code for d in deltas if isinstance(d, RepairDelta)] == ["stream_ignored"]
    assert TextDelta("Hello") in whole
    assert not any(isinstance(delta, RepairDelta) for delta in whole)


async def test_what_comes_after_the_end_is_told_even_in_a_later_read() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(HEAD, chunk("a", "stop") + DONE)
        await asyncio.sleep(0.02)
        await exchange.send(chunk("more"))

    async with raw_server(script) as server, client_of(server) as client:
        deltas = await read(client)
    assert text_of(deltas) == "a"
    assert [d.code for d in deltas if isinstance(d, RepairDelta)] == ["data_after_done"]


@pytest.mark.parametrize(
    ("limits", "script"),
    [
        ({"between_tokens_seconds": 0.3}, holds(chunk("so far"))),
        ({"total_seconds": 0.3}, holds(chunk("so far"))),
    ],
)
async def test_a_limit_in_the_middle_of_an_answer_says_that_the_text_is_kept(
    limits: dict[str, float], script: Any
) -> None:
    deltas: list[Delta] = []
    error = await error_of(script, into=deltas, **limits)
    assert type(error) is UpstreamTimeout
    assert "What was said so far is kept." in error.message
    assert text_of(deltas) == "so far"
    before = await error_of(holds(), first_token_seconds=0.3)
    assert "so far" not in before.message


@pytest.mark.parametrize("before", [0.0, 0.3])
async def test_nothing_is_tried_again_after_the_first_byte(before: float) -> None:
    async def breaks(exchange: Exchange) -> None:
        await exchange.send(HEAD, *([chunk("so far")] if before else []))
        exchange.writer.transport.abort()

    async with raw_server(breaks) as server, client_of(server) as client:
        with pytest.raises(UpstreamError):
            await read(client)
    assert len(server.exchanges) == 1


async def test_the_body_of_a_refusal_is_read_to_a_limit_and_to_its_break() -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.send(HEAD.replace(b"200 OK", b"500 X"))
        while True:
            await exchange.send(b"words " * 8000)

    async def breaks(exchange: Exchange) -> None:
        head = HEAD.replace(b"200 OK", b"400 X").replace(
            b"Connection: close", b"Content-Length: 99"
        )
        await exchange.send(head, b"the first words")

    assert "words words" in (await error_of(endless)).message
    assert "the first words" in (await error_of(breaks)).message
