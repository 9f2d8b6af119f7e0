"""The official client for Node.js, unmodified, does here what it does at OpenAI's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chat.api.gateway.conftest import Door
from tests.replay import Call, CloseNow, chat_stream, error, sse, tool_stream
from tests.serving import ROOT

SCRIPT = Path(__file__).with_name("official_client.mjs")
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
PLACES = [
    Call("get_weather", {"place": "Lyon"}, id="call_a"),
    Call("get_weather", {"place": "Łódź"}, id="call_b"),
]

if shutil.which("node") is None:
    pytest.skip("node: Node.js is not on PATH.", allow_module_level=True)
if not (ROOT / "node_modules" / "openai").is_dir():
    pytest.skip("node: npm has not fetched the openai client.", allow_module_level=True)


def done(door: Door, situation: str, **options: Any) -> Any:
    """What the client made of a situation."""
    words = f"{situation} {json.dumps(options, separators=(',', ':'))}" if options else situation
    ran = subprocess.run(
        ["node", str(SCRIPT), door.base_url, door.key, words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_it_lists_the_models(door: Door) -> None:
    assert "replay" in done(door, "models")


def test_it_gets_a_whole_answer(door: Door) -> None:
    door.answers(chat_stream(["Hel", "lo."], usage=USAGE))
    answer = done(door, "whole")
    assert answer["choices"][0]["message"]["content"] == "Hello."
    assert answer["usage"]["total_tokens"] == 18


def test_it_streams_and_gets_the_usage_last(door: Door) -> None:
    door.answers(chat_stream(["Hel", "lo."], usage=USAGE))
    *chunks, end, usage = done(door, "streamed")
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "Hello."
    assert end["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["prompt_tokens"] == 11


def test_its_helper_puts_parallel_calls_together(door: Door) -> None:
    door.answers(tool_stream(PLACES, text_pieces=["Let me look."], interleaved=True))
    found = done(door, "accumulated")
    [choice] = found["completion"]["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "Let me look."
    assert [call["id"] for call in choice["message"]["tool_calls"]] == ["call_a", "call_b"]
    assert found["calls"] == ["get_weather", "get_weather"]


def test_its_runner_runs_the_tools_and_sends_the_results_back(door: Door) -> None:
    door.answers([tool_stream(PLACES), chat_stream(["Both sunny."])])
    found = done(door, "run_tools")
    assert found == {"answer": "Both sunny.", "ran": ["Lyon", "Łódź"]}
    roles = [message["role"] for message in door.last_request["messages"]]
    assert roles == ["user", "assistant", "tool", "tool"]


@pytest.mark.parametrize(
    ("options", "name", "status", "code"),
    [
        ({"model": "none-such"}, "NotFoundError", 404, "model_not_found"),
        ({"model": "replay", "n": 2}, "BadRequestError", 400, "unsupported_parameter"),
        ({"model": "replay", "stream": True}, "RateLimitError", 429, "upstream_rate_limited"),
    ],
)
def test_errors_are_of_the_class_that_its_users_catch(
    door: Door, options: dict[str, Any], name: str, status: int, code: str
) -> None:
    door.answers(error(429))
    raised = done(door, "raises", **options)
    assert (raised["name"], raised["status"], raised["code"]) == (name, status, code)


def test_an_error_inside_a_stream_is_raised_while_it_is_read(door: Door) -> None:
    door.answers(sse(*chat_stream(["Hel"]).steps[:2], CloseNow(), done=False))
    raised = done(door, "raises", model="replay", stream=True)
    assert (raised["name"], raised["code"]) == ("APIError", "upstream_failed")
