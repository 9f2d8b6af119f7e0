"""With `toolbench` in the body the tools are run here, and the answer says which."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chat.api.gateway.conftest import Door
from tests.chat.api.gateway.strict import read_stream, read_whole
from tests.replay import Call, chat_stream, tool_stream

SUM = Call("calculate", {"expression": "6*7"})
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
OURS: dict[str, Any] = {"toolbench": {"tools": ["calculate"]}}


@pytest.fixture
def calling(door: Door) -> Door:
    """A model that calls, then answers."""
    asks = tool_stream([SUM], text_pieces=["I will calculate."], usage=USAGE)
    door.answers([asks, chat_stream(["It is 42."], usage=USAGE)])
    return door


def check_extension(extension: dict[str, Any], stage_id: str) -> None:
    assert extension["stage_id"] == stage_id
    [call] = extension["tool_calls"]
    assert (call["tool"], call["arguments"]) == ("calculate", {"expression": "6*7"})
    assert call["status"] == "ok"
    assert "42" in call["result"]
    assert extension["repairs"] == []


def test_a_stream_has_the_text_of_all_phases_and_no_call(calling: Door) -> None:
    answered = calling.post(stream=True, stream_options={"include_usage": True}, **OURS)
    streamed = read_stream(answered.content)
    assert streamed.content == "I will calculate.\n\nIt is 42."
    assert streamed.calls == []
    assert streamed.finish_reason == "stop"
    assert streamed.usage is not None
    assert streamed.usage["total_tokens"] == 14
    assert streamed.extension is not None
    check_extension(streamed.extension, answered.headers["X-Toolbench-Stage"])


def test_a_whole_answer_has_it_too(calling: Door) -> None:
    answered = calling.post(**OURS)
    assert read_whole(answered.content)["content"] == "I will calculate.\n\nIt is 42."
    check_extension(answered.json()["toolbench"], answered.headers["X-Toolbench-Stage"])
    assert answered.json()["usage"]["total_tokens"] == 14


def test_the_official_client_reaches_the_extension(calling: Door) -> None:
    answer = calling.client().chat.completions.create(
        model="replay",
        messages=[{"role": "user", "content": "Six times seven?"}],
        extra_body=OURS,
    )
    assert answer.choices[0].message.content == "I will calculate.\n\nIt is 42."
    assert answer.model_extra is not None
    assert answer.model_extra["toolbench"]["tool_calls"][0]["tool"] == "calculate"


def test_a_tool_is_forced_and_parallel_calls_spoken_of_only_where_tools_are_offered(
    calling: Door,
) -> None:
    calling.post(tool_choice="required", parallel_tool_calls=False, top_p=0.5, **OURS)
    first, second = (request.json for request in calling.rig.replay.requests)
    assert first["tool_choice"] == "required"
    assert first["parallel_tool_calls"] is False
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & second.keys()
    assert (first["top_p"], second["top_p"]) == (0.5, 0.5)


def test_without_names_all_tools_are_offered(door: Door) -> None:
    door.answers(chat_stream(["No tool is needed."]))
    answered = door.post(toolbench={})
    assert read_whole(answered.content)["content"] == "No tool is needed."
    assert len(door.last_request["tools"]) > 5


def test_what_was_mended_is_told(door: Door) -> None:
    broken = Call("calculate", "{'expression': '6*7'}")
    door.answers([tool_stream([broken]), chat_stream(["42."])])
    assert "args_repaired_json" in door.post(**OURS).json()["toolbench"]["repairs"]


def test_the_form_of_the_answer_cannot_be_prescribed_then(door: Door) -> None:
    answered = door.post(response_format={"type": "json_object"}, **OURS)
    assert answered.status_code == 400
    assert answered.json()["error"]["param"] == "response_format"
