"""Native tool calls as servers stream them, in every disorder seen or thought of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat.engine.completions import ToolCallDelta
from chat.engine.tool_calls.assembler import ToolCallAssembler
from chat.engine.tool_calls.calls import CallIds
from chat.engine.wire.answer import WireAnswer, WireCall
from chat.engine.wire.reader import CompletionReader
from tests.chat.engine.sse import CALLED, call, calls, codes, delta, read, read_whole, stream


def told(answer: WireAnswer) -> list[tuple[str | None, str | None, Any]]:
    assert all(found.arguments_raw is None for found in answer.tool_calls)
    return [(found.id, found.name, found.arguments) for found in answer.tool_calls]


def test_interleaved_fragments_of_parallel_calls_stay_apart() -> None:
    answer = read(
        calls(call(0, "a", "f", ""), call(1, "b", "g", "")),
        calls(call(1, arguments='{"y"'), call(0, arguments='{"x"')),
        calls(call(0, arguments=":1}")),
        calls(call(1, arguments=":2}")),
        CALLED,
    )
    assert told(answer) == [("a", "f", {"x": 1}), ("b", "g", {"y": 2})]
    assert answer.repairs == ()


def test_interleaved_fragments_without_an_index_are_told_apart_by_their_ids() -> None:
    answer = read(
        calls(call(None, "a", "f", '{"x"')),
        calls(call(None, "b", "g", '{"y"')),
        calls(call(None, "a", None, ":1}")),
        calls(call(None, "b", None, ":2}")),
        CALLED,
    )
    assert told(answer) == [("a", "f", {"x": 1}), ("b", "g", {"y": 2})]
    assert codes(answer) == ["tool_index_missing"]
    assert answer.repair_counts == {"tool_index_missing": 4}


def test_two_calls_with_one_id_stay_two_and_get_ids_of_their_own() -> None:
    for index in ((0, 1), (None, None), (0, 0)):
        answer = read(
            calls(call(index[0], "a", "f", '{"x":1}')),
            calls(call(index[1], "a", "f", '{"x":2}')),
            CALLED,
        )
        assert told(answer) == [("a", "f", {"x": 1}), ("a", "f", {"x": 2})]
        assert "tool_id_reused" in codes(answer)
        assert len(set(call_ids(answer_deltas(index)))) == 2


def answer_deltas(index: tuple[Any, Any]) -> bytes:
    return stream(
        calls(call(index[0], "a", "f", '{"x":1}')),
        calls(call(index[1], "a", "f", '{"x":2}')),
        CALLED,
    )


def call_ids(data: bytes) -> list[str]:
    reader, assembler = CompletionReader(), ToolCallAssembler(CallIds())
    for read_delta in [*reader.feed(data), *reader.finish()]:
        if isinstance(read_delta, ToolCallDelta):
            assembler.feed(read_delta)
    return [found.call_id for found in assembler.finish()]


def test_a_whole_call_that_is_sent_again_is_one_call() -> None:
    for index in (0, None):
        whole = calls(call(index, "a", "f", '{"x":1}'))
        answer = read(whole, whole, CALLED)
        assert told(answer) == [("a", "f", {"x": 1})]
        assert "args_repeated" in codes(answer)


def test_the_same_index_with_another_id_is_another_call() -> None:
    answer = read(
        calls(call(0, "a", "f", '{"x":1}')),
        calls(call(0, "b", "f", '{"x"')),
        calls(call(0, None, None, ":2}")),
        CALLED,
    )
    assert told(answer) == [("a", "f", {"x": 1}), ("b", "f", {"x": 2})]
    assert codes(answer) == ["tool_index_reused"]


def test_an_id_that_changes_with_every_fragment_is_no_new_call() -> None:
    answer = read(
        calls(call(0, "a", "f", '{"x"')),
        calls(call(0, "b", None, ":")),
        calls(call(0, "c", None, "1}")),
        CALLED,
    )
    assert told(answer) == [("a", "f", {"x": 1})]
    assert codes(answer) == ["tool_id_changed"]


def test_gaps_in_the_index_make_no_calls() -> None:
    answer = read(calls(call(1, "a", "f", "{}")), calls(call(5, "b", "g", "{}")), CALLED)
    assert told(answer) == [("a", "f", {}), ("b", "g", {})]
    assert codes(answer) == ["tool_index_gap"]
    assert answer.repair_counts == {"tool_index_gap": 2}


@pytest.mark.parametrize(
    ("index", "told_codes"),
    [("0", ["tool_index_text"]), (True, ["tool_index_missing"]), (-1, ["tool_index_gap"])],
)
def test_an_index_that_is_no_number_from_zero_on_is_read(index: Any, told_codes: list[str]) -> None:
    answer = read(
        calls(call(index, "a", "f", '{"x"')), calls(call(index, None, None, ":1}")), CALLED
    )
    assert told(answer) == [("a", "f", {"x": 1})]
    assert codes(answer) == told_codes


@pytest.mark.parametrize(
    ("names", "name", "told_codes"),
    [
        (["get_weather", None], "get_weather", []),
        (["get_weather", ""], "get_weather", []),
        (["get_", "weather"], "get_weather", ["name_split"]),
        (["get_weather", "get_weather"], "get_weather", ["name_repeated"]),
        (["get_", "get_weather"], "get_weather", ["name_repeated"]),
        (["n" * 100, "n" * 200], "n" * 128, ["name_repeated", "name_cut"]),
        ([None, None], None, ["name_missing"]),
    ],
)
def test_names_are_joined_or_taken_once(
    names: list[str | None], name: str | None, told_codes: list[str]
) -> None:
    answer = read(
        *(calls(call(0, "a", one, "")) for one in names), calls(call(0, None, None, "{}")), CALLED
    )
    assert told(answer) == [("a", name, {})]
    assert codes(answer) == told_codes


@pytest.mark.parametrize(
    ("arguments", "parsed", "told_codes"),
    [
        ({"x": 1}, {"x": 1}, ["args_not_object"]),
        ([1, 2], [1, 2], ["args_not_object"]),
        (7, 7, ["args_not_object"]),
        (False, False, ["args_not_object"]),
        ({}, {}, ["args_not_object"]),
        ([], {}, ["args_not_object"]),
        (None, {}, ["args_empty"]),
        ("", {}, ["args_empty"]),
        (" ", {}, ["args_empty"]),
        ("null", None, []),
        ('"{}"', "{}", []),
    ],
)
def test_arguments_of_every_kind_are_read(
    arguments: Any, parsed: Any, told_codes: list[str]
) -> None:
    answer = read(calls(call(0, "a", "f", arguments)), CALLED)
    assert told(answer) == [("a", "f", parsed)]
    assert codes(answer) == told_codes


def test_an_object_after_pieces_of_text_takes_their_place() -> None:
    answer = read(calls(call(0, "a", "f", '{"x"')), calls(call(0, None, None, {"x": 1})), CALLED)
    assert told(answer) == [("a", "f", {"x": 1})]
    assert codes(answer) == ["args_not_object", "args_replaced"]


def test_an_empty_object_before_the_pieces_of_the_real_one_is_none() -> None:
    answer = read(
        calls(call(0, "a", "f", "{}")),
        calls(call(0, None, None, '{"x"')),
        calls(call(0, None, None, ":1}")),
        CALLED,
    )
    assert told(answer) == [("a", "f", {"x": 1})]
    assert codes(answer) == ["args_replaced"]


@pytest.mark.parametrize("field", ["parameters", "args", "input"])
def test_arguments_under_another_name_are_read_there(field: str) -> None:
    fragment = {"index": 0, "id": "a", "function": {"name": "f", field: '{"x":1}'}}
    answer = read(calls(fragment), CALLED)
    assert told(answer) == [("a", "f", {"x": 1})]
    assert codes(answer) == ["args_elsewhere"]


def test_a_call_without_a_function_is_read_from_the_call_itself() -> None:
    answer = read(calls({"index": 0, "id": 7, "name": "f", "arguments": '{"x":1}'}), CALLED)
    assert told(answer) == [("7", "f", {"x": 1})]
    assert codes(answer) == ["tool_call_flat"]


def test_calls_as_one_object_and_the_old_field_are_read() -> None:
    one = read(delta(tool_calls=call(0, "a", "f", "{}")), CALLED)
    assert (told(one), codes(one)) == ([("a", "f", {})], ["tool_calls_object"])
    old = read(
        delta(function_call={"name": "f", "arguments": ""}),
        delta(function_call={"arguments": '{"x"'}),
        delta(function_call={"arguments": ":1}"}),
        delta("function_call", function_call={"name": "", "arguments": ""}),
    )
    assert told(old) == [(None, "f", {"x": 1})]
    assert codes(old) == ["function_call_legacy", "tool_id_missing"]


def test_calls_without_ids_and_index_are_told_apart_by_their_names() -> None:
    answer = read(
        calls(call(None, None, "f", '{"x":1}'), call(None, None, "f", '{"x":2}')),
        calls(call(None, None, "g", '{"y"')),
        calls(call(None, None, "g", ":3}")),
        CALLED,
    )
    assert told(answer) == [(None, "f", {"x": 1}), (None, "f", {"x": 2}), (None, "g", {"y": 3})]
    assert codes(answer) == ["tool_index_missing", "tool_id_missing", "name_repeated"]


def test_an_id_that_comes_late_is_that_of_the_call() -> None:
    for index in (0, None):
        answer = read(
            calls(call(index, None, "f", "")), calls(call(index, "late", None, "{}")), CALLED
        )
        assert told(answer) == [("late", "f", {})]
        assert [code for code in codes(answer) if code != "tool_index_missing"] == [
            "tool_id_missing",
            "tool_id_late",
        ]


def test_a_repair_holds_the_chunk_that_first_caused_it() -> None:
    first, second = calls(call(0, None, "f", {"x": 1})), calls(call(1, None, "g", {"y": 2}))
    answer = read(first, second, CALLED)
    assert [json.loads(repair.raw) for repair in answer.repairs] == [first, first]
    assert answer.repair_counts == {"tool_id_missing": 2, "args_not_object": 2}


def test_in_a_whole_body_every_entry_is_a_call_whatever_index_it_says() -> None:
    entries = [call(0, "a", "f", "{}"), call(0, "b", "f", "{}"), call(9, "b", "f", "{}")]
    entries.append({"id": "c", "function": {"name": "g", "arguments": {"x": 1}}})
    body = {"choices": [{"message": {"tool_calls": entries}, "finish_reason": "tool_calls"}]}
    answer = read_whole(json.dumps(body).encode(), whole=True)
    assert told(answer) == [("a", "f", {}), ("b", "f", {}), ("b", "f", {}), ("c", "g", {"x": 1})]
    assert codes(answer) == ["tool_id_reused", "args_not_object"]


def test_halves_of_characters_in_arguments_are_joined() -> None:
    answer = read(
        calls(call(0, "a", "f", '{"x":"\ud83c')), calls(call(0, None, None, '\udf31"}')), CALLED
    )
    assert answer.tool_calls == (WireCall("a", "f", {"x": "🌱"}),)
    assert answer.repairs == ()


def test_endless_indexes_and_endless_arguments_stay_bounded() -> None:
    many = read(*(calls(call(n, f"id{n}", "f", "\ud83c")) for n in range(400)), CALLED)
    assert len(many.tool_calls) == 64
    assert "too_many_tool_calls" in codes(many)
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    nested = read(calls(call(0, "a", "f", deep)), CALLED)
    assert nested.broken is not None or len(nested.tool_calls) == 1
