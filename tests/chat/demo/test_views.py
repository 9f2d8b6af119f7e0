"""The demo model over HTTP: key, shapes, streaming, and a client that leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import AsyncClient

from chat.demo.catalogue import DEMO_MODELS
from chat.demo.key import demo_key
from tests.chat.demo.offers import OFFERED

CHAT = "/demo/v1/chat/completions"
HELLO = {"model": "demo", "messages": [{"role": "user", "content": "Count to 3"}]}


@pytest.fixture(autouse=True)
def _quick_demo(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.chat.demo.addresses"
    settings.TOOLBENCH_DEMO = True
    settings.TOOLBENCH_DEMO_PIECES_PER_SECOND = 100_000.0


def bearer(key: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {demo_key() if key is None else key}"}


async def ask(body: Any, key: str | None = None) -> Any:
    return await AsyncClient().post(
        CHAT, body, content_type="application/json", headers=bearer(key)
    )


async def frames(response: Any) -> list[str]:
    got = b"".join([part async for part in response.streaming_content]).decode()
    assert got.endswith("\n\n")
    return [frame.removeprefix("data: ") for frame in got.split("\n\n")[:-1]]


async def test_the_models_are_listed() -> None:
    response = await AsyncClient().get("/demo/v1/models", headers=bearer())
    names = [model["id"] for model in response.json()["data"]]
    assert names == [model.upstream_model for model in DEMO_MODELS]


@pytest.mark.parametrize("key", ["", "wrong", "dém\udcff"])
async def test_a_wrong_key_is_refused_in_openai_s_words(key: str) -> None:
    for response in (
        await ask(HELLO, key.encode("ascii", "ignore").decode()),
        await AsyncClient().get("/demo/v1/models"),
    ):
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "invalid_api_key"


async def test_the_key_depends_on_the_secret(settings: Any) -> None:
    before = demo_key()
    assert before.startswith("demo-")
    settings.SECRET_KEY = "another"
    assert demo_key() != before
    assert (await ask(HELLO, before)).status_code == 401


async def test_a_demo_switched_off_is_not_found(settings: Any) -> None:
    settings.TOOLBENCH_DEMO = False
    assert (await ask(HELLO)).status_code == 404
    assert (await AsyncClient().get("/demo/v1/models", headers=bearer())).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ([], 400),
        ({"model": "demo"}, 400),
        ({"model": "demo", "messages": []}, 400),
        ({**HELLO, "temperature": 3}, 400),
        ({**HELLO, "max_tokens": 0}, 400),
        ({**HELLO, "model": "gpt-9"}, 404),
    ],
)
async def test_what_is_not_a_request_is_refused_with_a_reason(body: Any, status: int) -> None:
    response = await ask(body)
    assert response.status_code == status
    assert response.json()["error"]["message"].endswith(".")


async def test_other_methods_are_refused() -> None:
    response = await AsyncClient().get(CHAT, headers=bearer())
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


async def test_a_streamed_answer_ends_with_usage_and_done() -> None:
    body = {**HELLO, "stream": True, "stream_options": {"include_usage": True}, "seed": 7}
    response = await ask(body)
    assert response.headers["Content-Type"] == "text/event-stream"
    got = await frames(response)
    assert got[-1] == "[DONE]"
    chunks = [json.loads(frame) for frame in got[:-1]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks[:-1])
    assert text == "1, 2, 3."
    assert chunks[-1]["usage"]["completion_tokens"] == 3
    assert len({chunk["id"] for chunk in chunks}) == 1


async def test_a_whole_answer_has_text_and_usage() -> None:
    answer = (await ask(HELLO)).json()
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "1, 2, 3."}
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + 3


async def test_either_limit_cuts_the_answer() -> None:
    for limit in ("max_tokens", "max_completion_tokens"):
        choice = (await ask({**HELLO, limit: 2})).json()["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("1, 2, ", "length")


async def test_parallel_calls_have_ids_of_their_own_in_every_request() -> None:
    prompt = [{"role": "user", "content": "What time is it in Paris and in Tokyo?"}]
    body = {"model": "demo", "messages": prompt, "tools": OFFERED}
    ids = set()
    for _ in range(2):
        choice = (await ask(body)).json()["choices"][0]
        assert choice["finish_reason"] == "tool_calls"
        ids |= {call["id"] for call in choice["message"]["tool_calls"]}
    assert len(ids) == 4


async def test_the_sloppy_model_leaves_out_the_end_mark() -> None:
    got = await frames(await ask({**HELLO, "model": "demo-sloppy", "stream": True}))
    assert json.loads(got[-1])["choices"][0]["finish_reason"] == "stop"


async def test_the_failing_models_fail_in_streams_and_whole() -> None:
    asked = {**HELLO, "model": "demo-fails"}
    got = await frames(await ask({**asked, "stream": True}))
    assert json.loads(got[-1])["error"]["code"] == "demo"
    assert (await ask(asked)).status_code == 500
    broken = {**HELLO, "model": "demo-breaks-off"}
    got = await frames(await ask({**broken, "stream": True}))
    assert json.loads(got[-1])["choices"][0]["finish_reason"] is None
    assert (await ask(broken)).status_code == 502


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_ends_everything_at_once(stream: bool, settings: Any) -> None:
    settings.TOOLBENCH_DEMO_PIECES_PER_SECOND = 500.0
    body = json.dumps({**HELLO, "model": "demo-endless", "stream": stream}).encode()
    sent: list[Mapping[str, Any]] = []
    enough = asyncio.Event()
    if not stream:
        enough.set()

    async def messages() -> AsyncGenerator[dict[str, Any], None]:
        yield {"type": "http.request", "body": body, "more_body": False}
        await enough.wait()
        yield {"type": "http.disconnect"}

    source = messages()

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)
        if len(sent) == 10:
            enough.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": CHAT,
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"authorization", bearer()["Authorization"].encode()),
        ],
    }
    before = asyncio.all_tasks()
    async with asyncio.timeout(5):
        await ASGIHandler()(scope, lambda: anext(source), send)
    assert asyncio.all_tasks() <= before
    assert len(sent) < 20
    assert all(message.get("more_body", True) for message in sent[1:])
    await source.aclose()
