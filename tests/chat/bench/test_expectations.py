"""Expectations, as tables: what was observed, what is expected, what is found."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chat.bench.cases import Case, Expect, read_case
from chat.bench.expectations import judge_trajectory, judge_turn
from chat.bench.findings import Finding, verdict
from chat.bench.trajectory import ObservedCall, ObservedTurn, Trajectory


def call(
    tool: str, arguments: dict[str, Any] | None = None, round: int = 1, **more: Any
) -> ObservedCall:
    fields = {"valid": arguments is not None, **more}
    return ObservedCall(
        round=round, call_id=f"{tool}-{id(arguments)}", tool=tool, arguments=arguments, **fields
    )


def seen(*calls: ObservedCall, text: str = "", **more: Any) -> ObservedTurn:
    return ObservedTurn(text=text, calls=calls, **more)


def judged(expect: dict[str, Any], turn: ObservedTurn) -> list[Finding]:
    return judge_turn(Expect.model_validate(expect), turn)


def outcome(expect: dict[str, Any], turn: ObservedTurn) -> str:
    """Empty where all came true, else the first code."""
    return verdict(judged(expect, turn))[1]


LYON = {"city": "Lyon", "unit": "celsius"}
PARIS = {"city": "Paris", "unit": "celsius"}


def expected(tool: str = "weather", **more: Any) -> dict[str, Any]:
    return {"calls": [{"tool": tool, **more}]}


@pytest.mark.parametrize(
    ("expect", "arguments", "code"),
    [
        (expected(arguments={"city": "Lyon"}), LYON, ""),
        (expected(arguments={"city": "Paris"}), LYON, "WRONG_ARGUMENTS"),
        (expected(arguments={"city": "lyon"}), LYON, "WRONG_ARGUMENTS"),
        (expected(arguments={"city": "Lyon"}, match="exact"), LYON, "WRONG_ARGUMENTS"),
        (expected(arguments=LYON, match="exact"), dict(reversed(LYON.items())), ""),
        (expected(arguments={"n": 5}), {"n": 5.0}, ""),
        (expected(arguments={"n": 0.3}), {"n": 0.1 + 0.2}, ""),
        (expected(arguments={"n": 1}), {"n": True}, "WRONG_ARGUMENTS"),
        (expected(arguments={"n": 10**30}), {"n": 10**30}, ""),
        (expected(arguments={"n": 1}), {"n": 10**400}, "WRONG_ARGUMENTS"),
        (expected(where={"n": {"near": 1, "within": 2}}), {"n": 10**400}, "WRONG_ARGUMENTS"),
        (expected(where={"n": {"max": 2}}), {"n": 10**400}, "WRONG_ARGUMENTS"),
        (expected(arguments={"n": 45.7}), {"n": "45.7"}, "WRONG_ARGUMENTS"),
        (expected(arguments={"n": None}), {}, "WRONG_ARGUMENTS"),
        (expected(arguments={"n": None}), {"n": None}, ""),
        (expected(arguments={"at": {"x": 1}}), {"at": {"x": 1, "y": 2}}, ""),
        (
            expected(arguments={"at": {"x": 1}}, match="exact"),
            {"at": {"x": 1, "y": 2}},
            "WRONG_ARGUMENTS",
        ),
        (expected(arguments={"l": [{"x": 1}]}), {"l": [{"x": 1, "y": 2}]}, ""),
        (expected(arguments={"l": [1, 2]}), {"l": [2, 1]}, "WRONG_ARGUMENTS"),
        (expected(arguments={"city": "Orle\u0301ans"}), {"city": "Orl\u00e9ans"}, ""),
        (expected(match="schema"), {"whatever": 1}, ""),
        (
            expected(
                match="schema",
                arguments={"required": ["n"], "properties": {"n": {"type": "integer"}}},
            ),
            {"n": 5},
            "",
        ),
        (expected(match="schema", arguments={"required": ["n"]}), {}, "WRONG_ARGUMENTS"),
        (expected(where={"n": {"near": 45.7, "within": 0.1}}), {"n": 45.8}, ""),
        (expected(where={"n": {"near": 45.7, "within": 0.1}}), {"n": 45.81}, "WRONG_ARGUMENTS"),
        (expected(where={"n": {"near": 5}}), {"n": 5.0}, ""),
        (expected(where={"n": {"near": 5}}), {"n": "5"}, "WRONG_ARGUMENTS"),
        (expected(where={"n": {"min": 1, "max": 3}}), {"n": 3}, ""),
        (expected(where={"n": {"min": 1, "max": 3}}), {"n": 3.1}, "WRONG_ARGUMENTS"),
        (expected(where={"n": {"min": 1}}), {"n": True}, "WRONG_ARGUMENTS"),
        (expected(where={"city": {"matches": "^L"}}), LYON, ""),
        (expected(where={"city": {"matches": "^l"}}), LYON, "WRONG_ARGUMENTS"),
        (expected(where={"city": {"matches": "^l", "ignore_case": True}}), LYON, ""),
        (expected(where={"city": {"one_of": ["Paris", "Lyon"]}}), LYON, ""),
        (expected(where={"city": {"one_of": ["paris"], "ignore_case": True}}), PARIS, ""),
        (expected(where={"n": {"one_of": [5]}}), {"n": 5.0}, ""),
        (expected(where={"city": {"contains": "yo"}}), LYON, ""),
        (expected(where={"l": {"contains": 2}}), {"l": [1, 2.0]}, ""),
        (expected(where={"l": {"contains": 3}}), {"l": [1, 2]}, "WRONG_ARGUMENTS"),
        (expected(where={"at.0.x": {"near": 1}}), {"at": [{"x": 1}]}, ""),
        (expected(where={"at.1.x": {"near": 1}}), {"at": [{"x": 1}]}, "WRONG_ARGUMENTS"),
        (expected(where={"a.b": {"near": 1}}), {"a.b": 1}, ""),
        (expected(round=1), {}, ""),
        (expected(round=2), {}, "WRONG_ARGUMENTS"),
    ],
)
def test_one_call_is_held_against_what_is_expected(
    expect: dict[str, Any], arguments: dict[str, Any], code: str
) -> None:
    assert outcome(expect, seen(call("weather", arguments))) == code


TWO = {"calls": [{"tool": "w", "arguments": {"city": "Lyon"}}, {"tool": "w"}]}


@pytest.mark.parametrize(
    ("expect", "calls", "code"),
    [
        # The open expectation must not take the only call that the narrow one can have.
        (TWO, [call("w", LYON), call("w", PARIS)], ""),
        (TWO, [call("w", PARIS), call("w", LYON)], ""),
        ({"calls": list(reversed(TWO["calls"]))}, [call("w", LYON), call("w", PARIS)], ""),
        (TWO, [call("w", LYON)], "CALL_MISSING"),
        (TWO, [call("w", PARIS), call("w", PARIS)], "WRONG_ARGUMENTS"),
        (TWO, [call("w", LYON), call("v", PARIS)], "CALL_MISSING"),
        (TWO, [call("w", LYON), call("w", PARIS), call("w", PARIS)], "CALL_COUNT"),
        (TWO | {"count": {"min": 2}}, [call("w", LYON)] * 3, ""),
        (TWO | {"count": {"max": 2}}, [call("w", LYON)] * 3, "CALL_COUNT"),
        (TWO | {"count": {"exactly": 3}}, [call("w", LYON)] * 3, ""),
        ({"count": {"exactly": 0}}, [], ""),
        ({"count": {"min": 1}}, [], "CALL_COUNT"),
        # A call that is not valid answers no expectation, and counts.
        (expected("w"), [call("w", None)], "WRONG_ARGUMENTS"),
        (expected("w"), [call("w", None), call("w", LYON)], "CALL_COUNT"),
        (expected("w"), [], "CALL_MISSING"),
        (TWO | {"order": "as_listed"}, [call("w", LYON), call("w", PARIS)], ""),
        (TWO | {"order": "as_listed"}, [call("w", PARIS), call("w", LYON)], "CALL_ORDER"),
        (TWO | {"parallel": True}, [call("w", LYON), call("w", PARIS)], ""),
        (TWO | {"parallel": True}, [call("w", LYON), call("w", PARIS, 2)], "NOT_PARALLEL"),
        (
            TWO | {"parallel": True, "count": {"min": 2}},
            [call("w", PARIS), call("w", LYON, 2), call("w", PARIS, 2)],
            "",
        ),
        ({"no_calls": True}, [], ""),
        ({"no_calls": True}, [call("w", None)], "UNWANTED_CALL"),
        ({"not_called": ["v"]}, [call("w", LYON)], ""),
        ({"not_called": ["w"]}, [call("w", None)], "UNWANTED_CALL"),
    ],
)
def test_calls_are_assigned_counted_and_put_in_order(
    expect: dict[str, Any], calls: list[ObservedCall], code: str
) -> None:
    assert outcome(expect, seen(*calls)) == code


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Which city do you mean?", True),
        ("Please tell me the city.", True),
        ("I need the name of the city to look that up.", True),
        ("Let me know which town you mean.", True),
        ("You haven’t said where.", True),
        ("Pour quelle ville ?", True),
        ("Bitte nennen Sie mir die Stadt.", True),
        ("¿En qué ciudad?", True),
        ("どの都市ですか？", True),
        ("It is 21 °C in Lyon.", False),
        ("It is 21 °C in Lyon. Is there anything else I can help with?", False),
        ("Done. Would you like to know more?", False),
        ("", False),
    ],
)
def test_an_answer_that_asks_back_is_told_from_one_that_closes(text: str, asks: bool) -> None:
    assert outcome({"asks": True}, seen(text=text)) == ("" if asks else "NOT_ASKED")


def test_asking_and_calling_is_not_asking() -> None:
    assert outcome({"asks": True}, seen(call("w", LYON), text="Which city?")) == "UNWANTED_CALL"


@pytest.mark.parametrize(
    ("text", "expect", "ok"),
    [
        ("It is 21 °C.", {"contains": ["21"]}, True),
        ("It is 21\u00a0°C.", {"contains": ["21 °C"]}, True),
        ("It is −3 °C.", {"contains": ["-3"]}, True),
        ("It’s warm", {"contains": ["It's"]}, True),
        ("LYON", {"contains": ["lyon"]}, False),
        ("LYON", {"contains": ["lyon"], "ignore_case": True}, True),
        ("It is 21 °C.", {"contains": ["21", "22"]}, False),
        ("It is 21 °C.", {"contains_any": ["21", "22"]}, True),
        ("It is 21 °C.", {"contains_any": ["23", "22"]}, False),
        ("It is 21 °C.", {"matches": r"\b2\d\b"}, True),
        ("It is 21 °C.", {"matches": r"^\d"}, False),
        ("I cannot tell.", {"lacks": ["cannot"]}, False),
        ("It is 21 °C.", {"lacks": ["cannot"]}, True),
        ("", {"contains": ["21"]}, False),
    ],
)
def test_the_text_is_held_against_what_is_expected(
    text: str, expect: dict[str, Any], ok: bool
) -> None:
    assert outcome({"text": expect}, seen(text=text)) == ("" if ok else "TEXT")


def test_a_pattern_that_never_ends_is_given_up_in_time() -> None:
    began = time.monotonic()
    text = "a" * 40 + "!"
    findings = judged({"text": {"matches": r"^(a|a|b?a)+$"}}, seen(text=text * 2))
    assert time.monotonic() - began < 5
    assert findings[0].what == "the pattern was given up"


@pytest.mark.parametrize(
    ("expect", "turn", "what", "detail"),
    [
        (
            expected(arguments={"city": "Paris"}) | {"count": {"min": 1}},
            seen(call("clock", {}), call("weather", LYON)),
            "second call used city “Lyon”",
            "expected “Paris”",
        ),
        (expected("w"), seen(call("v", {})), "w was not called", "v"),
        (expected("w"), seen(), "w was not called", "no call was made"),
        (
            expected("w", arguments={"city": "Lyon"}),
            seen(call("w", {})),
            "the call left out city",
            "expected “Lyon”",
        ),
        ({"no_calls": True}, seen(call("w", {})), "1 call, none expected", "w"),
        (
            {"count": {"exactly": 2}},
            seen(call("w", {}), call("w", {}), call("v", None)),
            "3 calls, 2 expected",
            "w, w, v (not valid)",
        ),
        ({"not_called": ["w"]}, seen(call("w", {})), "w was called", "not expected"),
        ({"text": {"contains": ["21"]}}, seen(text="No."), "the text lacks “21”", "“No.”"),
    ],
)
def test_findings_say_in_short_words_what_was_wrong(
    expect: dict[str, Any], turn: ObservedTurn, what: str, detail: str
) -> None:
    wrong = next(finding for finding in judged(expect, turn) if not finding.ok)
    assert (wrong.what, wrong.detail) == (what, detail)


def test_what_came_true_is_told_too() -> None:
    turn = seen(call("w", LYON), call("w", PARIS), text="21 °C in Lyon")
    told = judged(TWO | {"parallel": True, "text": {"contains": ["21"]}}, turn)
    assert [finding.what for finding in told] == [
        "first call is w with city “Lyon”",
        "second call is w",
        "2 valid calls",
        "calls in one round",
        "the text has “21”",
    ]
    assert all(finding.ok and not finding.code for finding in told)


def test_a_stage_that_failed_passes_nothing() -> None:
    turn = seen(finish="error", error_code="upstream_timeout", error_message="It was silent.")
    assert verdict(judged({}, turn)) == (
        False,
        "upstream_timeout",
        "the stage failed (It was silent.)",
    )


def test_no_call_in_a_stage_without_synthesis_is_judged_by_what_is_expected() -> None:
    turn = seen(text="Which city?", finish="error", error_code="no_tool_calls")
    assert outcome({"asks": True}, turn) == ""
    assert outcome({"no_calls": True}, turn) == ""
    assert outcome(expected("w"), turn) == "CALL_MISSING"
    assert outcome({"text": {"contains": ["city"]}}, turn) == "no_tool_calls"


def two_turns() -> Case:
    turns = [
        {"prompt": "a", "expect": {"no_calls": True}},
        {"prompt": "b", "expect": {"text": {"contains": ["yes"]}}},
    ]
    return read_case({"id": "c", "category": "multi_turn", "turns": turns})


def test_each_turn_is_judged_by_its_own_expectations() -> None:
    case = two_turns()
    found = judge_trajectory(case, Trajectory(turns=(seen(), seen(text="no"))))
    assert [(finding.turn, finding.ok) for finding in found] == [(1, True), (2, False)]
    assert str(found[1]) == "turn 2: the text lacks “yes” (“no”)"


def test_a_turn_that_was_not_reached_is_no_success() -> None:
    found = judge_trajectory(two_turns(), Trajectory(turns=(seen(),)))
    assert not verdict(found)[0]
