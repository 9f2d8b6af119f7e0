"""How servers word an answer: each habit is read for what it means, and told if it was mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat.engine.completions import UsageDelta
from chat.engine.wire.answer import WireCall
from tests.chat.engine.sse import STOP, codes, delta, event, read, read_whole, stream

USAGE: dict[str, Any] = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_a_plain_answer_has_no_repairs() -> None:
    answer = read(
        delta(role="assistant", content=""),
        delta(content="Hel", role="assistant"),
        delta(content="lo"),
        STOP,
        {"choices": [], "usage": USAGE},
    )
    assert (answer.text, answer.finish_reason, answer.usage) == ("Hello", "stop", USAGE)
    assert answer.counts == UsageDelta(3, 2, 5)
    assert answer.repairs == ()
    assert answer.broken is None


@pytest.mark.parametrize(
    "payload",
    [
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": "none"},
        {},
        {"object": "chat.completion.chunk"},
        {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": [], "finish_reason": 7}]},
        delta(content=None, tool_calls=[], function_call=None, refusal=None),
        delta(tool_calls=[None, "x", {}]),
        delta(content=[None, 5, {"type": "text"}]),
    ],
)
def test_a_chunk_that_holds_nothing_is_nothing(payload: Any) -> None:
    answer = read(delta(content="a"), payload, delta(content="b"), STOP)
    assert (answer.text, answer.finish_reason, answer.errors) == ("ab", "stop", ())
    assert answer.tool_calls == ()


def test_a_choice_without_a_delta_is_told_of_once() -> None:
    nothing = {"choices": [{"index": 0, "delta": None}]}
    answer = read(nothing, nothing, delta(content="a"), nothing, STOP)
    assert codes(answer) == ["delta_missing"]
    assert answer.repair_counts == {"delta_missing": 3}
    assert json.loads(answer.repairs[0].raw) == nothing


@pytest.mark.parametrize("index", [0, None, "0"])
def test_only_the_first_choice_is_read_whatever_its_index_is_written_as(index: Any) -> None:
    mine = {"index": index, "delta": {"content": "mine"}}
    other = {"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}
    answer = read({"choices": [other, mine]}, {"choices": [other]}, STOP)
    assert answer.text == "mine"
    assert codes(answer) == ["further_choices"]


@pytest.mark.parametrize(
    ("content", "text", "reasoning", "refusal", "told"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab", "", None, []),
        (["a", "b"], "ab", "", None, []),
        ([{"type": "output_text", "text": {"value": "a"}}], "a", "", None, []),
        (
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "a"},
            ],
            *("a", "hm", None, []),
        ),
        ([{"type": "thinking", "thinking": "hm", "closed": True}], "", "hm", None, []),
        ([{"type": "reasoning", "text": "hm"}], "", "hm", None, []),
        ([{"type": "refusal", "refusal": "no"}], "", "", "no", []),
        (
            [{"type": "image_url", "image_url": {"url": "data:x"}}, {"type": "text", "text": "a"}],
            *("a", "", None, ["content_part_unknown"]),
        ),
        ({"type": "text", "text": "a"}, "a", "", None, []),
    ],
)
def test_content_as_parts_is_joined(
    content: Any, text: str, reasoning: str, refusal: str | None, told: list[str]
) -> None:
    answer = read(delta(content=content), STOP)
    assert (answer.text, answer.reasoning, answer.refusal) == (text, reasoning, refusal)
    assert codes(answer) == ["content_parts", *told]


def test_content_as_an_object_stands_apart() -> None:
    answer = read(delta(content={"title": "ü"}), STOP)
    assert (answer.text, answer.content_object) == ("", {"title": "ü"})
    assert codes(answer) == ["content_object"]


def test_a_refusal_stands_apart_from_the_text() -> None:
    answer = read(
        delta(content="", refusal=""), delta(refusal="I can"), delta(refusal="not."), STOP
    )
    assert (answer.text, answer.refusal, answer.repairs) == ("", "I cannot.", ())


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_is_read_in_either_field(field: str) -> None:
    answer = read(delta(**{field: "h"}), delta(**{field: "m"}), delta(content="a"), STOP)
    assert (answer.reasoning, answer.text, answer.repairs) == ("hm", "a", ())


def test_reasoning_in_two_fields_is_read_once() -> None:
    answer = read(delta(reasoning_content="hm", reasoning="hm"), delta(content="a"), STOP)
    assert answer.reasoning == "hm"
    assert codes(answer) == ["reasoning_repeated"]


def details(text: str) -> list[dict[str, Any]]:
    return [{"type": "reasoning.text", "text": text}, {"type": "reasoning.encrypted", "data": "x"}]


def test_reasoning_details_count_where_no_other_field_does() -> None:
    beside = read(delta(reasoning="hm", reasoning_details=details("hm")), STOP)
    assert (beside.reasoning, beside.reasoning_details, beside.repairs) == ("hm", "", ())
    after = read(delta(reasoning="hm"), delta(reasoning_details=details("hm")), STOP)
    assert (after.reasoning, after.reasoning_details, after.repairs) == ("hm", "", ())
    alone = read(delta(reasoning_details=details("h")), delta(reasoning_details=details("m")), STOP)
    assert (alone.reasoning, alone.reasoning_details) == ("", "hm")
    assert codes(alone) == ["reasoning_details"]
    hidden = [{"type": "reasoning.encrypted", "data": "x"}]
    assert read(delta(reasoning_details=hidden), STOP).repairs == ()


def test_a_message_that_grows_beside_the_delta_is_left_out() -> None:
    def chunk(piece: str, so_far: str) -> dict[str, Any]:
        choice = {"index": 0, "delta": {"content": piece}, "message": {"content": so_far}}
        return {"choices": [choice]}

    answer = read(chunk("Hel", "Hel"), chunk("lo", "Hello"), STOP)
    assert answer.text == "Hello"
    assert codes(answer) == ["message_beside_delta"]


def test_messages_in_place_of_deltas_are_read_once() -> None:
    def chunk(so_far: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "message": {"content": so_far}}]}

    growing = read(chunk("Hel"), chunk("Hello"), STOP)
    assert growing.text == "Hello"
    assert codes(growing) == ["message_in_stream"]
    pieces = read(chunk("Hel"), chunk("lo"), STOP)
    assert pieces.text == "Hello"
    summed_up = read(delta(content="Hel"), delta(content="lo"), chunk("Hello"), STOP)
    assert summed_up.text == "Hello"
    assert codes(summed_up) == ["message_beside_delta"]


def test_a_whole_body_in_one_event_is_read() -> None:
    message = {
        "role": "assistant",
        "content": "Hello",
        "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
    }
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    answer = read({**body, "usage": USAGE})
    assert (answer.text, answer.finish_reason, answer.usage) == ("Hello", "tool_calls", USAGE)
    assert answer.tool_calls == (WireCall("a", "f", {}),)
    assert codes(answer) == ["message_in_stream"]


def test_text_in_the_choice_itself_is_read() -> None:
    answer = read({"choices": [{"index": 0, "text": "Hello", "finish_reason": "stop"}]})
    assert answer.text == "Hello"
    assert codes(answer) == ["choice_text"]


@pytest.mark.parametrize(
    ("payloads", "usage", "counts", "told"),
    [
        ([{"choices": [], "usage": USAGE}], USAGE, UsageDelta(3, 2, 5), []),
        ([{"usage": USAGE}], USAGE, UsageDelta(3, 2, 5), []),
        ([{"choices": [], "usage": None}], None, None, []),
        ([{"choices": [], "usage": {}}], None, None, []),
        (
            [{"choices": [], "x_groq": {"usage": USAGE}}],
            *(USAGE, UsageDelta(3, 2, 5), ["usage_elsewhere"]),
        ),
        (
            [{"choices": [], "x_groq": {"usage": {"total_tokens": 1}}, "usage": USAGE}],
            *(USAGE, UsageDelta(3, 2, 5), []),
        ),
        (
            [{"choices": [], "x_groq": {"usage": {"total_tokens": 1}}}, {"usage": USAGE}],
            *(USAGE, UsageDelta(3, 2, 5), []),
        ),
        (
            [{"choices": [{"index": 0, "delta": {}, "usage": USAGE}]}],
            *(None, UsageDelta(3, 2, 5), ["usage_elsewhere"]),
        ),
        (
            [{"choices": [], "timings": {"cache_n": 1, "prompt_n": 2, "predicted_n": 4}}],
            *(None, UsageDelta(3, 4, 7), ["usage_elsewhere"]),
        ),
        (
            [{"choices": [], "timings": {"prompt_n": 2, "predicted_n": 4}, "usage": USAGE}],
            *(USAGE, UsageDelta(3, 2, 5), []),
        ),
        (
            [{"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}],
            *(None, UsageDelta(3, 2, 5), ["usage_elsewhere"]),
        ),
        (
            [{"choices": [], "usage": {"prompt_tokens": 3, "total_tokens": 9}}],
            *({"prompt_tokens": 3, "total_tokens": 9}, UsageDelta(3, 6, 9), []),
        ),
        ([{"choices": [], "usage": {"queue_time": 0.1}}], None, None, []),
    ],
)
def test_usage_is_found_wherever_it_is_and_nowhere_else(
    payloads: list[Any], usage: Any, counts: UsageDelta | None, told: list[str]
) -> None:
    answer = read(delta(content="a"), STOP, *payloads)
    assert (answer.usage, answer.counts) == (usage, counts)
    assert codes(answer) == told


def test_the_last_of_many_counts_wins() -> None:
    growing: list[dict[str, Any]] = [
        {
            "choices": [{"index": 0, "delta": {"content": "a"}}],
            "usage": {**USAGE, "total_tokens": n},
        }
        for n in (5, 6, 7)
    ]
    answer = read(*growing, STOP)
    assert answer.usage == {**USAGE, "total_tokens": 7}
    assert codes(answer) == ["usage_cumulative"]
    assert answer.repair_counts == {"usage_cumulative": 2}
    first_only = read({**growing[0]}, delta(content="b"), STOP)
    assert (first_only.text, first_only.usage) == ("ab", {**USAGE, "total_tokens": 5})
    assert first_only.repairs == ()


@pytest.mark.parametrize(
    ("reasons", "sent", "normal", "told"),
    [
        (["stop"], "stop", "stop", []),
        (["stop", "stop"], "stop", "stop", []),
        (["length", "stop"], "stop", "stop", ["finish_reason_changed"]),
        (["eos"], "eos", "stop", ["finish_reason_foreign"]),
        (["STOP"], "STOP", "stop", ["finish_reason_foreign"]),
        (["max_tokens"], "max_tokens", "length", ["finish_reason_foreign"]),
        (["function_call"], "function_call", "tool_calls", []),
        (["", "stop"], "stop", "stop", []),
        ([""], "", None, ["finish_reason_missing"]),
        ([None], None, None, ["finish_reason_missing"]),
    ],
)
def test_finish_reasons_are_kept_as_sent_and_made_normal(
    reasons: list[str | None], sent: str | None, normal: str | None, told: list[str]
) -> None:
    answer = read(delta(content="a"), *(delta(reason) for reason in reasons))
    assert (answer.finish_reason, answer.finish) == (sent, normal)
    assert codes(answer) == told


def test_the_servers_own_reason_is_told_in_words() -> None:
    [repair] = read(delta("eos", content="a")).repairs
    assert "“eos”" in repair.detail
    assert "“stop”" in repair.detail


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (b"data: [DONE]\n\n", []),
        (b"data: [DONE]", []),
        (b"data:[DONE]\n", []),
        (b"[DONE]\n", ["bare_line"]),
        (b'data: "[DONE]"\n\n', []),
        (b"data: [done]\n\n", []),
        (b"data: [DONE]\n\ndata: [DONE]\n\n", []),
        (b"", ["done_missing"]),
        (b": bye\n\n", ["done_missing"]),
    ],
)
def test_the_end_is_known_however_it_is_written(end: bytes, told: list[str]) -> None:
    answer = read(delta(content="a"), STOP, end=end)
    assert (answer.text, codes(answer), answer.broken) == ("a", told, None)


def test_what_comes_after_the_end_is_left_out_and_told() -> None:
    after = event(delta(content="more"))
    answer = read(delta(content="a"), STOP, end=b"data: [DONE]\n\n" + after + after)
    assert answer.text == "a"
    assert codes(answer) == ["data_after_done"]
    assert answer.repair_counts == {"data_after_done": 2}
    assert "more" in answer.repairs[0].raw


def test_an_end_in_the_middle_of_a_line_keeps_what_came_before() -> None:
    answer = read(delta(content="so far"), end=event(delta(content="lost"))[:30])
    assert answer.text == "so far"
    assert answer.broken is not None
    cut_only_at_the_end = read(delta(content="so "), end=event(delta("stop", content="far"))[:-2])
    assert (cut_only_at_the_end.text, cut_only_at_the_end.broken) == ("so far", None)


@pytest.mark.parametrize(
    ("failure", "errors"),
    [
        (event({"error": {"message": "it broke"}}), [{"message": "it broke"}]),
        (event({"error": "it broke"}), ["it broke"]),
        (b'event: error\ndata: {"message": "it broke"}\n\n', [{"message": "it broke"}]),
        (b"event: error\ndata: it broke\n\n", ["it broke"]),
        (
            b'error: {"code": 500, "message": "it broke"}\n\n',
            [{"code": 500, "message": "it broke"}],
        ),
        (b"error: it broke\n\n", ["it broke"]),
        (b'{"error": {"message": "it broke"}}\n', [{"message": "it broke"}]),
        (
            event({"choices": [{"index": 0, "delta": {}, "error": {"message": "it broke"}}]}),
            [{"message": "it broke"}],
        ),
        (
            event({"choices": [{"index": 0, "finish_reason": "error"}], "error": {"code": 1}}),
            [{"code": 1}],
        ),
        (
            event({"object": "error", "message": "it broke"}),
            [{"object": "error", "message": "it broke"}],
        ),
    ],
)
def test_an_error_inside_a_stream_is_found_and_the_text_is_kept(
    failure: bytes, errors: list[Any]
) -> None:
    answer = read(delta(content="so far"), end=failure)
    assert (answer.text, list(answer.errors), answer.broken) == ("so far", errors, None)
    assert "error_in_stream" in codes(answer)
    assert "done_missing" not in codes(answer)


@pytest.mark.parametrize(
    "payload",
    [b"null", b"ping", b"[PING]", b"keep-alive", b'"heartbeat"'],
)
def test_what_keeps_the_connection_awake_is_no_answer(payload: bytes) -> None:
    answer = read(payload, delta(content="a"), payload, STOP)
    assert (answer.text, codes(answer), answer.broken) == ("a", ["idle_data"], None)
    named = b"event: ping\ndata: {}\n\n" + stream(delta(content="a"), STOP)
    assert read_whole(named).repairs == ()


def test_several_chunks_in_one_event_are_read_one_after_another() -> None:
    one, two = (json.dumps(delta(content=text)).encode() for text in "ab")
    for joined in (one + two, one + b"data: " + two, b"[" + one + b"," + two + b"]"):
        answer = read(joined, STOP)
        assert (answer.text, codes(answer)) == ("ab", ["chunks_joined"])


@pytest.mark.parametrize(
    ("data", "text", "code"),
    [
        (b'{"choices":[{"delta":{"content":"a\xffb"}}]}', "a\ufffdb", "invalid_utf8"),
        (b'{"choices":[{"delta":{"content":"a\x01b"}}]}', "a\x01b", "loose_json"),
        (b'{"choices":[{"delta":{"content":"ab"},"logprob":NaN}]}', "ab", "loose_json"),
        (b'{"choices":[{"delta":{"content":"a\\u0000b"}}]}', "a\ufffdb", "nul_replaced"),
        (b'{"choices":[{"delta":{"content":"a\\ud83cb"}}]}', "a\ufffdb", "lone_surrogate_replaced"),
    ],
)
def test_json_that_is_not_strict_is_read_and_told(data: bytes, text: str, code: str) -> None:
    for before in ((), (delta(content=""),)):
        answer = read(*before, data, STOP)
        assert (answer.text, codes(answer)) == (text, [code])


def test_an_event_stream_under_the_content_type_of_json_is_read_as_it_comes() -> None:
    data = b": hello\n\n" + stream(delta(content="a"), STOP)
    answer = read_whole(data, whole=True)
    assert (answer.text, codes(answer), answer.broken) == ("a", ["stream_as_json"], None)


def test_lines_of_json_under_the_content_type_of_json_are_read() -> None:
    lines = [delta(content="a"), delta(content="b"), STOP]
    data = b"\n".join(json.dumps(line).encode() for line in lines)
    answer = read_whole(data, whole=True)
    assert answer.text == "ab"
    assert codes(answer) == ["chunks_joined"]
    among = read_whole(b"Here it comes\n" + data, whole=True)
    assert among.text == "ab"
    assert codes(among) == ["stream_as_json", "bare_line", "done_missing"]


def test_a_whole_body_takes_the_same_habits() -> None:
    message = {
        "content": [{"type": "text", "text": "a"}],
        "refusal": "no",
        "function_call": {"name": "f", "arguments": '{"x":1}'},
    }
    body = {"choices": [{"index": 0, "message": message, "finish_reason": ""}], "usage": USAGE}
    for data in (json.dumps(body), json.dumps(body, indent=2), "\ufeff" + json.dumps(body)):
        answer = read_whole(data.encode(), whole=True)
        assert (answer.text, answer.refusal, answer.finish_reason) == ("a", "no", "")
        assert answer.tool_calls == (WireCall(None, "f", {"x": 1}),)
        assert codes(answer) == [
            "content_parts",
            "function_call_legacy",
            "tool_id_missing",
            "finish_reason_missing",
        ]


def test_nothing_that_comes_makes_the_reading_fail() -> None:
    for data in (b"", b"what", b"data: what\n\n", b"\x00\xff", b"[1]", b"data: [1]\n\n", b"{" * 99):
        for whole in (True, False):
            answer = read_whole(data, whole=whole)
            assert (answer.text, answer.tool_calls) == ("", ())
    assert read_whole(b"data: what\n\n").broken == "no JSON object: what"


def test_arguments_that_are_no_json_are_given_raw() -> None:
    function = {"name": "f", "arguments": '{"x": '}
    answer = read(delta(tool_calls=[{"index": 0, "id": "a", "function": function}]), STOP)
    assert [call.as_record() for call in answer.tool_calls] == [
        {"id": "a", "name": "f", "arguments": None, "arguments_raw": '{"x": '}
    ]
