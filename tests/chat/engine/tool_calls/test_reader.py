"""What reading a text releases, withholds and takes for calls, at every cut."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.tool_calls.pieces import (
    CallArguments,
    CallBegun,
    CallEnded,
    Mended,
    Piece,
    Said,
    Thought,
)
from chat.engine.tool_calls.reader import TextReader
from chat.engine.tool_calls.source import HOLD_LIMIT
from tests.chat.engine.cuts import CUTS, pieces_of

TOOLS = {"get_weather": {"properties": {"city": {"type": "string"}}}}
CALL = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'

MARKS = st.sampled_from(
    [
        *("<tool_call>", "</tool_call>", "<think>", "</think>", "<", "`", "```", "~~~", "\n", " "),
        *('{"name": "get_weather", "arguments": {', '"city": "Oslo"', "}", "]", "[", '"', "\\"),
        *("get_weather", "ordinary words", "ä", "😀", "</", "<tool"),
    ]
)
TEXTS = st.lists(MARKS, max_size=25).map("".join)


def read(pieces: list[str], **settings: object) -> list[Piece]:
    reader = TextReader(TOOLS, **settings)  # type: ignore[arg-type]
    return [piece for text in pieces for piece in reader.feed(text)] + reader.finish()


def channels(pieces: list[Piece]) -> dict[str, object]:
    """What the pieces say, however it was cut."""
    arguments: dict[int, str] = {}
    for piece in pieces:
        if isinstance(piece, CallArguments):
            arguments[piece.position] = arguments.get(piece.position, "") + piece.text
    return {
        "said": said(pieces),
        "thought": "".join(piece.text for piece in pieces if isinstance(piece, Thought)),
        "arguments": arguments,
        "rest": [p for p in pieces if isinstance(p, CallBegun | CallEnded | Mended)],
    }


def said(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Said))


@given(TEXTS, CUTS)
def test_cuts_never_change_what_is_read(text: str, cuts: list[int]) -> None:
    assert channels(read(pieces_of(text, cuts))) == channels(read([text]))


@given(TEXTS)
def test_every_call_begun_is_ended_with_the_arguments_that_came(text: str) -> None:
    found = read(list(text))
    begun = [piece.position for piece in found if isinstance(piece, CallBegun)]
    ended = {piece.position: piece for piece in found if isinstance(piece, CallEnded)}
    arguments = channels(found)["arguments"]
    assert isinstance(arguments, dict)
    assert begun == list(range(len(begun))) == sorted(ended)
    for position, end in ended.items():
        assert end.raw_arguments == arguments.get(position, "")


@given(TEXTS)
def test_off_without_thoughts_gives_back_every_character(text: str) -> None:
    assert said(read(list(text), dialect="off", thoughts=False)) == text


@pytest.mark.parametrize(
    "text",
    [
        "Write a < b or a <= b.",
        "A tag like <tool> or <tool_calling> is no call.",
        "See [the page](https://example.org) and [1].",
        f"Quoted: `{CALL}` stays.",
        f"In a block:\n```xml\n{CALL}\n```\nafter it.",
        f"~~~\n{CALL}\n~~~",
        CALL.replace("get_weather", "get_forecast"),
        "<tool_call>{}</tool_call>",
        "<tool_call>",
    ],
)
def test_what_is_no_call_is_said_as_it_came(text: str) -> None:
    assert said(read([text])) == text
    assert said(read(list(text))) == text


def test_text_is_released_at_the_character_that_disproves_it() -> None:
    reader = TextReader(TOOLS, dialect="hermes")
    released = ""
    for at, character in enumerate("ab <tool_cat> c", start=1):
        released += said(reader.feed(character))
        expected = "ab <tool_cat> c"[:at]
        if 4 <= at <= 11:
            assert (released, reader.held) == ("ab ", at - 3)
        else:
            assert (released, reader.held) == (expected, 0)


def test_arguments_stream_as_soon_as_the_tool_is_known() -> None:
    reader = TextReader(TOOLS)
    pieces = reader.feed('<tool_call>{"name": "get_weather", "arguments": {"ci')
    assert pieces == [
        CallBegun(0, "get_weather", None, "hermes"),
        CallArguments(0, '{"ci'),
    ]
    assert reader.held == 0


def test_a_call_that_the_end_cuts_off_ends_incomplete() -> None:
    [*_, end] = read(['<tool_call>{"name": "get_weather", "arguments": {"city": "Os'])
    assert end == CallEnded(
        0,
        '{"city": "Os',
        '<tool_call>{"name": "get_weather", "arguments": {"city": "Os',
        complete=False,
        at_end=True,
    )


def test_text_round_calls_stays_without_their_blanks() -> None:
    assert said(read([f"Let me see.\n{CALL}\n{CALL}\nThere."])) == "Let me see.\n\nThere."
    assert said(read([f"\n{CALL}\n"])) == ""


def test_a_thought_is_told_apart_and_its_calls_are_none() -> None:
    pieces = read([f"<think>\nIf {CALL}\n</think>\n\nNo."])
    assert channels(pieces) == {
        "said": "No.",
        "thought": f"If {CALL}\n",
        "arguments": {},
        "rest": [],
    }


def test_the_template_may_have_opened_the_thought() -> None:
    known = channels(read(["hm</think>Yes."], starts_inside_thinking=True))
    assert (known["thought"], known["said"]) == ("hm", "Yes.")
    unknown = read(["hm</think>Yes."])
    assert said(unknown) == "hmYes."
    assert Mended("thought_unopened", "</think>") in unknown


def test_calls_are_kept_as_text_where_they_are_not_wanted() -> None:
    pieces = read([f"So: {CALL} end"], keep_calls=True)
    assert said(pieces) == f"So: {CALL} end"
    assert any(isinstance(piece, CallEnded) for piece in pieces)


def test_calls_stay_text_once_the_server_reads_them_itself() -> None:
    reader = TextReader(TOOLS)
    reader.expect_no_calls()
    assert said([*reader.feed(CALL), *reader.finish()]) == CALL


def test_without_tools_nothing_is_a_call() -> None:
    reader = TextReader({})
    assert said([*reader.feed(CALL), *reader.finish()]) == CALL


def test_no_more_is_withheld_than_the_limit() -> None:
    reader = TextReader(TOOLS)
    pieces = reader.feed("<tool_call>")
    most = 0
    for _ in range(HOLD_LIMIT):
        pieces += reader.feed("    ")
        most = max(most, reader.held)
    assert most <= HOLD_LIMIT + 4
    assert said(pieces).startswith("<tool_call>")


def test_a_long_argument_takes_no_memory_twice() -> None:
    reader = TextReader(TOOLS)
    reader.feed('<tool_call>{"name": "get_weather", "arguments": {"city": "')
    tracemalloc.start()
    try:
        for _ in range(4096):
            reader.feed("x" * 256)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * 2**20
