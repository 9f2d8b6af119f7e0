"""Tools in the prompt: the demo model reads what the engine writes, and writes what it reads."""

from __future__ import annotations

import json

from chat.demo.mind import think
from chat.demo.prompt_tools import tools_in_prompt, with_calls, written
from chat.engine.messages import ChatMessage, RequestedCall, as_sent
from chat.engine.text_tools import as_text, tools_prompt
from chat.engine.tool_calls.pieces import CallEnded
from chat.engine.tool_calls.reader import TextReader

CLOCK = {
    "type": "function",
    "function": {
        "name": "current_time",
        "description": "The time.",
        "parameters": {"type": "object", "properties": {"time_zone": {"type": "string"}}},
    },
}
SYSTEM = ChatMessage("system", f"Be brief.\n\n{tools_prompt([CLOCK])}")
PROMPT = ChatMessage("user", "What time is it in Paris and in Tokyo?")


def test_the_demo_model_finds_the_tools_that_the_engine_describes() -> None:
    assert tools_in_prompt(as_sent([SYSTEM, PROMPT])) == [CLOCK]
    assert tools_in_prompt(as_sent([PROMPT])) == []


def test_its_calls_are_read_from_its_text() -> None:
    messages = as_sent([SYSTEM, PROMPT])
    reply = written(think(with_calls(messages), tools_in_prompt(messages)))
    assert not reply.calls
    reader = TextReader({"current_time": CLOCK["function"]["parameters"]})  # type: ignore[index]
    pieces = [*reader.feed(reply.text), *reader.finish()]
    calls = [json.loads(piece.raw_arguments) for piece in pieces if isinstance(piece, CallEnded)]
    assert calls == [{"time_zone": "Europe/Paris"}, {"time_zone": "Asia/Tokyo"}]


def test_it_answers_from_results_that_are_written_out() -> None:
    history = as_text(
        [
            PROMPT,
            ChatMessage(
                "assistant",
                "",
                (RequestedCall("a", "current_time", '{"time_zone": "Europe/Paris"}'),),
            ),
            ChatMessage("tool", '{"time": "12:50:26"}', tool_call_id="a"),
        ]
    )
    messages = as_sent([SYSTEM, *history])
    reply = written(think(with_calls(messages), tools_in_prompt(messages)))
    assert "12:50:26" in reply.text
    assert "<tool_call>" not in reply.text
