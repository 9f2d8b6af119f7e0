"""What goes wrong raises the right exception in the official client, with words that help."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from tests.chat.api.gateway.conftest import ASKED, Door
from tests.chat.api.gateway.strict import read_stream
from tests.chat.api.gateway.tools_of_tests import TOOLS
from tests.replay import CloseNow, chat_stream, error, sse


def asked(client: openai.OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "replay", "messages": ASKED, **more})


@pytest.mark.parametrize("key", ["tb_wrong", "sk-not-ours", "0000"])
def test_a_wrong_key_is_no_authentication(door: Door, key: str) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        asked(door.client(key))
    assert refused.value.code == "invalid_api_key"
    assert key not in str(refused.value)


def test_a_log_in_is_no_key(door: Door) -> None:
    headers = {"Cookie": door.rig.log_in()}
    answer = httpx2.get(f"{door.base_url}/models", headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_an_unknown_model_is_not_found(door: Door) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        asked(door.client(), model="gpt-5")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_a_key_without_the_scope_is_denied(door: Door) -> None:
    door.answers(chat_stream(["Hello."]))
    chat_only = door.client(door.make_key("--scopes", "chat"))
    assert asked(chat_only).choices[0].message.content == "Hello."
    for more in ({"tools": TOOLS}, {"extra_body": {"toolbench": {}}}):
        with pytest.raises(openai.PermissionDeniedError) as refused:
            asked(chat_only, **more)
        assert refused.value.code == "forbidden"


def test_a_key_for_one_route_knows_no_other(door: Door) -> None:
    client = door.client(door.make_key("--routes", "replay"))
    assert [model.id for model in client.models.list()] == ["replay"]
    with pytest.raises(openai.NotFoundError) as refused:
        asked(client, model="demo")
    assert "demo-" not in refused.value.message


INVALID = "invalid_value"
IMAGE = {"type": "image_url", "image_url": {"url": "http://example.org/cat.png"}}
CALL = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "tool_calls": [CALL]}


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"n": 2}, "n", "unsupported_parameter"),
        ({"logprobs": True}, "logprobs", "unsupported_parameter"),
        ({"modalities": ["text", "audio"]}, "modalities", "unsupported_parameter"),
        ({"functions": [{"name": "f"}]}, "functions", "unsupported_parameter"),
        ({"web_search_options": {}}, "web_search_options", "unsupported_parameter"),
        ({"extra_body": {"top_k": 3}}, "top_k", "unknown_parameter"),
        ({"extra_body": {"toolbench": {"x": 1}}}, "toolbench.x", "unknown_parameter"),
        ({"temperature": 3}, "temperature", INVALID),
        ({"max_tokens": 0}, "max_tokens", INVALID),
        ({"stop": 3}, "stop", INVALID),
        ({"messages": []}, "messages", INVALID),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0]", INVALID),
        (
            {"messages": [{"role": "user"}]},
            "messages[0].content",
            "missing_required_parameter",
        ),
        (
            {"messages": [{"role": "user", "content": [IMAGE]}]},
            "messages[0].content",
            "unsupported_parameter",
        ),
        (
            {"messages": [*ASKED, {"role": "tool", "tool_call_id": "a", "content": "x"}]},
            "messages[1]",
            INVALID,
        ),
        ({"messages": [*ASKED, CALLED]}, "messages[1]", INVALID),
        ({"messages": [*ASKED, CALLED, *ASKED]}, "messages[1]", INVALID),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0]", "unsupported_parameter"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
            INVALID,
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": 3}}}]},
            "tools[0].function.parameters",
            INVALID,
        ),
        ({"messages": [{"role": "system", "content": "x" * 200_000}] * 3}, "messages", INVALID),
        ({"messages": ASKED * 5000}, "messages", INVALID),
        ({"tools": [*TOOLS, TOOLS[0]]}, "tools", INVALID),
        (
            {"tools": TOOLS, "extra_body": {"toolbench": {}}},
            "toolbench",
            INVALID,
        ),
        (
            {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "g"}}},
            "tool_choice",
            INVALID,
        ),
        ({"tool_choice": "required"}, "tool_choice", INVALID),
    ],
)
def test_what_is_not_taken_is_refused_by_name(
    door: Door, more: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        asked(door.client(), **more)
    error = refused.value
    assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")
    assert door.rig.replay.requests == []


def test_values_that_ask_for_nothing_are_let_pass(door: Door) -> None:
    door.answers(chat_stream(["Hello."]))
    nothing = {"n": 1, "logprobs": False, "modalities": ["text"], "tools": [], "stop": None}
    assert asked(door.client(), **nothing).choices[0].message.content == "Hello."
    assert not {"n", "logprobs", "modalities", "tools", "stop"} & door.last_request.keys()


def test_a_tool_that_is_not_there_is_refused(door: Door) -> None:
    with pytest.raises(openai.BadRequestError, match="no_such_tool"):
        asked(door.client(), extra_body={"toolbench": {"tools": ["no_such_tool"]}})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": "\xff"}'])
def test_a_body_that_is_no_json_object_is_a_bad_request(door: Door, body: bytes) -> None:
    answer = httpx2.post(
        f"{door.base_url}/chat/completions",
        content=body,
        headers={"Authorization": f"Bearer {door.key}"},
        trust_env=False,
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_beyond_the_limit_is_too_large(door: Door) -> None:
    long = [{"role": "user", "content": "x" * (9 * 1024 * 1024)}]
    with pytest.raises(openai.APIStatusError) as refused:
        asked(door.client(), messages=long)
    assert refused.value.status_code == 413


LONG = {"error": {"message": "This model's maximum context length is 8192 tokens.", "code": 400}}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("script", "kind", "status", "code", "retry"),
    [
        (error(400), openai.BadRequestError, 400, "upstream_rejected", None),
        (error(400, LONG), openai.BadRequestError, 400, "context_length_exceeded", None),
        (error(401), openai.InternalServerError, 502, "upstream_rejected", "false"),
        (error(404), openai.InternalServerError, 502, "upstream_rejected", "false"),
        (error(429), openai.RateLimitError, 429, "upstream_rate_limited", None),
        (error(500), openai.InternalServerError, 502, "upstream_failed", "true"),
        (error(504), openai.InternalServerError, 504, "upstream_timeout", "false"),
        (sse("<html>", done=False), openai.InternalServerError, 502, "upstream_malformed", "true"),
    ],
)
def test_a_failing_model_server_has_the_status_that_clients_act_on(
    door: Door, stream: bool, script: Any, kind: type, status: int, code: str, retry: str | None
) -> None:
    door.answers(script)
    with pytest.raises(kind) as failed:
        asked(door.client(), stream=stream)
    failure: Any = failed.value
    assert (failure.status_code, failure.code) == (status, code)
    assert failure.response.headers.get("x-should-retry") == retry
    assert failure.response.headers["X-Toolbench-Stage"]


def test_a_stream_that_fails_midway_raises_while_it_is_read(door: Door) -> None:
    door.answers(sse(*chat_stream(["Hel"]).steps[:2], CloseNow(), done=False))
    said = ""
    with pytest.raises(openai.APIError) as failed:
        for chunk in asked(door.client(), stream=True):
            said += chunk.choices[0].delta.content or ""
    assert said == "Hel"
    assert failed.value.code == "upstream_failed"
    streamed = read_stream(door.post(stream=True).content)
    assert streamed.content == "Hel"
    assert streamed.error is not None
    assert streamed.finish_reason is None


def test_a_whole_answer_that_fails_midway_is_an_error(door: Door) -> None:
    door.answers(sse(*chat_stream(["Hel"]).steps[:2], CloseNow(), done=False))
    with pytest.raises(openai.InternalServerError):
        asked(door.client())


def test_other_methods_and_addresses_are_refused(door: Door) -> None:
    headers = {"Authorization": f"Bearer {door.key}"}
    answer = httpx2.get(f"{door.base_url}/chat/completions", headers=headers, trust_env=False)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_what_the_gateway_does_not_have_is_told_in_its_own_words(door: Door) -> None:
    with pytest.raises(openai.NotFoundError, match="/v1/embeddings") as refused:
        door.client().embeddings.create(model="replay", input="Hello.")
    assert refused.value.code == "unknown_url"
