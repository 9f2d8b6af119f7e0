"""Bare text turned into JSON of the schema's type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chat.engine.tool_calls.dialects.families.schema_types import ANY, types_of
from chat.engine.tool_calls.dialects.families.typed_text import value_text


def written(text: str, *types: str, trims: bool = True, cuts: int = 1) -> tuple[Any, list[str]]:
    """The value that a text becomes, and the pieces of JSON in which it was written."""
    pieces: list[str] = []
    value = value_text(pieces.append, frozenset(types), trims=trims, on_repair=lambda: None)
    step = max(1, len(text) // cuts)
    for at in range(0, len(text), step):
        value.write(text[at : at + step])
    value.close()
    return json.loads("".join(pieces)), pieces


@pytest.mark.parametrize(
    ("text", "types", "value"),
    [
        ("\n42\n", ("string",), "42"),
        ("\r\n a \r\n", ("string",), " a "),
        ("\n\nnull\n\n", ("string",), "\nnull\n"),
        ("\n", ("string",), ""),
        (" 42 ", ("integer",), 42),
        ("42.0", ("integer",), 42),
        ("42.5", ("integer",), 42.5),
        ("7", ("number",), 7),
        ("'7'", ("number",), 7),
        ("TRUE", ("boolean",), True),
        ("None", ("object", "null"), None),
        ("null", ("string", "null"), None),
        ("nullify", ("string", "null"), "nullify"),
        ("42", ("string", "null"), "42"),
        ("42", ("string", "integer"), 42),
        ("{no", ("string", "object"), "{no"),
        ('{"a": 1}', ("string", "object"), {"a": 1}),
        ('"[1, 2]"', ("array",), [1, 2]),
        ('[{\\"a\\": 1}]', ("array",), [{"a": 1}]),
        ("{'a': True}", ("object",), {"a": True}),
        ("soon", ("integer",), "soon"),
        ("", ("integer",), ""),
        ("3", (), 3),
        ("True", (), True),
        ('"a"', (), "a"),
        ("'a'", (), "'a'"),
        ("a\n", (), "a"),
        ("[1, 2", (), "[1, 2"),
        ("NaN", (), "NaN"),
    ],
)
def test_values_by_their_types(text: str, types: tuple[str, ...], value: Any) -> None:
    for cuts in (1, 3, len(text) or 1):
        found, _ = written(text, *types, cuts=cuts)
        assert found == value
        assert type(found) is type(value)


@given(st.text(), st.integers(1, 20))
def test_a_string_is_exactly_what_came(text: str, cuts: int) -> None:
    assert written(text, "string", trims=False, cuts=cuts)[0] == text
    # A carriage return before the template's newline would be the template's, too.
    assume(not text.endswith("\r"))
    assert written(f"\n{text}\n", "string", cuts=cuts)[0] == text


@given(st.text(), st.sampled_from([(), ("string", "null"), ("integer",), ("array", "string")]))
def test_any_text_becomes_json_whatever_the_cuts(text: str, types: tuple[str, ...]) -> None:
    assert written(text, *types)[0] == written(text, *types, cuts=len(text) or 1)[0]


def test_text_that_can_only_be_a_string_is_written_on_at_once() -> None:
    assert len(written("watering the fern in the hall", "string", "null", cuts=10)[1]) > 8
    assert len(written("watering the fern in the hall", cuts=10)[1]) > 8


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "string"}, {"string"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ({"type": "string", "nullable": True}, {"string", "null"}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"integer", "null"}),
        ({"anyOf": [{"type": "integer"}, {}]}, ANY),
        ({"allOf": [{"$ref": "#/$defs/Plant"}, {"description": "x"}]}, {"object"}),
        ({"$ref": "#/$defs/Plant"}, {"object"}),
        ({"$ref": "#/$defs/Nobody"}, ANY),
        ({"$ref": "#/$defs/Itself"}, ANY),
        ({"enum": ["a", 1]}, {"string", "integer"}),
        ({"const": True}, {"boolean"}),
        ({"items": {}}, {"array"}),
        ({}, ANY),
    ],
)
def test_the_types_of_a_schema(schema: dict[str, Any], types: set[str]) -> None:
    root = {
        "$defs": {
            "Plant": {"properties": {"name": {}}},
            "Itself": {"$ref": "#/$defs/Itself"},
        }
    }
    assert types_of(schema, root) == types
