"""What the fuzzing feeds: bytes like event streams, fragments like calls, texts like dialects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from chat.engine.completions import ToolCallDelta
from chat.engine.tool_calls.dialects import DIALECT_NAMES, DIALECTS
from tests.chat.engine.tool_calls.cases import TOOLS, all_cases

NAMED = tuple(name for name in DIALECT_NAMES if name not in ("auto", "off"))
SEEDS = st.integers(min_value=0, max_value=2**32 - 1).map(lambda seed: f"random:{seed}")

_PAYLOADS = (
    {"choices": [{"index": 0, "delta": {"content": "über 🌱"}}]},
    {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]},
    {"choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": "a"}]}}]},
    {"choices": [{"index": 0, "delta": {"content": "\ud83c"}}]},
    {"choices": [{"index": 0, "delta": {"content": "\udf31\x00"}}]},
    {"choices": [{"index": 1, "delta": {"content": "other"}}]},
    {"choices": [{"index": 0, "message": {"content": "whole"}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}]}}]},
    {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": '{"x":'}}]}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}}]},
    {"choices": [{"delta": {"tool_calls": {"function": {"name": "g", "arguments": {"y": 1}}}}}]},
    {"choices": [{"delta": {"function_call": {"name": "h", "arguments": "{}"}}}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    {"error": {"message": "it broke", "code": 500}},
    {"detail": "not found"},
    {"choices": None},
    {},
)
_FRAMES = (
    *("data: ", "data:", "event: error\n", "event: ping\n", "error: ", ": comment\n", "id: 7\n"),
    *("\n", "\n\n", "\r\n", "\r\n\r\n", "\r", " ", "\ufeff", "retry: 5\n", "data: [DONE]\n\n"),
    *("{", "}", '{\n  "choices": []\n}\n', "null", "[1]", '"text"', "NaN", "<html>"),
)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


_PAYLOAD = st.sampled_from(_PAYLOADS)
_EVENT = st.builds(
    lambda payload, end: _encoded(f"data: {json.dumps(payload)}{end}"),
    _PAYLOAD,
    st.sampled_from(("\n\n", "\r\n\r\n", "\n", "")),
)
STREAMS = st.lists(
    st.one_of(
        _EVENT,
        st.sampled_from(_FRAMES).map(_encoded),
        _PAYLOAD.map(lambda payload: _encoded(json.dumps(payload))),
        st.binary(max_size=6),
    ),
    max_size=25,
).map(b"".join)
"""Bytes that are nearly event streams, or not at all."""

FRAGMENTS = st.lists(
    st.builds(
        ToolCallDelta,
        index=st.sampled_from((None, 0, 0, 1, 2, 7, -1)),
        id=st.sampled_from((None, None, "a", "b", "c" * 200)),
        name=st.sampled_from((None, None, "water", "look_up", "wa", "ter")),
        arguments=st.one_of(
            st.none(),
            st.sampled_from(("", "{", '{"a"', ": 1", "}", "{}", "null", "w", "\ud83c")),
            st.sampled_from(({}, {"a": 1}, [1], 1.5)),
        ),
    ),
    max_size=30,
)
"""Fragments of calls, as wrong as servers make them and worse."""

_BITS = (
    *('{"name": "water", "arguments": {', '"plant": "', '"', "'", "\\", '\\"', "{", "}", "[", "]"),
    *("water", "look_up", "list_plants", "fly", "(", ")", "plant=", "=", ",", ":", ", ", "null"),
    *("True", "None", "1", "-2.5e3", "\n", "\n\n", " ", "`", "```", "```json\n", "~~~", "<", ">"),
    *("</", "<|", "|>", "｜", "▁", "über", "🌱", "\u2028", "\x00", "[]", "{}", "functions.", ":0"),
    *("<think>", "</think>", "[THINK]", "name", "arguments", "parameters", "&lt;", "#", "*", "a"),
)


@lru_cache(maxsize=64)
def marks_of(dialect: str) -> tuple[str, ...]:
    """The words of which texts in a dialect are made: openers, and pieces of our own cases."""
    openers = {rule.opener for rule in DIALECTS[dialect].rules if rule.opener}
    pieces: set[str] = set()
    for name, case in all_cases():
        if name == dialect:
            pieces |= {case.raw, *_parts(case.raw)}
    return tuple(sorted(openers | pieces))


def texts_in(dialect: str) -> st.SearchStrategy[str]:
    """Texts of a dialect's marks, JSON, quotes, tools' names and unicode, in any order."""
    marks = marks_of(dialect) if dialect in DIALECTS else sum(map(marks_of, NAMED), ())
    bit = st.one_of(
        st.sampled_from(marks or ("<",)),
        st.sampled_from(_BITS),
        st.integers(min_value=0, max_value=999).map(lambda n: f" w{n} "),
        st.text(max_size=3),
    )
    return st.lists(bit, max_size=25).map("".join)


TOOL_CHOICES: st.SearchStrategy[Mapping[str, Any] | None] = st.sampled_from(
    (TOOLS, TOOLS, None, {})
)


def _parts(raw: str) -> set[str]:
    """A text cut behind every mark: what dialects are made of, whole words among it."""
    parts: set[str] = set()
    start = 0
    for at, character in enumerate(raw, 1):
        if character in ">]}\n(":
            parts.add(raw[start:at])
            start = at
    return parts | {raw[start:]} - {""}
