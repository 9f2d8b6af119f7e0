"""Python literals written on as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.tool_calls.dialects.families.python_literals import json_of

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    SCALARS | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=20,
)


def as_json(value: Any) -> Any:
    """What JSON makes of a Python value: tuples are lists."""
    return json.loads(json.dumps(value))


@given(VALUES)
def test_what_python_writes_is_read(value: Any) -> None:
    written = json_of(repr(value))
    assert written is not None
    assert json.loads(written) == as_json(value)


@given(VALUES)
def test_what_json_writes_is_read(value: Any) -> None:
    written = json_of(json.dumps(value))
    assert written is not None
    assert json.loads(written) == as_json(value)


@given(st.text("[](){}'\"\\,: \n0x1e-.TrueNone", max_size=30))
def test_anything_is_read_as_json_or_refused(text: str) -> None:
    written = json_of(text)
    if written is not None:
        json.loads(written)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(1)", 1),
        ("(1,)", [1]),
        ("()", []),
        ("{1, 'a'}", [1, "a"]),
        ("{1: None, True: 2}", {"1": None, "true": 2}),
        ("'a' \"b\"\n'''c'''", "abc"),
        (r"r'C:\n' '\n'", "C:\\n\n"),
        (r"b'x' u'\x41\u00e9\U0001F331\101\z'", "xAé🌱A\\z"),
        (r"'\ud83c\udf31'", "🌱"),
        ("1_000", 1000),
        ("-0x1f", -31),
        (".5", 0.5),
        ("+1e3", 1000.0),
        ("[1, 2,]", [1, 2]),
    ],
)
def test_notations_of_python(text: str, value: Any) -> None:
    written = json_of(text)
    assert written is not None
    assert json.loads(written) == value


@pytest.mark.parametrize(
    "text",
    ["", "name", "f()", "[1", "'a", "1 2", "[1 2]", "{'a'}:", "1e999x", "[" * 200 + "]" * 200],
)
def test_what_is_no_literal_is_refused(text: str) -> None:
    assert json_of(text) is None
