"""The format of cases: what is read, what is refused, and in which words."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chat.bench.cases import BadSuite, load_suite, read_case, suite_yaml

SUITE = """
suite: some
cases:
  - id: one
    prompt: Hello
    recorded:
      - tool: t
        arguments: {at: 12:30, on: 2026-01-31, is: no, code: 007, n: 1.50}
        result: {a: [1]}
    expect:
      calls:
        - tool: t
          where: {latitude: {near: 45.7, within: 0.1}}
      text: {matches: '\\d+'}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(BadSuite) as bad:
        load_suite(text)
    return [str(problem) for problem in bad.value.problems]


def test_a_suite_is_read_and_written_back_as_the_same() -> None:
    suite = load_suite(SUITE)
    assert (suite.name, suite.cases[0].all_turns[0].prompt) == ("some", "Hello")
    assert load_suite(suite_yaml(suite)) == suite


def test_plain_values_are_what_they_look_like() -> None:
    arguments = load_suite(SUITE).cases[0].recorded[0].arguments
    assert arguments == {"at": "12:30", "on": "2026-01-31", "is": "no", "code": "007", "n": 1.5}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("near: 45.7, ", "", "one, expect.calls.0.where.latitude: give within together with near"),
        ("{near: 45.7, within: 0.1}", "{}", "one, expect.calls.0.where.latitude: give one of near"),
        ("id: one", "id: One", "One, id: use lower-case letters"),
        ("  - id: one\n    prompt", "  - prompt", "case 1, id: this is missing"),
        ("prompt: Hello", "prompt: ''", "one, prompt: this is empty"),
        ("prompt: Hello", "prompts: Hello", "one, prompts: there is no such field"),
        ("prompt: Hello", "turns: [{prompt: a}]", "one: write expect into the turns"),
        ("suite: some", "name2: some", "suite: this is missing"),
        ("'\\d+'", "'('", "one, expect.text: matches is no regular expression"),
        ("result: {a: [1]}", "error: ''", "one, recorded.0.error: this is empty"),
        ("        result: {a: [1]}\n", "", "one, recorded.0: give result or error"),
        ("text:", "no_calls: true\n      text:", "one, expect: calls cannot be expected together"),
        ("text:", "not_called: [t]\n      text:", "one, expect: t is in calls and in not_called"),
        ("text:", "parallel: true\n      text:", "one, expect: parallel needs at least two"),
        ("text:", "count: {}\n      text:", "one, expect.count: give exactly, or min, or max"),
        (
            "- tool: t\n          ",
            "- tool: t\n          match: fuzzy\n          ",
            "one, expect.calls.0.match: write partial, exact or schema",
        ),
        (
            "- tool: t\n          ",
            "- tool: t\n          match: schema\n          arguments: {type: 5}\n          ",
            "one, expect.calls.0: arguments is no JSON schema",
        ),
        ("    prompt: Hello", "    prompt: Hello\n    prompt: Bye", "line 6: “prompt” is written"),
        ("Hello", '"\\0"', "line 5: NUL and lone surrogates cannot be stored."),
        ("Hello", '"\\ud800"', "line 5: NUL and lone surrogates cannot be stored."),
        ("Hello", "!!python/object:os.system x", "line 5: could not determine a constructor"),
        ("n: 1.50", "n: !!float .nan", "A value has no place in a case"),
        ("n: 1.50", "n: !!binary aGk=", "A value has no place in a case"),
        ("n: 1.50", "n: !!timestamp 2026-01-01", "A value has no place in a case"),
        ("Hello", "[x: y: z]", "line 5: expected"),
        ("Hello", "*nowhere", "line 5: found undefined alias"),
    ],
)
def test_what_is_wrong_is_told_with_case_and_field(old: str, new: str, problem: str) -> None:
    assert old in SUITE
    assert problems(SUITE.replace(old, new, 1))[0].startswith(problem)


def test_two_cases_of_one_id_are_refused() -> None:
    twice = "suite: s\ncases: [{id: a, prompt: x}, {id: a, prompt: y}]"
    assert problems(twice) == ["two cases have the id a"]


@pytest.mark.parametrize("text", ["", "[]", "5", "suite: x", "suite: x\ncases: []", "a: &a [*a]"])
def test_what_is_no_suite_is_refused(text: str) -> None:
    assert problems(text)


def test_bombs_are_refused_at_once() -> None:
    doubled = "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))
    merged = "\n".join(f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))
    for text in (
        f"a0: &a0 [x, x]\n{doubled}",
        f"a0: &a0 {{x: 1}}\n{merged}",
        "[" * 100_000,
        "x" * 2_000_001,
        f"x: {'9' * 10_000}",
    ):
        began = time.monotonic()
        assert problems(text)
        assert time.monotonic() - began < 5


def test_aliases_may_be_used() -> None:
    text = "suite: s\ncases:\n  - {id: a, prompt: &p Hello}\n  - {id: b, prompt: *p}"
    assert [case.prompt for case in load_suite(text).cases] == ["Hello", "Hello"]


def a_digest(**more: Any) -> str:
    return read_case({"id": "a", "prompt": "x", **more}).digest


def test_a_digest_tells_contents_apart_whatever_their_order() -> None:
    assert a_digest() == read_case({"prompt": "x", "id": "a"}).digest
    assert a_digest() != a_digest(tools=["t"])
