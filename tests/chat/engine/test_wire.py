"""Bytes to events to deltas, whatever the cuts."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.completions import (
    Delta,
    FinishDelta,
    ObjectDelta,
    ReasoningDelta,
    RefusalDelta,
    RepairDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from chat.engine.repairs import RepairLog
from chat.engine.wire.deltas import DeltaReader
from chat.engine.wire.failures import body_words
from chat.engine.wire.payload import NotACompletion
from chat.engine.wire.reader import CompletionReader
from chat.engine.wire.sse import LINE_LIMIT, EventDecoder, LineTooLong, ServerEvent
from chat.engine.wire.text import storable, storable_json
from tests.chat.engine.cuts import CUTS, pieces_of

STREAM = (
    "\ufeff: a comment\r\n"
    "event: first\ndata: one\n\n"
    "data: two\r\ndata: lines\r\n\r\n"
    "data:no blank\r\r"
    "id: 7\nretry: 5\ndata: über 🌱\n\n"
    "data: [DONE]\ndata: after\n\n"
    'data: {"a": 1}\ndata: {"b": 2}\n\n'
    '{"bare": true}\n'
    '{\n  "bare": "over lines"\n}\n'
    ' data: {"indented": 1}\n\n'
    'error: {"message": "failed"}\n\n'
    "data: no end"
).encode()

EVENTS = [
    ServerEvent("first", b"one"),
    ServerEvent(None, b"two\nlines"),
    ServerEvent(None, b"no blank"),
    ServerEvent(None, "über 🌱".encode()),
    ServerEvent(None, b"[DONE]"),
    ServerEvent(None, b"after"),
    ServerEvent(None, b'{"a": 1}'),
    ServerEvent(None, b'{"b": 2}'),
    ServerEvent(None, b'{"bare": true}'),
    ServerEvent(None, b'{\n  "bare": "over lines"\n}'),
    ServerEvent(None, b'{"indented": 1}'),
    ServerEvent("error", b'{"message": "failed"}'),
    ServerEvent(None, b"no end"),
]


def decode(pieces: list[bytes], line_limit: int = LINE_LIMIT) -> list[ServerEvent]:
    decoder = EventDecoder(line_limit)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.finish()]


def test_a_stream_with_every_oddity_gives_its_events() -> None:
    assert decode([STREAM]) == EVENTS


def test_single_bytes_give_the_same_events() -> None:
    assert decode([STREAM[at : at + 1] for at in range(len(STREAM))]) == EVENTS


@given(CUTS)
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    assert decode(pieces_of(STREAM, cuts)) == EVENTS


@given(st.binary(max_size=200), CUTS)
def test_no_bytes_are_read_differently_by_their_cuts(data: bytes, cuts: list[int]) -> None:
    assert decode(pieces_of(data, cuts)) == decode([data])


@given(
    st.lists(st.sampled_from([b"data", b":", b" ", b"x", b"{", b"}", b'"a":1', b"\r", b"\n"])),
    CUTS,
)
def test_no_lines_are_read_differently_by_their_cuts(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    assert decode(pieces_of(data, cuts)) == decode([data])


@pytest.mark.parametrize("data", [b"data: 123456789", b"data: 123456789\n", b"data: 12345\n" * 3])
def test_a_line_or_event_over_the_limit_is_refused(data: bytes) -> None:
    with pytest.raises(LineTooLong):
        decode([data], line_limit=13)
    with pytest.raises(LineTooLong):
        decode([data[at : at + 1] for at in range(len(data))], line_limit=13)


def test_a_line_that_grows_to_the_limit_costs_no_more_memory_than_itself() -> None:
    decoder = EventDecoder()
    tracemalloc.start()
    try:
        with pytest.raises(LineTooLong):
            for _ in range(3 * LINE_LIMIT // 1024):
                list(decoder.feed(b"ab" * 512))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 * LINE_LIMIT


def test_an_event_of_many_lines_takes_time_in_proportion_to_its_length() -> None:
    line = b'data: {"a": [1, 2, {}\n'
    for closing in (b"", b"data: }\n"):
        data = (line + closing) * 50_000
        began = time.process_time()
        decode([data])
        assert time.process_time() - began < 5


def test_what_came_before_an_endless_line_is_given_first() -> None:
    decoder = EventDecoder(line_limit=13)
    events = iter(decoder.feed(b"data: one\n\ndata: 123456789\n\n"))
    assert next(events) == ServerEvent(None, b"one")
    with pytest.raises(LineTooLong):
        next(events)


def test_a_cut_off_object_on_bare_lines_does_not_swallow_the_stream() -> None:
    data = b'{"a":\ndata: {"b": 1}\n\n'
    assert decode([data]) == [ServerEvent(None, b'{"a":'), ServerEvent(None, b'{"b": 1}')]


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b"\xef\xbb\xbf: hello\r\n\r\ndata: {}\r\n\r\n", []),
        (b"data: {}\r\rdata: {}\r\r", []),
        (b"id: 1\nevent: x\nretry: 5\nunknown: y\ndata: {}\n\n", []),
        (b"data: {}\ndata: {}\n\n", ["blank_line_missing"]),
        (b' data: {"a":1}\n\n', ["line_indented"]),
        (b'{"a": 1}\n', ["bare_line"]),
        (b'error: {"a": 1}\n\n', ["error_field"]),
    ],
)
def test_framing_that_departs_from_the_rules_is_told(data: bytes, codes: list[str]) -> None:
    for pieces in ([data], [data[at : at + 1] for at in range(len(data))]):
        log = RepairLog()
        decoder = EventDecoder(log=log)
        for piece in pieces:
            list(decoder.feed(piece))
        list(decoder.finish())
        assert [repair.code for repair in log.take()] == codes


def read(*payloads: Any) -> list[Delta]:
    """The deltas but for the repairs, which tests of their own hold."""
    return [delta for delta in read_all(*payloads) if not isinstance(delta, RepairDelta)]


def read_all(*payloads: Any) -> list[Delta]:
    reader = DeltaReader()
    deltas = [
        delta
        for payload in payloads
        for delta in reader.read(
            payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        )
    ]
    return deltas + reader.finish()


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields}]}


def test_text_and_reasoning_come_from_every_field_once() -> None:
    assert read(
        delta(reasoning_content="a", reasoning="a"),
        delta(reasoning="b", content=""),
        delta(content="c"),
        delta(content=None, refusal="no"),
        delta(
            content=[
                {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]},
                {"type": "text", "text": "u"},
            ]
        ),
    ) == [
        ReasoningDelta("a"),
        ReasoningDelta("b"),
        TextDelta("c"),
        RefusalDelta("no"),
        ReasoningDelta("t"),
        TextDelta("u"),
    ]


def test_content_as_an_object_becomes_its_json() -> None:
    assert read(delta(content={"title": "ü"})) == [ObjectDelta('{"title": "ü"}')]


def test_only_the_first_choice_counts() -> None:
    choices = [
        {"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"},
        {"index": 0, "delta": {"content": "mine"}},
    ]
    assert read({"choices": choices}, {"choices": []}, {"choices": [{}]}) == [TextDelta("mine")]


def test_the_growing_message_beside_the_delta_is_left_out() -> None:
    choice = {"index": 0, "delta": {"content": "lo"}, "message": {"content": "Hello"}}
    assert read({"choices": [choice]}) == [TextDelta("lo")]


def test_call_fragments_come_as_they_were_sent() -> None:
    assert read(
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]),
        delta(tool_calls=[{"function": {"arguments": {"x": 1}}}]),
        delta(tool_calls={"index": "2", "id": "", "function": {"name": "", "arguments": "{"}}),
        delta(function_call={"name": "old", "arguments": "{}"}),
        delta(function_call={"name": "", "arguments": ""}),
        delta(tool_calls=None),
    ) == [
        ToolCallDelta(0, "a", "f", ""),
        ToolCallDelta(None, None, None, {"x": 1}),
        ToolCallDelta(2, None, None, "{"),
        ToolCallDelta(0, None, "old", "{}"),
    ]


@pytest.mark.parametrize(
    ("original", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("max_tokens", "length"),
        ("function_call", "tool_calls"),
        ("SAFETY", "content_filter"),
        ("Odd", "odd"),
    ],
)
def test_finish_reasons_are_made_normal(original: str, reason: str) -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": original}
    assert read({"choices": [choice]}) == [FinishDelta(reason, original)]


def test_an_empty_finish_reason_is_none() -> None:
    assert read({"choices": [{"index": 0, "delta": {}, "finish_reason": ""}]}) == []


def test_usage_is_found_wherever_it_is() -> None:
    counts = {"prompt_tokens": 3, "completion_tokens": 2}
    details = {"completion_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 6}
    assert read(
        {"choices": [], "usage": None, "x_groq": {"usage": counts}},
        {"choices": [], "usage": {**counts, **details}},
        {"choices": [], "usage": {"queue_time": 0.1}},
    ) == [UsageDelta(3, 2, 5), UsageDelta(3, 2, 6, 1)]


@pytest.mark.parametrize(
    "payload",
    [
        {"error": {"message": "it broke", "code": 500}},
        {"error": "it broke"},
        {"error": {"error": {"message": "it broke"}}},
        {"object": "error", "message": "it broke"},
        {"code": 400, "message": "it broke"},
        {"detail": [{"msg": "it broke"}]},
        {"choices": [{"index": 0, "error": {"message": "it broke"}}]},
    ],
)
def test_a_failure_is_found_in_any_shape_and_ends_the_reading(payload: Any) -> None:
    reader = DeltaReader()
    assert reader.read(json.dumps(delta(content="so far")).encode()) == [TextDelta("so far")]
    told = reader.read(json.dumps(payload).encode())
    assert all(isinstance(delta, RepairDelta) for delta in told)
    assert reader.failure is not None
    assert reader.failure.words == "it broke"
    assert reader.read(json.dumps(delta(content="more")).encode()) == []


def test_an_event_named_error_is_a_failure_even_as_plain_json() -> None:
    reader = DeltaReader()
    reader.read(b'{"message": "it broke"}', "error")
    assert reader.failure is not None
    assert reader.failure.words == "it broke"


@pytest.mark.parametrize(
    "payload", [b"what", b"[1]", b'"text"', b"{" * 5000, b'{"a":' * 5000 + b"1" + b"}" * 5000]
)
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(NotACompletion):
        DeltaReader().read(payload)


def test_nothing_counts_after_the_end_marker() -> None:
    assert read(delta(content="a"), b"[DONE]", delta(content="b")) == [TextDelta("a")]


def test_a_surrogate_pair_split_over_deltas_is_joined() -> None:
    assert read(b'{"choices":[{"delta":{"content":"a\\ud83c"}}]}', delta(content="\udf31b")) == [
        TextDelta("a"),
        TextDelta("🌱b"),
    ]


def test_pairs_of_different_channels_are_not_mixed() -> None:
    deltas = read_all(
        delta(content="\ud83c"),
        delta(reasoning="\ud83c"),
        delta(tool_calls=[{"index": 0, "function": {"arguments": "\ud83c"}}]),
        delta(content="\udf31", reasoning="\udf32"),
        delta(tool_calls=[{"index": 0, "function": {"arguments": "\udf33"}}]),
    )
    assert TextDelta("🌱") in deltas
    assert ReasoningDelta("🌲") in deltas
    assert ToolCallDelta(0, None, None, "🌳") in deltas
    assert not any(isinstance(delta, RepairDelta) for delta in deltas)


@pytest.mark.parametrize(
    ("text", "mended", "code"),
    [
        ("a\ud83cb", "a\ufffdb", "lone_surrogate_replaced"),
        ("a\udf31", "a\ufffd", "lone_surrogate_replaced"),
        ("ab\ud83c", "ab\ufffd", "lone_surrogate_replaced"),
        ("a\x00b", "a\ufffdb", "nul_replaced"),
    ],
)
def test_what_cannot_be_stored_is_replaced_and_told(text: str, mended: str, code: str) -> None:
    deltas = read_all(delta(content=text))
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == mended
    assert [d.code for d in deltas if isinstance(d, RepairDelta)] == [code]


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=60), CUTS)
def test_text_is_the_same_however_it_is_cut_into_deltas(text: str, cuts: list[int]) -> None:
    deltas = read(*(delta(content=piece) for piece in pieces_of(text, cuts)))
    joined = "".join(d.text for d in deltas if isinstance(d, TextDelta))
    assert joined == storable(text)
    joined.encode()


@given(st.lists(st.sampled_from(["a", "ü", "🌱", "\x00", "\ud83c", "\udf31"])), CUTS)
def test_halves_are_joined_or_replaced_whatever_the_cuts(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    deltas = read(*(delta(content=piece) for piece in pieces_of(text, cuts)))
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == storable(text)


def test_storable_json_reaches_keys_and_nested_values() -> None:
    assert storable_json({"\x00": ["\ud83c", {"a": 1, "b": None}]}) == {
        "\ufffd": ["\ufffd", {"a": 1, "b": None}]
    }


def test_a_whole_body_gives_the_deltas_of_its_stream() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"content": "Hello", "reasoning_content": "hm", "tool_calls": [call]}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": usage,
    }
    reader = CompletionReader(whole=True)
    encoded = json.dumps(body, indent=2).encode()
    assert reader.feed(encoded[:20]) == reader.feed(encoded[20:]) == []
    assert reader.finish() == [
        ReasoningDelta("hm"),
        TextDelta("Hello"),
        ToolCallDelta(0, "a", "f", "{}"),
        FinishDelta("tool_calls", "tool_calls"),
        UsageDelta(3, 2, 5),
    ]
    assert reader.complete


def test_an_error_page_has_the_words_of_its_title() -> None:
    assert body_words(b"<html><title>\n502 Bad  Gateway</title></html>") == "502 Bad Gateway"
    assert body_words(b"<html><h1>Bad Gateway</h1></html>") == ""
    assert body_words(b"  no \n model ") == "no model"
    assert body_words(b'{"error":{"message":"no model"}}') == "no model"
    assert body_words(b"") == ""
