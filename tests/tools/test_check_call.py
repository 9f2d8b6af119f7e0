"""What a model is told about a call that is not valid."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.base import CheckedCall, Tool, ToolCall, Toolset
from tools.calling import check_call

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "latitude": {"type": "number", "minimum": -90, "maximum": 90},
        "unit": {"type": "string", "enum": ["c", "f"]},
        "days": {"type": "array", "maxItems": 3, "items": {"type": "integer"}},
        "note": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
        "code": {"type": "string", "pattern": "^[a-z]{2}$", "minLength": 2},
        "place": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
    "required": ["latitude"],
    "additionalProperties": False,
}


def tool(name: str, schema: dict[str, Any]) -> Tool:
    return Tool(name, "A tool.", schema, lambda **_: None, is_async=False)


TOOLS = Toolset(
    [
        tool("measure", SCHEMA),
        tool("now", {"type": "object", "properties": {}, "additionalProperties": False}),
        tool("anything", {"type": "object"}),
        tool("broken", {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}),
    ]
)


def check(raw: str, name: str = "measure") -> CheckedCall:
    return check_call(TOOLS, ToolCall("c1", name, raw))


def test_valid_arguments_come_back_as_an_object() -> None:
    checked = check('{"latitude": 48.86, "days": [1, 2]}')
    assert checked == CheckedCall(checked.call, {"latitude": 48.86, "days": [1, 2]}, True, ())


@pytest.mark.parametrize("raw", ["", "  \n", "{}"])
def test_no_argument_text_counts_as_no_arguments(raw: str) -> None:
    assert check(raw, "now") == CheckedCall(ToolCall("c1", "now", raw), {}, True, ())


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("{}", "The field “latitude” is missing. Expected a number, at least -90 and at most 90."),
        (
            '{"latitude": "91"}',
            "The field “latitude”: expected a number, at least -90 and at most 90, "
            'got the text "91".',
        ),
        (
            '{"latitude": 91}',
            "The field “latitude”: expected a number, at least -90 and at most 90, "
            "got the number 91.",
        ),
        (
            '{"latitude": 1, "unit": "k"}',
            'The field “unit”: expected one of "c", "f", got the text "k".',
        ),
        (
            '{"latitude": 1, "days": [1, true]}',
            "The field “days[1]”: expected a whole number, got the truth value true.",
        ),
        (
            '{"latitude": 1, "days": [1, 2, 3, 4]}',
            "The field “days”: expected at most 3 items, got 4.",
        ),
        (
            '{"latitude": 1, "note": 5}',
            "The field “note”: expected text or null, got the number 5.",
        ),
        (
            '{"latitude": 1, "code": "123"}',
            'The field “code”: expected text like ^[a-z]{2}$, got the text "123".',
        ),
        (
            '{"latitude": 1, "lat": 2}',
            "The field “lat” is not known to measure. "
            "It takes latitude, unit, days, note, code, place.",
        ),
        ('{"latitude": 1, "place": {}}', "The field “place.name” is missing. Expected text."),
        (
            '{"latitude": 1, "place": []}',
            "The field “place”: expected an object, got a list of 0.",
        ),
        ('{"latitude": NaN}', "JSON has no NaN; write a number, or leave the field out."),
        (
            '{"latitude": -Infinity}',
            "JSON has no -Infinity; write a number, or leave the field out.",
        ),
        ('{"latitude": 1e999}', "The number 1e999 is too large to be represented."),
        (
            '{"latitude": 1, "latitude": 2}',
            'The field "latitude" is given twice; give it once.',
        ),
        ("[]", "The arguments must be a JSON object such as {}, not a list of 0."),
        ('"x"', 'The arguments must be a JSON object such as {}, not the text "x".'),
        ("null", "The arguments must be a JSON object such as {}, not null."),
        (
            '{"latitude": ',
            "The arguments are not JSON: Expecting value at line 1, column 14. "
            "Expected a JSON object.",
        ),
    ],
)
def test_an_invalid_call_says_the_field_what_was_expected_and_what_came(
    raw: str, error: str
) -> None:
    checked = check(raw)
    assert not checked.valid
    assert checked.errors == (error,)


def test_an_integer_over_64_bits_is_refused() -> None:
    assert check('{"a": 18446744073709551615}', "anything").valid
    for number in (str(2**64), "-" + str(2**63 + 1), "9" * 5000):
        checked = check(f'{{"a": {number}}}', "anything")
        assert "is too large: 64 bits are taken." in checked.errors[0]


@pytest.mark.parametrize(("levels", "valid"), [(64, True), (65, False), (30_000, False)])
def test_arguments_may_be_nested_64_levels_deep(levels: int, valid: bool) -> None:
    checked = check('{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}", "anything")
    assert checked.valid is valid
    if not valid:
        assert checked.errors == (
            "The arguments are nested too deeply: at most 64 levels are taken.",
        )


def test_very_long_arguments_are_refused_unread() -> None:
    checked = check('{"a":"' + "x" * 70_000 + '"}', "anything")
    assert checked.errors == (
        "The arguments are 70,008 characters long; at most 65,536 are taken.",
    )


def test_an_unknown_tool_is_named_with_the_nearest_known_one() -> None:
    checked = check("{}", "mesure")
    assert checked.errors == (
        "There is no tool named “mesure”. The tools are: measure, now, anything, broken. "
        "The nearest name is measure.",
    )
    none = check_call(Toolset(), ToolCall("c1", "x", ""))
    assert none.errors == ("There is no tool named “x”. No tool is offered.",)


def test_at_most_eight_errors_are_told() -> None:
    raw = json.dumps({f"field{number}": number for number in range(20)})
    assert len(check(raw).errors) == 8


def test_a_schema_that_points_elsewhere_is_not_fetched_and_refuses_the_call() -> None:
    checked = check('{"a": 1}', "broken")
    assert not checked.valid
    assert checked.errors[0].startswith("The arguments could not be checked")


def test_nul_and_lone_surrogates_in_arguments_become_replacement_characters() -> None:
    checked = check('{"a\\u0000": ["\\ud800x", "\\ud83d\\ude00", "b\\u0000"]}', "anything")
    assert checked.arguments == {"a\ufffd": ["\ufffdx", "😀", "b\ufffd"]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
texts = st.text(st.characters(codec=None), max_size=60)
near_json = st.text('{}[]":,\\u0dn 1-9eE.+NaInfinitytruelatitude\n', max_size=80)
near_arguments = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys([*SCHEMA["properties"], "extra"], json_values),
).map(json.dumps)


@settings(max_examples=400)
@given(
    name=st.sampled_from(TOOLS.names()) | texts,
    raw=texts | near_json | json_values.map(json.dumps) | near_arguments,
)
def test_whatever_a_model_writes_is_an_object_or_words(name: str, raw: str) -> None:
    checked = check(raw, name)
    assert checked.valid is (not checked.errors)
    assert len(checked.errors) <= 8
    for error in checked.errors:
        assert error.strip()
        assert "\x00" not in error
        error.encode()
    if checked.valid:
        assert checked.arguments is not None
    if checked.arguments is not None:
        orjson.dumps(checked.arguments)  # The journal can hold it.


@settings(max_examples=200)
@given(latitude=st.floats(-90, 90), days=st.lists(st.integers(0, 9), max_size=3))
def test_every_object_the_schema_allows_is_valid(latitude: float, days: list[int]) -> None:
    given_arguments = {"latitude": latitude, "days": days}
    checked = check(json.dumps(given_arguments))
    assert checked.valid
    assert checked.arguments == given_arguments
