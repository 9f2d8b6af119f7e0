"""The laws of framing, assembly and dialects, for any input; a small part of `bench.fuzz`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.corpus_losses import lost_words
from bench.fuzz import kept, seeded_run
from bench.fuzz_growth import Growth
from bench.fuzz_inputs import FRAGMENTS, NAMED, SEEDS, STREAMS, TOOL_CHOICES, texts_in
from bench.fuzz_laws import (
    assembly_keeps_every_piece,
    framing_is_the_same_in_pieces,
    text_is_the_same_in_pieces,
)
from chat.engine.completions import ToolCallDelta
from chat.explain.text_answer import TextAnswer, WrittenCall

CUTS = st.one_of(st.just("bytes"), SEEDS)


@given(STREAMS, CUTS, st.booleans())
@example(b"\r\ndata: {}\r\r\n\r\ndata", "bytes", False)
@settings(deadline=None)
def test_any_bytes_give_the_same_in_pieces_or_a_typed_error(
    data: bytes, cut: str, whole: bool
) -> None:
    framing_is_the_same_in_pieces(data, cut, whole=whole)


@given(FRAGMENTS)
@settings(deadline=None)
def test_calls_never_merge_or_vanish(fragments: Sequence[ToolCallDelta]) -> None:
    assembly_keeps_every_piece(fragments)


@pytest.mark.parametrize("dialect", ["auto", *NAMED])
@given(data=st.data(), tools=TOOL_CHOICES, cut=CUTS, inside=st.booleans(), thoughts=st.booleans())
@settings(deadline=None, max_examples=40)
def test_any_text_gives_the_same_in_pieces_and_none_of_it_is_lost(
    dialect: str,
    data: st.DataObject,
    tools: Mapping[str, Any] | None,
    cut: str,
    inside: bool,
    thoughts: bool,
) -> None:
    text = data.draw(texts_in(dialect))
    text_is_the_same_in_pieces(text, dialect, tools, cut, inside=inside, thoughts=thoughts)


def test_a_lost_word_is_noticed() -> None:
    raw = 'See: <tool_call>{"name": "water", "arguments": {"plant": "f\\u00e4rn fern"}}</tool_call>'
    call = WrittenCall(0, "water", None, "hermes", '{"plant": "f\\u00e4rn fern"}')
    assert lost_words(raw, TextAnswer(text="See:", calls=[call])) == []
    assert lost_words(raw, TextAnswer(calls=[call])) == ["see"]
    assert "plant" in lost_words(raw, TextAnswer(text="See:"))
    call.raw_arguments = '{"plant": "f\\u00e4rn"}'
    assert lost_words(raw, TextAnswer(text="See:", calls=[call])) == ["fern"]


def test_the_fuzzing_keeps_the_smallest_input_that_breaks_a_law(tmp_path: Path) -> None:
    def law(text: str) -> None:
        assert "<" not in text

    with pytest.raises(AssertionError) as caught:
        seeded_run(law, st.text("ab<", max_size=50))(7)
    kept(tmp_path, "a law", 7, caught.value)
    assert "values=('<',)" in (tmp_path / "a-law-7.txt").read_text("utf-8")


def test_growth_tells_linear_from_quadratic() -> None:
    sizes = (64, 256, 1024)
    assert Growth("linear", (0.1, 0.4, 1.6), sizes).holds
    assert not Growth("quadratic", (0.1, 1.6, 25.6), sizes).holds
    assert not Growth("slow", (10.0, 10.0, 20.0), sizes).holds
    assert Growth("too fast to tell", (0.0, 0.001, 0.01), sizes).ratio is None
