"""What the real server answers over HTTP is what the OpenAPI document says, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.contract_ground import body
from bench.contract_refusals import prove_refusals
from bench.modes import MODES
from bench.report import Report
from bench.rig import ADMIN, OWNER, ROUTE
from chat.api.documents.openapi import EVENTS
from tests.chat.api.documents.held import COMPLETIONS, HeldClient, HeldGround, answer_faults, http
from tests.chat.api.gateway.tools_of_tests import TOOLS
from tests.chat.conftest import within

pytestmark = pytest.mark.slow

ASKED = [{"role": "user", "content": "text 3 0"}]


def completion(prompt: str = "text 3 0", **more: Any) -> dict[str, Any]:
    return {"model": ROUTE, "messages": [{"role": "user", "content": prompt}], **more}


@pytest.mark.parametrize(("mode", "synthesis", "stream"), MODES)
@pytest.mark.parametrize("script", ["text", "native", "parallel", "invalid", "astext"])
async def test_each_mode_answers_as_documented(
    held: HeldClient, mode: str, synthesis: bool, stream: bool, script: str
) -> None:
    asked = body(f"{script} 3 0", synthesis=synthesis)
    path = f"/{'stream' if stream else 'completion'}/v1/{mode}"
    if stream:
        told = await within(held.stream("POST", path, asked))
        assert told.end is not None
        again = await within(held.stream("GET", f"/stream/v1/stages/{told.end.json['stage_id']}"))
        assert [frame.data for frame in again.frames] == [frame.data for frame in told.frames]
    else:
        answer = await within(held.ask("POST", path, asked))
        assert answer.status == 200


async def test_every_refusal_is_documented(held_ground: HeldGround) -> None:
    report = Report("")
    await within(prove_refusals(held_ground, report), 60)
    assert report.broken == []


async def test_the_health_check_is_documented_for_everybody(held_ground: HeldGround) -> None:
    client = held_ground.client("none")
    cookie = {"Cookie": held_ground.rig.log_in(ADMIN)}
    for headers in ({}, cookie):
        assert (await within(client.ask("GET", "/healthz", None, headers))).status == 200
    assert (await within(client.ask("OPTIONS", "/healthz"))).status == 405
    assert (await within(client.ask("POST", "/healthz"))).status == 403


async def test_the_list_of_models_is_documented(held_ground: HeldGround, held: HeldClient) -> None:
    assert (await within(held.ask("GET", "/v1/models"))).json["data"]
    assert (await within(held.ask("GET", f"/v1/models/{ROUTE}"))).status == 200
    assert (await within(held.ask("GET", "/v1/models/no-such"))).status == 404
    assert (await within(held.ask("POST", "/v1/models", {}))).status == 405
    nobody = held_ground.client("none")
    assert (await within(nobody.ask("GET", "/v1/models"))).status == 401


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": TOOLS},
        {"toolbench": {"tools": ["calculate", "current_time"]}},
        {"stream_options": {"include_usage": True}},
        {"max_tokens": 5, "temperature": 0, "stop": ["x"], "user": "me", "n": 1},
    ],
    ids=["plain", "own tools", "ours", "usage", "settings"],
)
@pytest.mark.parametrize("prompt", ["text 3 0", "parallel 3 0", "native 3 0", "status500 1"])
async def test_the_gateway_answers_as_documented(
    held: HeldClient, prompt: str, more: dict[str, Any]
) -> None:
    asked = completion(prompt, **more)
    assert http().faults(asked, {"$ref": "#/components/schemas/ChatCompletionRequest"}) == []
    answer = await within(held.ask("POST", COMPLETIONS, asked))
    streamed = await within(held.open("POST", COMPLETIONS, {**asked, "stream": True}))
    assert streamed.status == answer.status == (200 if "status" not in prompt else 502)
    if streamed.status == 200:
        frames = [frame async for frame in streamed.frames()]
        assert frames[-1].data == "[DONE]"
        assert answer_faults("POST", COMPLETIONS, streamed.status, streamed.headers, frames) == []
    streamed.leave()


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (400, {}),
        (400, completion(n=2)),
        (400, completion(top_k=1)),
        (400, completion(temperature=7)),
        (400, completion(tools=TOOLS, toolbench={})),
        (400, completion(model="no-model")),
        (400, completion("status400 1")),
        (404, completion(model="no-such")),
        (413, completion("x" * 8 * 1024 * 1024)),
        (429, completion("status429 1")),
        (501, completion(model="other-protocol")),
        (502, completion("garbage 1")),
        (502, completion("status401 1")),
        (502, completion(model="dead")),
        (504, completion("headers", model="impatient")),
        (502, completion("invalid 1", toolbench={})),
    ],
    ids=range(16),
)
async def test_every_error_of_the_gateway_is_documented(
    held: HeldClient, status: int, asked: dict[str, Any]
) -> None:
    answer = await within(held.ask("POST", COMPLETIONS, asked))
    if "invalid 1" not in json.dumps(asked) and "status400" not in json.dumps(asked):
        assert answer.status == status, answer.body
    streamed = await within(held.open("POST", COMPLETIONS, {**asked, "stream": True}))
    if streamed.headers["content-type"].startswith(EVENTS):
        frames = [frame async for frame in streamed.frames()]
        assert answer_faults("POST", COMPLETIONS, 200, streamed.headers, frames) == []
    else:
        told = json.loads(await streamed.body())
        assert answer_faults("POST", COMPLETIONS, status, streamed.headers, told) == []
    streamed.leave()


async def test_an_error_inside_a_stream_is_documented(
    held: HeldClient, held_ground: HeldGround
) -> None:
    """The last chunk of an answer that was stopped elsewhere."""
    asked = completion("text 400 20", stream=True)
    async with await held.open("POST", COMPLETIONS, asked) as streamed:
        frames = []
        async for frame in streamed.frames():
            frames.append(frame)
            if len(frames) == 1:
                async with held_ground.rig.client(OWNER) as talk:
                    stage_id = streamed.headers["x-toolbench-stage"]
                    await talk.send(type="stage.cancel", stage_id=stage_id)
                    await talk.reply("accepted")
        assert json.loads(frames[-1].data)["error"]["code"] == "cancelled"
        assert answer_faults("POST", COMPLETIONS, 200, streamed.headers, frames) == []


async def test_a_key_without_the_scope_is_documented(held_ground: HeldGround) -> None:
    client = held_ground.client("chat only")
    answer = await within(client.ask("POST", COMPLETIONS, completion(tools=TOOLS)))
    assert answer.status == 403
