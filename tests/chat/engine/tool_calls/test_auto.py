"""`auto`: what is no call stays text, and is kept back no longer than until that is certain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from chat.engine.tool_calls.dialects import triggers_of
from chat.engine.tool_calls.pieces import Said
from chat.engine.tool_calls.reader import TextReader
from chat.explain.cuts import Cut
from chat.explain.text_answer import read_text
from tests.chat.engine.tool_calls import ordinary_texts
from tests.chat.engine.tool_calls.cases import TOOLS

BLANKS = " \t\r\n"
OPENERS = triggers_of("auto", calls=True, thoughts=True, inside=False)[0].openers
# The marks of code are held, too, until it is known how many there are.
MARKS = ("```", "~~~")
# How many characters may be held at most: a mark, and what of a call stands behind it until a
# character comes that no call has there.
LONGEST = {
    "prose": (ordinary_texts.PROSE, 32),
    "about calls": (ordinary_texts.ABOUT_CALLS, 80),
    "JSON": (ordinary_texts.JSON, 48),
    "markup": (ordinary_texts.MARKUP, 24),
    "code": (ordinary_texts.CODE, 24),
}


def each(texts: Mapping[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("text", texts.values(), ids=texts.keys())


def by_character(text: str) -> Iterator[tuple[str, str]]:
    """What was released and what is held after each character."""
    reader = TextReader(TOOLS)
    released = ""
    for at, character in enumerate(text, start=1):
        for piece in reader.feed(character):
            assert isinstance(piece, Said)
            released += piece.text
        yield released, text[at - reader.held : at]


@each(ordinary_texts.ALL)
@pytest.mark.parametrize("cut", ["whole", "bytes", "random:1", "random:2"])
def test_an_answer_without_calls_stays_what_it_is(text: str, cut: str) -> None:
    answer = read_text(TextReader(TOOLS), Cut.named(cut).pieces(text))
    assert answer.calls == []
    assert answer.reasoning == ""
    assert answer.text == text


@each(ordinary_texts.ALL)
def test_what_is_not_held_was_released(text: str) -> None:
    for at, (released, held) in enumerate(by_character(text), start=1):
        # Blanks at the very beginning wait for a text to stand before.
        assert released + held in (text[:at], text[:at].lstrip(BLANKS))


@each(ordinary_texts.ALL)
def test_what_is_held_begins_like_a_call_or_a_thought(text: str) -> None:
    for _, held in by_character(text):
        assert not held or any(
            word.startswith(held) or held.startswith(word) for word in (*OPENERS, *MARKS)
        )


@pytest.mark.parametrize("kind", LONGEST)
def test_little_is_held(kind: str) -> None:
    texts, longest = LONGEST[kind]
    most = {
        about: max(len(held) for _, held in by_character(text)) for about, text in texts.items()
    }
    assert max(most.values()) <= longest, most


def test_most_characters_of_prose_are_never_held() -> None:
    text = ordinary_texts.PROSE["a plain answer"] * 20
    held = [len(held) for _, held in by_character(text)]
    assert sum(1 for one in held if one) < len(held) / 50


def test_no_text_is_held_longer_than_its_limit() -> None:
    reader = TextReader(TOOLS)
    reader.feed('<tool_call>{"arguments": {"plant": "')
    text = "fern " * 10_000
    most = 0
    for at in range(0, len(text), 100):
        reader.feed(text[at : at + 100])
        most = max(most, reader.held)
    assert most <= 16 * 1024 + 200
    assert reader.held < 100
