"""Broken arguments are mended where there is one way to do it, and never otherwise."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.tool_calls.mending import MENDED_LIMIT, mend_arguments, written_otherwise

ANY: dict[str, Any] = {"type": "object"}
PLACE: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=6), JSON, max_size=5)
# What nearly-JSON is made of.
SCRAPS = st.lists(
    st.sampled_from(
        [
            *"{}[]:,\"'\\`“”‘’-.0123 \t\n",
            *("true", "None", "city", "x", "```json\n", "\\u00e9", "\\n"),
            *('{"a": ', '", "b": "', "'}", '"}', "\ud83d", "\x00"),
        ]
    ),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("{'city': 'Lyon', 'days': 2}", {"city": "Lyon", "days": 2}),
        ('{"city": "Lyon", "days": 2,}', {"city": "Lyon", "days": 2}),
        ('{city: "Lyon", days: 2}', {"city": "Lyon", "days": 2}),
        ('{"city": Lyon}', {"city": "Lyon"}),
        ('{"city": "Lyon" "days": 2}', {"city": "Lyon", "days": 2}),
        ('{"city": "Lyon", "days": 2}}', {"city": "Lyon", "days": 2}),
        ('{"city": "Lyon"', {"city": "Lyon"}),
        ('```json\n{"city": "Lyon",}\n```', {"city": "Lyon"}),
        ('"{\\"city\\": \\"Lyon\\"}"', {"city": "Lyon"}),
        ("{“city”: “Lyon”}", {"city": "Lyon"}),
        ('{"city": "Lyon\nand Rome"}', {"city": "Lyon\nand Rome"}),
        ('{"city": "the "old" Lyon"}', {"city": 'the "old" Lyon'}),
        ("{'city': 'L\\'Aquila'}", {"city": "L'Aquila"}),
        ('{"city": "\\ud83c\\udfd9",}', {"city": "🏙"}),
    ],
)
def test_slips_of_the_pen_are_mended(raw: str, meant: dict[str, Any]) -> None:
    mended = mend_arguments(raw, PLACE)
    assert mended is not None
    assert mended.arguments == meant


@pytest.mark.parametrize(
    "raw",
    [
        # Cut off in a text, a value, a name, after a comma, in a list, in an inner object.
        '{"city": "Lyo',
        '{"city": "Lyon", "days": 1',
        '{"city": "Lyon", "da',
        '{"city": "Lyon",',
        '{"city": "Lyon", "tags": ["a"',
        '{"city": "Lyon", "near": {"x": "y"',
        "{",
        # Which quote closes is anybody's guess.
        '{"city": "Lyon, "days": 2}',
        '{"city": "Lyon" and "Rome"}',
        # Something would be dropped, or invented.
        '{"city": "Lyon", "city": "Rome",}',
        '{"city": , "days": 2}',
        'The city is {"city": "Lyon",}',
        '{"city": "Lyon",} and more',
        '{"city": "Lyon"} {"city": "Rome"}',
        '{"city": New York}',
        '{"city": undefined}',
        '{"city": "C:\\Users",}',
        '{"days": 0x1F,}',
        "",
        "Lyon",
        "[1, 2,]",
    ],
)
def test_what_can_be_read_in_two_ways_is_left_alone(raw: str) -> None:
    assert mend_arguments(raw, ANY) is None


def test_a_mend_has_to_fit_the_schema() -> None:
    raw = "{'town': 'Lyon'}"
    assert mend_arguments(raw, ANY) is not None
    assert mend_arguments(raw, PLACE) is None


@pytest.mark.parametrize("raw", ["null", "None", '""', "[]"])
def test_nothing_at_all_is_no_arguments_where_none_are_needed(raw: str) -> None:
    mended = mend_arguments(raw, ANY)
    assert mended is not None
    assert mended.arguments == {}
    assert mend_arguments(raw, PLACE) is None


def test_a_missing_brace_is_a_doubt_where_the_answer_may_have_been_cut() -> None:
    assert mend_arguments('{"city": "Lyon"', PLACE) is not None
    assert mend_arguments('{"city": "Lyon"', PLACE, may_be_cut=True) is None
    assert mend_arguments('{"city": "Lyon",}', PLACE, may_be_cut=True) is not None


def test_a_mend_says_how_each_value_was_written() -> None:
    raw = "{'city': 'Lyon', \"days\": 2, 'sure': True}"
    mended = mend_arguments(raw, ANY)
    assert mended is not None
    assert mended.was == {"city": "'Lyon'", "sure": "True"}
    assert written_otherwise(raw) == mended.was


def test_one_and_true_are_not_the_same() -> None:
    mended = mend_arguments("{'a': 1, 'b': True}", ANY)
    assert mended is not None
    assert json.dumps(mended.arguments) == '{"a": 1, "b": true}'


@given(OBJECTS)
def test_a_json_object_is_never_mended(value: dict[str, Any]) -> None:
    assert mend_arguments(json.dumps(value), ANY) is None
    assert mend_arguments(json.dumps(value, ensure_ascii=False, indent=1), ANY) is None


@given(OBJECTS, st.sampled_from(["'", "python", "comma", "fence", "brace"]))
def test_what_is_mended_is_what_was_meant(value: dict[str, Any], slip: str) -> None:
    text = json.dumps(value, ensure_ascii=False)
    raw = {
        "'": repr(value),
        "python": repr(value).replace("'", '"'),
        "comma": text[:-1] + ",}",
        "fence": f"```json\n{text[:-1]},}}\n```",
        "brace": text[:-1],
    }[slip]
    mended = mend_arguments(raw, ANY)
    if mended is not None and slip != "python":
        # NUL and lone surrogates cannot be stored; tools.arguments has replaced them.
        assert mended.arguments == json.loads(text.replace("\\u0000", "\ufffd"))


@given(SCRAPS)
def test_nothing_that_is_written_raises_and_nothing_is_invented(raw: str) -> None:
    mended = mend_arguments(raw, ANY)
    if mended is not None and raw.strip() not in ("null", "None"):
        said = json.dumps(mended.arguments, ensure_ascii=False)
        assert letters(said) == letters(raw.replace("json", ""))


def letters(text: str) -> list[str]:
    """What is left of a text without anything that a mend may change."""
    text = text.replace("\\u00e9", "é").replace("\\n", "").replace("None", "null")
    return [character for character in text if character.isalnum()]


@pytest.mark.parametrize("seed", range(3))
def test_its_time_is_bounded_whatever_comes(seed: int) -> None:
    draw = random.Random(seed)
    kinds = [
        "".join(draw.choices("{}[]\"',: ab1\\\n", k=65_536)),
        '{"a": "' + '"' * 65_536,
        '{"a": "' + 'x "y" ' * 4_000 + 'z"}',
        "{" + ", ".join(f"k{n}: v" for n in range(2_000)) + "}",
        "{'a': [" + "'x', " * 4_800 + "]}",
        '{"a": "x" ' + " " * 65_536 + "b",
        "{" * 65_536,
        "```" * 20_000,
    ]
    for raw in kinds:
        began = time.perf_counter()
        mend_arguments(raw, ANY)
        mend_arguments(raw[:MENDED_LIMIT], ANY)
        assert time.perf_counter() - began < 2, raw[:40]
