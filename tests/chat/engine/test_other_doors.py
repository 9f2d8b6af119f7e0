"""Stages through other doors: calls that the caller runs, and tools that stand in the prompt."""

from __future__ import annotations

from typing import Any

import pytest

from chat.engine.caller_tools import caller_toolset
from chat.engine.completions import RouteSettings
from chat.engine.events import Done, ToolCallEvent, ToolResultEvent
from chat.engine.messages import ChatMessage, RequestedCall
from chat.engine.request_body import build_body
from chat.engine.text_tools import as_text
from tests.chat.engine.stages import asks, folded, run_stage, says, stage_request

SPEC: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "find_train",
        "strict": True,
        "description": "Find a train.",
        "parameters": {
            "type": "object",
            "properties": {"to": {"type": "string"}},
            "required": ["to"],
        },
    },
}
BARE: dict[str, Any] = {"type": "function", "function": {"name": "now"}}


def handing_over(**more: Any) -> Any:
    return stage_request(
        synthesis=False, hands_over=True, toolset=caller_toolset([SPEC, BARE]), **more
    )


async def test_the_callers_calls_are_told_and_never_run() -> None:
    events, [sent], client = await run_stage(
        handing_over(), asks(("find_train", '{"to": "Lyon"}'), ("now", "{}"), text="Wait.")
    )
    calls = [event for event in events if isinstance(event, ToolCallEvent)]
    assert [(call.tool, call.arguments, call.valid) for call in calls] == [
        ("find_train", {"to": "Lyon"}, True),
        ("now", {}, True),
    ]
    results = [event for event in events if isinstance(event, ToolResultEvent)]
    assert [(result.status, result.content) for result in results] == [("handed_over", "")] * 2
    assert isinstance(events[-1], Done)
    assert events[-1].finish_reason == "tool_calls"
    assert client.requests[0].tools == (SPEC, BARE)
    assert sent.tools == ("find_train", "now")
    assert not folded(events).open_calls


async def test_calls_written_as_text_are_handed_over_with_the_right_reason() -> None:
    written = '<tool_call>\n{"name": "find_train", "arguments": {"to": "Köln"}}\n</tool_call>'
    events, _, _ = await run_stage(handing_over(), says(written))
    assert isinstance(events[-1], Done)
    assert events[-1].finish_reason == "tool_calls"
    [call] = [event for event in events if isinstance(event, ToolCallEvent)]
    assert (call.arguments, call.origin) == ({"to": "Köln"}, "text:hermes")


async def test_a_call_that_fits_no_schema_is_handed_over_as_invalid() -> None:
    events, _, _ = await run_stage(handing_over(), asks(("find_train", '{"from": 1}')))
    [call] = [event for event in events if isinstance(event, ToolCallEvent)]
    assert not call.valid
    assert isinstance(events[-1], Done)


async def test_an_answer_without_calls_is_done_as_it_stopped() -> None:
    events, _, _ = await run_stage(handing_over(), says("No train goes there."))
    assert isinstance(events[-1], Done)
    assert events[-1].finish_reason == "stop"


async def test_a_call_cut_off_by_the_limit_keeps_its_reason() -> None:
    events, _, _ = await run_stage(
        handing_over(), asks(("find_train", '{"to": "Ly'), finish="length")
    )
    assert isinstance(events[-1], Done)
    assert events[-1].finish_reason == "length"


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="find_train"):
        caller_toolset([SPEC, SPEC])


async def test_a_callers_parameters_reach_the_body_and_never_the_engines_fields() -> None:
    choice = {"type": "function", "function": {"name": "now"}}
    _, _, client = await run_stage(
        handing_over(
            tool_choice=choice,
            parameters={"top_p": 0.5, "stream": False, "model": "other", "messages": []},
            max_tokens=(7, None),
        ),
        says("Yes."),
    )
    route = RouteSettings("r", "http://127.0.0.1:9/v1", "m", "", extra_body={"top_p": 0.9, "x": 1})
    body = build_body(client.requests[0], route)
    assert body["tool_choice"] == choice
    assert (body["top_p"], body["x"]) == (0.9, 1)
    assert (body["stream"], body["model"], body["max_tokens"]) == (True, "m", 7)
    assert len(body["messages"]) == 1


async def test_in_text_mode_tools_stand_in_the_prompt_and_calls_are_read_from_the_text() -> None:
    call = '<tool_call>\n{"name": "echo", "arguments": {"text": "hi"}}\n</tool_call>'
    events, _, client = await run_stage(
        stage_request(tool_mode="text", system_prompt="Be brief."), says(call), says("It said hi.")
    )
    assert isinstance(events[-1], Done)
    asked, answered = client.requests
    assert asked.tools == ()
    assert asked.tool_choice is None
    assert asked.messages[0].content.startswith("Be brief.")
    assert '"name": "echo"' in asked.messages[0].content
    assert all(not message.tool_calls for message in answered.messages)
    assert answered.messages[-1].role == "user"
    assert "<tool_response>\necho hi\n</tool_response>" in answered.messages[-1].content
    assert '{"name": "echo", "arguments": {"text": "hi"}}' in answered.messages[-2].content


def test_the_results_of_a_round_are_one_message_of_the_text() -> None:
    history = (
        ChatMessage("user", "Go."),
        ChatMessage(
            "assistant", "", (RequestedCall("a", "x", "{}"), RequestedCall("b", "y", "not json"))
        ),
        ChatMessage("tool", "1", tool_call_id="a"),
        ChatMessage("tool", "2", tool_call_id="b"),
        ChatMessage("assistant", "Done."),
    )
    written = as_text(history)
    assert [message.role for message in written] == ["user", "assistant", "user", "assistant"]
    assert written[1].content.count("<tool_call>") == 2
    assert written[2].content.count("<tool_response>") == 2
    assert '"invalid_json": "not json"' in written[1].content
