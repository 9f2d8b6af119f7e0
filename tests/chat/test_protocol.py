"""Whatever comes in a text frame is a command or a BadCommand, never anything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from chat.protocol import (
    BadCommand,
    Ping,
    StageStart,
    StageSubscribe,
    ToolCallDecide,
    dump,
    event_frame,
    format_ts,
    parse_command,
    rejected,
)

SOME_ID = str(UUID(int=7))
START: dict[str, Any] = {
    "type": "stage.start",
    "request_id": SOME_ID,
    "conversation_id": None,
    "mode": "toolchain",
    "synthesis": True,
    "stream": True,
    "model_route": "small",
    "prompt": "Go.",
    "system_prompt": "Be brief.",
    "tools": ["calculate"],
    "temperature": [0.5, None],
    "max_tokens": [10, None],
    "parent_message_id": None,
    "retry_of": None,
    "continue_of": None,
    "html": True,
}
COMMANDS: list[dict[str, Any]] = [
    START,
    {"type": "stage.subscribe", "stage_id": SOME_ID, "after": 3, "html": True},
    {"type": "stage.unsubscribe", "stage_id": SOME_ID},
    {"type": "conversation.subscribe", "conversation_id": SOME_ID},
    {"type": "conversation.unsubscribe", "conversation_id": SOME_ID},
    {"type": "stage.cancel", "stage_id": SOME_ID},
    {"type": "tool_call.decide", "stage_id": SOME_ID, "call_id": "c", "approve": True},
    {"type": "ping"},
]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**62, max_value=2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.text(st.characters(categories=["Cs", "Lu", "Cc"]), max_size=5)
    | st.sampled_from([SOME_ID, "stage.start", "ping", "chat", "\x00", "1e400"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


def taken(text: str) -> BaseModel | BadCommand:
    """What became of a frame; any other exception fails the test."""
    try:
        return parse_command(text)
    except BadCommand as error:
        refused = error
    told = {"message": refused.message, "errors": refused.errors, "id": refused.request_id}
    assert orjson.loads(orjson.dumps(told)) == told
    assert all(set(problem) == {"loc", "msg"} for problem in refused.errors)
    return refused


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command["type"])
def test_every_command_of_the_contract_is_read(command: dict[str, Any]) -> None:
    parsed = parse_command(json.dumps(command))
    for name, value in command.items():
        read = getattr(parsed, name)
        assert (str(read) if isinstance(read, UUID) else read) == value


@pytest.mark.parametrize("command", COMMANDS[:-2], ids=lambda command: command["type"])
def test_a_field_that_nobody_knows_is_refused_by_name(command: dict[str, Any]) -> None:
    error = taken(json.dumps({**command, "surprise": 1}))
    assert isinstance(error, BadCommand)
    assert error.errors[0]["loc"].endswith("surprise")
    assert "surprise" in error.message


@given(VALUES)
def test_any_json_is_a_command_or_a_bad_command(value: Any) -> None:
    taken(json.dumps(value))


@given(st.sampled_from(COMMANDS), st.data())
def test_any_value_in_any_field_is_taken_or_refused(
    command: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(command)))
    taken(json.dumps({**command, name: data.draw(VALUES)}))


@given(st.text(max_size=200) | st.text(st.sampled_from('{}[]",:\\u01e"'), max_size=60))
def test_any_text_is_a_command_or_a_bad_command(text: str) -> None:
    taken(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "NaN",
        '{"type": NaN}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"type":"ping"',
        "\ud800",
        '{"type":"\\ud800"}',
        '{"type":["ping"]}',
        '{"type":{"ping":1}}',
        "\x00",
        '{"type":"' + "x" * 500_000 + '"}',
        json.dumps({**START, "x" * 500_000: 1}),
        json.dumps({**START, "tools": "calculate"}),
        json.dumps({**START, "request_id": 7}),
        json.dumps({**START, "request_id": None}),
        json.dumps({**START, "temperature": [0.5]}),
        json.dumps({**START, "temperature": [3.0, 0.0]}),
        json.dumps({**START, "max_tokens": [0, 0]}),
        json.dumps({**START, "max_tokens": [10**30, 0]}),
        json.dumps({**START, "stream": 1}),
        json.dumps({**START, "synthesis": "true"}),
        json.dumps({**START, "prompt": "x" * 262_145}),
        '{"type":"stage.subscribe","stage_id":"' + SOME_ID + '","after":-1}',
        '{"type":"stage.subscribe","stage_id":"' + SOME_ID + '","after":1.5}',
        '{"type":"stage.subscribe","stage_id":"' + SOME_ID + '","after":"1"}',
        '{"type":"stage.subscribe","stage_id":"' + SOME_ID + '","after":1e999}',
    ],
    ids=range(29),
)
def test_what_is_no_command_is_refused_in_few_words(text: str) -> None:
    error = taken(text)
    assert isinstance(error, BadCommand)
    assert len(error.message) < 2000
    assert len(orjson.dumps(error.errors)) < 20_000


def test_the_request_id_comes_back_with_a_refusal() -> None:
    error = taken(json.dumps({**START, "mode": "talk"}))
    assert isinstance(error, BadCommand)
    assert error.request_id == SOME_ID


def test_a_huge_number_to_read_after_is_taken_as_it_is() -> None:
    text = json.dumps({"type": "stage.subscribe", "stage_id": SOME_ID, "after": 2**63})
    command = parse_command(text)
    assert isinstance(command, StageSubscribe)
    assert command.after == 2**63


def test_defaults_are_those_of_the_contract() -> None:
    command = parse_command(
        json.dumps({"type": "stage.start", "request_id": SOME_ID, "mode": "chat", "prompt": "x"})
    )
    assert command == StageStart(request_id=UUID(SOME_ID), mode="chat", prompt="x")
    assert (command.stream, command.synthesis, command.tools) == (True, False, None)
    assert isinstance(parse_command('{"type":"ping"}'), Ping)
    assert isinstance(parse_command('{"type":"tool_call.decide","x":[1]}'), ToolCallDecide)


def test_an_event_frame_is_the_envelope_with_the_stored_text_verbatim() -> None:
    ts = datetime(2026, 11, 20, 10, 0, 0, 123_999, tzinfo=UTC)
    stage_id = str(uuid4())
    frame = event_frame(stage_id, 17, ts, "repair", '{"code":"é","detail":"\\u0000"}')
    assert json.loads(frame) == {
        "type": "event",
        "v": 1,
        "stage_id": stage_id,
        "sequence_number": 17,
        "ts": "2026-11-20T10:00:00.123Z",
        "event": "repair",
        "data": {"code": "é", "detail": "\x00"},
    }
    assert format_ts(ts) == "2026-11-20T10:00:00.123Z"


def test_a_rejected_frame_says_what_stands_in_the_way() -> None:
    frame = json.loads(rejected("conversation_busy", "Wait.", request_id=SOME_ID, stage_id="s"))
    assert frame == {
        "type": "rejected",
        "request_id": SOME_ID,
        "code": "conversation_busy",
        "message": "Wait.",
        "errors": [],
        "stage_id": "s",
    }
    assert "request_id" not in json.loads(rejected("not_found", "No."))
    assert json.loads(dump({"id": UUID(SOME_ID)})) == {"id": SOME_ID}
