"""The starter suite: what it covers, and that its expectations tell right from wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from chat.bench.cases import CATEGORIES, Case
from chat.bench.expectations import judge_trajectory
from chat.bench.findings import verdict
from chat.bench.recorded import Recording
from chat.bench.trajectory import ObservedCall, ObservedTurn
from chat.engine.tool_calls.pieces import Said
from chat.engine.tool_calls.reader import TextReader
from tests.chat.bench.starter import (
    CASES,
    SUITE,
    all_turns,
    answers,
    ideal_calls,
    ideal_turns,
    trajectory,
)
from tools.base import Tool, ToolCall, ToolError, Toolset
from tools.calling import check_call
from tools.output import as_text
from tools.registry import registered_tools

TOOLS: dict[str, Tool] = {tool.name: tool for tool in registered_tools()}
each_case = pytest.mark.parametrize("case", SUITE.cases, ids=[case.id for case in SUITE.cases])
calling_cases = [case for case in SUITE.cases if any(t.expect.calls for t in case.all_turns)]
each_calling_case = pytest.mark.parametrize(
    "case", calling_cases, ids=[c.id for c in calling_cases]
)


def passes(case: Case, turns: list[ObservedTurn]) -> bool:
    return verdict(judge_trajectory(case, trajectory(turns)))[0]


def with_turn(turns: list[ObservedTurn], at: int, turn: ObservedTurn) -> list[ObservedTurn]:
    return [*turns[:at], turn, *turns[at + 1 :]]


def calling_turns(case: Case) -> list[int]:
    return [at for at, turn in enumerate(case.all_turns) if turn.expect.calls]


def some_call(tool: str = "current_time", **arguments: Any) -> ObservedCall:
    return ObservedCall(round=1, call_id="call_more", tool=tool, arguments=arguments)


def test_the_suite_has_its_cases_in_every_category() -> None:
    assert len(SUITE.cases) >= 66
    per_category = Counter(case.category for case in SUITE.cases)
    assert set(per_category) == set(CATEGORIES)
    assert min(per_category.values()) >= 9
    assert max(per_category.values()) <= 2 * min(per_category.values())


def test_every_built_in_tool_is_called_and_is_offered_in_vain() -> None:
    called = {call.tool for _, turn in all_turns() for call in turn.expect.calls}
    idle = {
        tool
        for case in SUITE.cases
        for tool in case.tools or ()
        if all(call.tool != tool for turn in case.all_turns for call in turn.expect.calls)
    }
    built_in = {name for name, tool in TOOLS.items() if "builtin" in tool_module(tool)}
    assert built_in
    assert called == built_in
    assert idle == built_in


def tool_module(tool: Tool) -> str:
    """The module of the function inside what the registry wrapped around it."""
    cells = [cell.cell_contents for cell in tool.function.__closure__ or ()]
    return " ".join(getattr(cell, "__module__", "") or "" for cell in cells)


@each_case
def test_a_case_says_what_it_is_about_and_expects_something(case: Case) -> None:
    assert case.description.strip().endswith(".")
    for turn in case.all_turns:
        expect = turn.expect
        assert expect.calls or expect.no_calls or expect.asks
    if case.category in ("simple", "multiple", "parallel"):
        assert case.all_turns[0].expect.calls
    if case.category == "multi_turn":
        assert 2 <= len(case.all_turns) <= 4
    else:
        assert len(case.all_turns) == 1


def test_the_categories_are_what_they_are_called() -> None:
    for case in SUITE.cases:
        [first, *_] = case.all_turns
        tools = case.tools or []
        match case.category:
            case "simple":
                assert (len(tools), len(first.expect.calls)) == (1, 1), case.id
            case "multiple":
                assert len(tools) > 1, case.id
            case "parallel":
                assert first.expect.parallel, case.id
            case "irrelevance":
                assert first.expect.no_calls, case.id
            case "missing_parameter":
                assert first.expect.asks or first.expect.no_calls, case.id


@each_case
def test_named_tools_and_arguments_exist(case: Case) -> None:
    offered = case.tools or []
    assert set(offered) <= TOOLS.keys()
    assert len(set(offered)) == len(offered)
    assert (case.mode == "chat") == (case.tools is None)
    for turn in case.all_turns:
        assert {*turn.expect.not_called} <= {*offered}
        for call in turn.expect.calls:
            assert call.tool in offered
            assert named(call) <= TOOLS[call.tool].input_schema["properties"].keys()
    for recorded in case.recorded:
        assert recorded.tool in offered
        known = TOOLS[recorded.tool].input_schema["properties"].keys()
        assert {*(recorded.arguments or ()), *recorded.where} <= known


def named(call: Any) -> set[str]:
    inner = call.arguments["properties"] if call.match == "schema" else call.arguments
    return {*inner, *call.where}


@each_calling_case
def test_ideal_calls_are_valid_and_answered_by_the_recording(case: Case) -> None:
    toolset = Toolset(TOOLS[name] for name in case.tools or ())
    recording = Recording(case.recorded)
    for calls in ideal_calls(case):
        for ideal in calls:
            call = ToolCall(ideal.call.call_id, ideal.call.tool, ideal.call.raw_arguments)
            checked = check_call(toolset, call)
            assert checked.valid, checked.errors
            if ideal.recorded.error is not None:
                with pytest.raises(ToolError) as refused:
                    recording.answer(ideal.call.tool, ideal.arguments)
                assert str(refused.value) == ideal.recorded.error
            else:
                told = recording.answer(ideal.call.tool, ideal.arguments)
                assert told == as_text(ideal.recorded.result)


@each_case
def test_what_a_careful_human_calls_right_passes(case: Case) -> None:
    turns = ideal_turns(case)
    for at, good in enumerate(answers(case, "good")):
        assert good
        for text in good:
            said = with_turn(turns, at, replace(turns[at], text=text))
            findings = judge_trajectory(case, trajectory(said))
            assert verdict(findings) == (True, "", ""), text


@each_case
def test_wrong_answers_fail_although_the_calls_are_right(case: Case) -> None:
    turns = ideal_turns(case)
    for at, bad in enumerate(answers(case, "bad")):
        expect = case.all_turns[at].expect
        assert bool(bad) == (expect.text is not None or expect.asks)
        for text in bad:
            assert not passes(case, with_turn(turns, at, replace(turns[at], text=text))), text


@each_calling_case
def test_a_call_that_is_left_out_fails(case: Case) -> None:
    turns = ideal_turns(case)
    for at in calling_turns(case):
        for missing in range(len(turns[at].calls)):
            fewer = turns[at].calls[:missing] + turns[at].calls[missing + 1 :]
            assert not passes(case, with_turn(turns, at, replace(turns[at], calls=fewer)))


@each_case
def test_calls_beyond_those_expected_fail(case: Case) -> None:
    turns = ideal_turns(case)
    for at, turn in enumerate(case.all_turns):
        made = turns[at].calls
        most = turn.expect.count.max if turn.expect.count is not None else None
        room = (len(made) if most is None else most) - len(made)
        again = made[-1] if made else some_call()
        more = (*made, *(replace(again, call_id=f"again_{n}") for n in range(room + 1)))
        assert not passes(case, with_turn(turns, at, replace(turns[at], calls=more)))


@each_calling_case
def test_a_wrong_argument_fails(case: Case) -> None:
    turns = ideal_turns(case)
    for at in calling_turns(case):
        for number, call in enumerate(turns[at].calls):
            for name in call.arguments or {}:
                for wrong in wrong_values(call, name):
                    calls = list(turns[at].calls)
                    calls[number] = replace(call, arguments={**(call.arguments or {}), name: wrong})
                    said = replace(turns[at], calls=tuple(calls))
                    assert not passes(case, with_turn(turns, at, said)), (name, wrong)


def wrong_values(call: ObservedCall, name: str) -> list[Any]:
    """The sign forgotten, the degrees mixed up, another name: what models get wrong."""
    value = (call.arguments or {})[name]
    if name == "plant":
        return ["", "cactus"]
    if isinstance(value, str):
        return ["", "Europe/Moscow", f"{value}1", f"1{value}"]
    other_sign = [-value] if abs(value) > 1 else []
    return [*other_sign, value + 1.5, None, str(value)]


def test_coordinates_where_none_are_wanted_fail() -> None:
    for case_id in ("simple_station_no_arguments", "multiple_station_and_weather"):
        case = CASES[case_id]
        [turn] = ideal_turns(case)
        tracker, *others = turn.calls
        assert tracker.tool == "iss_tracker"
        with_nulls = replace(tracker, arguments={"latitude": None, "longitude": None})
        with_place = replace(tracker, arguments={"latitude": 0, "longitude": 0})
        assert passes(case, [replace(turn, calls=(with_nulls, *others))])
        assert not passes(case, [replace(turn, calls=(with_place, *others))])


def test_parallel_calls_made_one_after_the_other_fail() -> None:
    for case in SUITE.cases:
        if case.category == "parallel":
            [turn] = ideal_turns(case)
            spread = tuple(replace(call, round=n + 1) for n, call in enumerate(turn.calls))
            assert not passes(case, [replace(turn, calls=spread)]), case.id


@each_case
def test_a_stage_that_fails_fails(case: Case) -> None:
    turns = ideal_turns(case)
    for at, turn in enumerate(turns):
        broken = replace(turn, finish="error", error_code="upstream_failed")
        assert not passes(case, with_turn(turns, at, broken))
    assert not passes(case, turns[:-1])


@each_case
def test_good_answers_are_not_read_as_tool_calls(case: Case) -> None:
    schemas = {name: TOOLS[name].input_schema for name in case.tools or ()}
    for good in answers(case, "good"):
        for text in good:
            reader = TextReader(schemas)
            pieces = [*reader.feed(text), *reader.finish()]
            assert all(isinstance(piece, Said) for piece in pieces)
            assert "".join(piece.text for piece in pieces if isinstance(piece, Said)) == text
