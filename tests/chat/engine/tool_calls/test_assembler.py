"""Fragments to calls: joined where they belong together, never merged where they do not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.completions import RepairDelta, ToolCallDelta
from chat.engine.tool_calls.assembler import (
    ARGUMENTS_LIMIT,
    CALLS_LIMIT,
    CallProgress,
    ToolCallAssembler,
)
from chat.engine.tool_calls.calls import AssembledCall, CallIds

OURS = re.compile(r"call_[0-9a-f]{24}")


def fragment(
    index: int | None = None,
    id: str | None = None,
    name: str | None = None,
    arguments: str | dict[str, Any] | None = None,
) -> ToolCallDelta:
    return ToolCallDelta(index, id, name, arguments)


def assemble(*deltas: ToolCallDelta, used: tuple[str, ...] = ()) -> list[AssembledCall]:
    assembler = ToolCallAssembler(CallIds(used))
    progress = [step for delta in deltas for step in assembler.feed(delta)]
    calls = assembler.finish()
    hold_progress_against(progress, calls)
    return calls


def hold_progress_against(
    progress: list[CallProgress | RepairDelta], calls: list[AssembledCall]
) -> None:
    """What was told on the way joins to what came out."""
    for position, call in enumerate(calls):
        steps = [s for s in progress if isinstance(s, CallProgress) and s.position == position]
        assert {step.call_id for step in steps} <= {call.call_id}
        told = "".join(step.arguments or "" for step in steps)
        if call.arguments_sent and "args_replaced" not in call.repairs:
            assert told == call.raw_arguments


def brief(calls: list[AssembledCall]) -> list[tuple[str | None, str, str]]:
    return [(call.upstream_id, call.tool, call.raw_arguments) for call in calls]


def test_fragments_of_one_index_join() -> None:
    calls = assemble(
        fragment(0, "a", "f", ""),
        fragment(0, None, None, '{"x"'),
        fragment(0, "a", "f", ": 1}"),
    )
    assert brief(calls) == [("a", "f", '{"x": 1}')]
    assert calls[0].call_id == "a"
    assert calls[0].repairs == ("name_repeated",)


def test_interleaved_fragments_of_parallel_calls_stay_apart() -> None:
    calls = assemble(
        fragment(0, "a", "f", '{"x"'),
        fragment(1, "b", "f", '{"y"'),
        fragment(0, None, None, ":1}"),
        fragment(1, None, None, ":2}"),
    )
    assert brief(calls) == [("a", "f", '{"x":1}'), ("b", "f", '{"y":2}')]


def test_gaps_in_the_index_are_no_calls() -> None:
    assert brief(assemble(fragment(3, "a", "f", "{}"), fragment(7, "b", "g", "{}"))) == [
        ("a", "f", "{}"),
        ("b", "g", "{}"),
    ]


def test_another_id_under_the_same_index_is_another_call() -> None:
    calls = assemble(
        fragment(0, "a", "f", '{"x":1}'),
        fragment(0, "b", "f", '{"x"'),
        fragment(0, None, None, ":2}"),
    )
    assert brief(calls) == [("a", "f", '{"x":1}'), ("b", "f", '{"x":2}')]
    assert calls[1].repairs == ("tool_index_reused",)


@pytest.mark.parametrize("second", ["f", "g"])
def test_a_second_whole_call_without_ids_under_one_index_is_another_call(second: str) -> None:
    calls = assemble(fragment(0, None, "f", '{"x":1}'), fragment(0, None, second, '{"x":2}'))
    assert brief(calls) == [(None, "f", '{"x":1}'), (None, second, '{"x":2}')]
    assert OURS.fullmatch(calls[0].call_id)
    assert calls[0].call_id != calls[1].call_id


def test_two_calls_with_one_id_stay_two_with_an_id_of_ours() -> None:
    calls = assemble(fragment(0, "a", "f", '{"x":1}'), fragment(1, "a", "f", '{"x":2}'))
    assert brief(calls) == [("a", "f", '{"x":1}'), ("a", "f", '{"x":2}')]
    assert calls[0].call_id == "a"
    assert OURS.fullmatch(calls[1].call_id)
    assert calls[1].repairs == ("tool_id_reused",)


def test_an_id_used_earlier_in_the_conversation_is_replaced_and_kept() -> None:
    [call] = assemble(fragment(0, "call_0", "f", "{}"), used=("call_0",))
    assert OURS.fullmatch(call.call_id)
    assert call.upstream_id == "call_0"


def test_without_index_ids_and_names_tell_calls_apart() -> None:
    calls = assemble(
        fragment(None, "a", "f", '{"x"'),
        fragment(None, "a", None, ":1"),
        fragment(None, None, None, "}"),
        fragment(None, "b", "f", "{}"),
        fragment(None, None, "g", "{}"),
        fragment(None, "a", None, " "),
    )
    assert brief(calls) == [("a", "f", '{"x":1} '), ("b", "f", "{}"), (None, "g", "{}")]


def test_an_id_that_comes_late_is_kept_beside_ours() -> None:
    [call] = assemble(fragment(0, None, "f", ""), fragment(0, "late", None, "{}"))
    assert OURS.fullmatch(call.call_id)
    assert call.upstream_id == "late"


def test_a_name_split_over_fragments_is_joined() -> None:
    [call] = assemble(
        fragment(0, "a", "get_", None),
        fragment(0, None, "weather", None),
        fragment(0, "a", None, "{}"),
    )
    assert call.tool == "get_weather"


def test_a_name_repeated_whole_is_not_appended() -> None:
    [call] = assemble(
        fragment(0, "a", "f", '{"x"'), fragment(0, "a", "f", ":1}"), fragment(0, "a", "f", "")
    )
    assert (call.tool, call.raw_arguments) == ("f", '{"x":1}')


@pytest.mark.parametrize("arguments", ["", None, {}, "  "])
def test_absent_arguments_are_an_empty_object(arguments: Any) -> None:
    [call] = assemble(fragment(0, "a", "f", arguments))
    assert call.raw_arguments == "{}"
    assert not call.arguments_sent


def test_arguments_as_an_object_become_text() -> None:
    [call] = assemble(fragment(0, "a", "f", {"städte": ["Köln"]}))
    assert call.raw_arguments == '{"städte": ["Köln"]}'
    assert call.repairs == ("args_not_object",)


def test_one_call_under_several_indexes_is_joined_by_its_id() -> None:
    [call] = assemble(
        fragment(0, "a", "f", '{"x"'), fragment(1, "a", None, ":1"), fragment(2, None, None, "}")
    )
    assert call.raw_arguments == '{"x":1}'
    assert call.repairs == ("tool_index_changed",)


def test_a_call_without_a_name_is_a_call_all_the_same() -> None:
    [call] = assemble(fragment(0, "a", None, '{"x":1}'))
    assert call.tool == "unnamed"
    assert call.repairs == ("name_missing",)


def test_an_empty_fragment_is_nothing() -> None:
    assert assemble(fragment(0), fragment(None, None, None, "")) == []


def test_endless_arguments_and_endless_calls_are_bounded() -> None:
    piece = "x" * 1000
    [call] = assemble(fragment(0, "a", "f", "{"), *(fragment(0, None, None, piece),) * 40)
    assert len(call.raw_arguments) <= ARGUMENTS_LIMIT
    assert call.repairs == ("args_cut",)
    assert len(assemble(*(fragment(n, f"id{n}", "f", "{}") for n in range(100)))) == CALLS_LIMIT


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["f", "g", "get_weather"]),
        st.dictionaries(
            st.text("abc", min_size=1), st.integers() | st.text(max_size=5), max_size=3
        ),
    ),
    max_size=5,
)


@given(CALLS, st.data())
def test_calls_under_their_own_indexes_survive_any_interleaving(
    calls: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    queues = []
    for index, (name, arguments) in enumerate(calls):
        text = json.dumps(arguments)
        cut = data.draw(st.integers(0, len(text)))
        head = fragment(index, f"id{index}", name, "")
        rest = [fragment(index, None, None, part) for part in (text[:cut], text[cut:])]
        queues.append([head, *rest])
    deltas = []
    while any(queues):
        deltas.append(data.draw(st.sampled_from([q for q in queues if q])).pop(0))
    assembled = sorted(assemble(*deltas), key=lambda call: call.call_id)
    assert [(call.tool, json.loads(call.raw_arguments)) for call in assembled] == calls


@given(CALLS)
def test_whole_calls_never_merge_whatever_the_index_says(
    calls: list[tuple[str, dict[str, Any]]],
) -> None:
    for index in (0, None):
        assembled = assemble(*(fragment(index, None, n, json.dumps(a)) for n, a in calls))
        assert [(call.tool, json.loads(call.raw_arguments)) for call in assembled] == calls
        assert len({call.call_id for call in assembled}) == len(calls)
