"""A tool's return value as the text a model reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tools.output import as_text, capped, clean


class Reading(BaseModel):
    at: datetime
    value: float


@dataclass
class Pair:
    left: int
    right: str


circle: dict[str, Any] = {}
circle["self"] = circle


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is: {}", "as it is: {}"),
        ({"temperature_c": 21.5, "place": "Zürich"}, '{"temperature_c":21.5,"place":"Zürich"}'),
        (None, "null"),
        (True, "true"),
        ([1, 2], "[1,2]"),
        ({1: "a"}, '{"1":"a"}'),
        (2**80, str(2**80)),
        (Pair(1, "x"), '{"left":1,"right":"x"}'),
        (
            Reading(at=datetime(2026, 11, 20, tzinfo=UTC), value=1),
            '{"at":"2026-11-20T00:00:00Z","value":1.0}',
        ),
        ({"path": PurePosixPath("/a")}, '{"path":"/a"}'),
        (frozenset({1}), "[1]"),
        (b"bytes \xff", "bytes \ufffd"),
        ("a\x00b\ud800c\ud83d\ude00", "a\ufffdb\ufffdc😀"),
        ({"a": "\ud800"}, '{"a": "\ufffd"}'),
        (circle, "{'self': {...}}"),
    ],
)
def test_strings_stay_and_everything_else_is_json(value: Any, text: str) -> None:
    assert as_text(value) == text


@given(st.text(st.characters(codec=None)))
def test_a_cleaned_text_can_be_encoded_and_holds_no_nul(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned
    cleaned.encode()
    if "\x00" not in text and json.loads(json.dumps(text)) == text:
        assert clean(cleaned) == cleaned


@given(st.integers(0, 5000), st.integers(1, 3000))
def test_a_capped_text_is_never_longer_than_its_cap(length: int, cap: int) -> None:
    text = "".join(chr(97 + number % 26) for number in range(length))
    content, whole = capped(text, cap)
    assert len(content) <= cap
    if length <= cap:
        assert (content, whole) == (text, None)
    else:
        assert whole == text
        head = content.partition("\n")[0]
        assert text.startswith(head)


def test_the_middle_line_states_how_much_was_left_out() -> None:
    content, _ = capped("a" * 3000 + "b" * 3000, 1000)
    head, line, tail = content.split("\n")
    left_out = 6000 - len(head) - len(tail)
    assert line == f"[… {left_out:,} characters left out …]"
    assert set(head) == {"a"}
    assert set(tail) == {"b"}
