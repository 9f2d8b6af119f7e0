"""Whatever the model server breaks, what comes out is the strict contract."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.chat.api.gateway.conftest import Door
from tests.chat.api.gateway.strict import Streamed, read_stream, read_whole
from tests.chat.api.gateway.tools_of_tests import TOOLS
from tests.replay import (
    Answer,
    Call,
    Script,
    Wait,
    chat_stream,
    ollama_like,
    openai_like,
    sse,
    tool_stream,
)

LYON = Call("get_weather", {"place": "Lyon"}, id="a")
OSLO = Call("get_weather", {"place": "Oslo"}, id="b")
PLACES = [{"place": "Lyon"}, {"place": "Oslo"}]

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def both(door: Door, script: Answer, **more: Any) -> tuple[Streamed, dict[str, Any]]:
    """The same answer streamed and whole, each strictly read; they say the same."""
    door.answers(script)
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    answered = door.post(**options, **more)
    assert answered.status_code == 200, answered.text
    streamed = read_stream(answered.content)
    door.answers(script)
    message = read_whole(door.post(**more).content)
    assert (message["content"] or "") == streamed.content
    assert message.get("reasoning_content", "") == streamed.reasoning
    calls = [{k: v for k, v in call.items() if k != "index"} for call in streamed.calls]
    assert [call["function"] for call in message.get("tool_calls", [])] == [
        call["function"] for call in calls
    ]
    return streamed, message


def arguments(streamed: Streamed) -> list[Any]:
    return [json.loads(call["function"]["arguments"]) for call in streamed.calls]


@pytest.mark.parametrize(
    "script",
    [
        tool_stream([LYON, OSLO], flavour=replace(openai_like, call_index="zero")),
        tool_stream([LYON, OSLO], flavour=replace(openai_like, call_index=None, argument_piece=0)),
        tool_stream([LYON, OSLO], flavour=ollama_like, finish="stop"),
        tool_stream([LYON, OSLO], interleaved=True),
        tool_stream([replace(LYON, id=""), replace(OSLO, id="")]),
        tool_stream([LYON, OSLO], finish=None),
        tool_stream([LYON, OSLO], done=False),
        tool_stream([LYON, OSLO], finish="function_call"),
    ],
    ids=["index-0", "no-index", "ollama", "mixed", "no-ids", "no-finish", "no-done", "old-finish"],
)
def test_calls_come_out_in_order_whole_and_told_apart(door: Door, script: Script) -> None:
    streamed, _ = both(door, script, tools=TOOLS)
    assert arguments(streamed) == PLACES
    assert streamed.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "raw",
    [
        "{'place': 'Lyon'}",
        '{"place": "Lyon",}',
        '```json\n{"place": "Lyon"}\n```',
        '"{\\"place\\": \\"Lyon\\"}"',
    ],
)
def test_broken_arguments_come_out_as_strict_json(door: Door, raw: str) -> None:
    streamed, _ = both(door, tool_stream([Call("get_weather", raw)]), tools=TOOLS)
    assert arguments(streamed) == [{"place": "Lyon"}]


def test_a_call_written_as_text_is_a_call(door: Door) -> None:
    text = '<tool_call>\n{"name": "get_weather", "arguments": {"place": "Lyon"}}\n</tool_call>'
    pieces = ["I will look. ", *(text[at : at + 5] for at in range(0, len(text), 5))]
    streamed, _ = both(door, chat_stream(pieces), tools=TOOLS)
    assert arguments(streamed) == [{"place": "Lyon"}]
    assert "<tool_call>" not in streamed.content
    assert streamed.finish_reason == "tool_calls"


def test_thinking_in_the_text_is_reasoning(door: Door) -> None:
    streamed, _ = both(door, chat_stream(["<think>Hm", "m.</think>", "Hello."]))
    assert (streamed.reasoning.strip(), streamed.content.strip()) == ("Hmm.", "Hello.")


def test_a_call_cut_off_at_the_token_limit_is_not_sent(door: Door) -> None:
    half = Call("get_weather", '{"place": "Os')
    streamed, message = both(door, tool_stream([LYON, half], finish="length"), tools=TOOLS)
    assert arguments(streamed) == PLACES[:1]
    assert streamed.finish_reason == "length"
    streamed, message = both(door, tool_stream([half], finish="length"), tools=TOOLS)
    assert streamed.calls == []
    assert message["content"] == ""


def test_a_call_that_nobody_offered_is_left_out_of_a_chat(door: Door) -> None:
    streamed, message = both(door, tool_stream([LYON], text_pieces=["Hello."]))
    assert streamed.calls == []
    assert streamed.finish_reason == "stop"
    assert message["content"] == "Hello."


def test_a_finish_reason_of_its_own_becomes_one_that_clients_know(door: Door) -> None:
    for said, told in (("eos", "stop"), (None, "stop"), ("content_filter", "content_filter")):
        streamed, _ = both(door, chat_stream(["Hello."], finish=said))
        assert streamed.finish_reason == told


def test_text_after_the_end_and_ends_that_come_twice_leave_one_end(door: Door) -> None:
    end = openai_like.chunk({}, "stop")
    script = sse(openai_like.text("Hello."), end, end, openai_like.usage_chunk(USAGE))
    streamed, _ = both(door, script)
    assert streamed.content == "Hello."
    assert streamed.usage is not None
    assert streamed.usage["total_tokens"] == 7


def test_where_the_server_counts_no_tokens_none_are_made_up(door: Door) -> None:
    streamed, _ = both(door, chat_stream(["Hello."]))
    assert streamed.usage is None


def test_an_empty_answer_is_an_answer(door: Door) -> None:
    streamed, message = both(door, chat_stream([]))
    assert (streamed.content, message["content"]) == ("", "")
    assert streamed.chunks == 2


def test_control_characters_and_every_script_travel_unharmed(door: Door) -> None:
    text = 'a"b\\c\n\u2028\u0001 \U0001f600 ü data: [DONE]\n\nx'
    streamed, _ = both(door, chat_stream([text[:7], text[7:]]))
    assert streamed.content == text


def test_while_the_model_thinks_the_connection_is_kept_alive(door: Door) -> None:
    # The server of these tests beats every second.
    door.answers(chat_stream(["Hel", Wait(1.5), "lo."]))
    streamed = read_stream(door.post(stream=True).content)
    assert streamed.heartbeats >= 1
    assert streamed.content == "Hello."


def test_before_the_first_token_a_heartbeat_opens_the_stream(door: Door) -> None:
    script = chat_stream(["Hello."])
    door.answers(replace(script, steps=(Wait(1.5), *script.steps)))
    body = door.post(stream=True).content
    assert body.startswith(b":")
    assert read_stream(body).content == "Hello."
