"""Messages in the Chat Completions format: what of a call can be sent back, and how."""

from __future__ import annotations

import json

import pytest

from chat.engine.messages import RESULTS_SHOWN, ChatMessage, RequestedCall, as_sent


def sent_arguments(raw: str) -> str:
    message = ChatMessage("assistant", "", tool_calls=(RequestedCall("c1", "echo", raw),))
    [call] = message.as_request()["tool_calls"]
    arguments: str = call["function"]["arguments"]
    return arguments


@pytest.mark.parametrize("raw", ['{"text":  "hi"\n }', '{"text": "é🌱", "text": 1}', "{}"])
def test_arguments_are_sent_back_as_they_came(raw: str) -> None:
    assert sent_arguments(raw) == raw


def test_no_arguments_are_sent_back_as_an_empty_object() -> None:
    assert sent_arguments("") == "{}"


@pytest.mark.parametrize("raw", ["{", '{"text": "cut of', "[1]", '"hi"', "text=hi", '{"n": NaN}'])
def test_arguments_that_no_server_could_parse_are_sent_back_quoted(raw: str) -> None:
    assert json.loads(sent_arguments(raw)) == {"invalid_json": raw}


def test_two_prompts_in_a_row_go_as_one() -> None:
    messages = [ChatMessage("user", "One?"), ChatMessage("user", "Two?")]
    assert as_sent(messages) == [{"role": "user", "content": "One?\n\nTwo?"}]


def test_results_that_nobody_answered_are_followed_by_words() -> None:
    call = RequestedCall("c1", "echo", "{}")
    messages = [
        ChatMessage("user", "Echo."),
        ChatMessage("assistant", "", tool_calls=(call,)),
        ChatMessage("tool", "echo", tool_call_id="c1"),
        ChatMessage("user", "And now?"),
    ]
    assert [message["role"] for message in as_sent(messages)] == [
        *("user", "assistant", "tool", "assistant", "user"),
    ]
    assert as_sent(messages)[3]["content"] == RESULTS_SHOWN
