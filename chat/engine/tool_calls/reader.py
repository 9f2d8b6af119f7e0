"""A model's visible text to what it says, thinks and calls, whatever the cuts between deltas.

Text that may become a call is withheld, and released at the first character that disproves it.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import Any

from chat.engine.tool_calls.dialects import triggers_of
from chat.engine.tool_calls.grammar import Grammar, Offer, Rule, Writer
from chat.engine.tool_calls.pieces import CallArguments, Piece, Said, Thought
from chat.engine.tool_calls.source import BLANKS, HOLD_LIMIT, Disproved, OutOfText, Source
from chat.engine.tool_calls.visible import VisibleText

_WORD = re.compile(r"\w")


class TextReader:
    """Reads one turn's text: `feed` it, then `finish`.

    Concatenated per channel, what comes out never depends on how the text was cut. `tools` are
    the parameter schemas by name: none offered (an empty mapping) means no calls, None that the
    tools are unknown and any name counts.
    """

    def __init__(
        self,
        tools: Mapping[str, Mapping[str, Any]] | None,
        *,
        dialect: str = "auto",
        starts_inside_thinking: bool = False,
        thoughts: bool = True,
        keep_calls: bool = False,
    ) -> None:
        offer = Offer(tools)
        self._offer = offer
        self._triggers, self._begins = triggers_of(
            dialect,
            calls=not offer.is_empty,
            thoughts=thoughts,
            inside=starts_inside_thinking,
        )
        self._keep_calls = keep_calls
        self._thoughts = thoughts
        self._source = Source()
        self._visible = VisibleText()
        self._pieces: list[Piece] = []
        self._held_blanks: list[str] = []
        self._paused: Grammar | None = None
        self._calls = 0
        self._reading: Generator[None, None, None] | None = self._read()
        self._at_rest = False

    @property
    def held(self) -> int:
        """How many characters are withheld now because they may become a call."""
        return self._source.end - self._source.mark if self._source.bounded else 0

    def feed(self, text: str) -> list[Piece]:
        """What is certain with this piece of text."""
        if (
            self._at_rest
            and not self._visible.is_fresh
            and not self._visible.is_code
            and not self._triggers.may_open(text, self._visible.line_is_blank)
        ):
            # Nearly all text of nearly all answers.
            self._visible.note(text)
            return [Said(text)]
        self._source.append(text)
        return self._advance()

    def finish(self) -> list[Piece]:
        """What the end of the text decides; a call that is still open ends incomplete."""
        self._source.ended = True
        pieces = self._advance()
        self._reading = None
        return pieces

    def expect_no_calls(self) -> None:
        """From here on calls stay text: the server reads them itself."""
        self._triggers = self._triggers.without_calls
        self._source.bars_calls = True

    def _advance(self) -> list[Piece]:
        if self._reading is None:
            return []
        self._at_rest = False
        try:
            next(self._reading)
        except StopIteration:
            self._reading = None
        pieces = _merged(self._pieces)
        # The writer of an open region goes on writing into this list.
        self._pieces.clear()
        return pieces

    def _read(self) -> Generator[None, None, None]:
        source = self._source
        if self._begins is not None:
            if not (yield from self._region(0, (self._begins,))):
                source.at = 0
            source.bounded = False
        while True:
            source.mark = source.at
            if source.at < source.end:
                found = self._triggers.next(source, self._visible)
                self._say(source.text(source.at, found))
                source.at = source.mark = found
                if found < source.end:
                    yield from self._open(found)
            elif source.ended:
                self._say_held_blanks()
                return
            else:
                self._at_rest = True
                yield

    def _open(self, start: int) -> Generator[None, None, None]:
        """At a character that may open something: the first rule that holds, else plain text."""
        source = self._source
        source.at = source.mark = start
        source.bounded = True
        rules = yield from self._triggers.rules_here(source, self._visible)
        source.at = start
        accepted = yield from self._region(start, rules)
        if not accepted:
            yield from self._plain(start)
        source.bounded = False
        source.mark = source.at

    def _plain(self, start: int) -> Generator[None, None, None]:
        """What turned out to be text, or a mark of code."""
        source = self._source
        if source.at <= start:
            source.at = start
            if source.text(start, start + 1) in "`~":
                # How many there are decides what they mean.
                mark = source.text(start, start + 1)
                with suppress(Disproved):
                    yield from source.skip(re.compile(re.escape(mark) + "+"))
            else:
                source.at = start + 1
        self._say(source.text(start, source.at))

    def _region(self, start: int, rules: tuple[Rule, ...]) -> Generator[None, None, bool]:
        """Like `_try`; a thought that something interrupts which is no call goes on after it."""
        source = self._source
        accepted = yield from self._try(start, rules)
        while self._paused is not None:
            paused, self._paused = self._paused, None
            at = source.mark = source.at
            source.bounded = True
            here = yield from self._triggers.rules_here(source, self._visible)
            calls = tuple(rule for rule in here if rule.is_call)
            if not (yield from self._try(at, calls)):
                yield from self._try(at, (Rule("", paused, is_call=False),))
        return accepted

    def _try(self, start: int, rules: tuple[Rule, ...]) -> Generator[None, None, bool]:
        """Whether one of the rules read on from here; `Source.at` is where reading goes on."""
        source = self._source
        furthest = start
        for rule in rules:
            source.at = source.mark = start
            source.bounded = True
            writer = Writer(source, self._offer, self._pieces, rule, self._calls)
            writer.thoughts = self._thoughts
            grammar = rule.grammar(source, writer)
            disproved = False
            try:
                while True:
                    try:
                        next(grammar)
                    except StopIteration:
                        break
                    self._forget(writer)
                    yield
                # A grammar that ends without having found anything swallows what it read.
                writer.commit()
            except Disproved:
                disproved = True
            except OutOfText:
                disproved = True
                if not writer.committed:
                    source.at = start
            if writer.committed:
                untold = writer.untold() if disproved else ""
                writer.end(complete=not disproved)
                self._forget(writer)
                self._calls = writer.calls
                self._visible.after_region(writer.has_said)
                self._held_blanks = ["\n\n"] if writer.parts else []
                if _WORD.search(untold) and not self._keep_calls:
                    # It broke off in what is no call: a person reads it.
                    self._say(untold)
                self._paused = writer.pauses
                return True
            furthest = max(furthest, min(source.at, start + HOLD_LIMIT))
        source.at = furthest
        return False

    def _forget(self, writer: Writer) -> None:
        """Let go of text that a committed grammar has read."""
        source = self._source
        until = source.at if source.saved is None else source.saved
        if writer.committed and until > source.mark:
            text = source.text(source.mark, until)
            writer.keep_evidence(text)
            if self._keep_calls and writer.is_call:
                self._say(text)
            source.mark = until

    def _say(self, text: str) -> None:
        """Text for the person; blanks round calls and thoughts wait for something to separate."""
        if self._visible.is_fresh:
            bare = text.lstrip(BLANKS)
            blanks = text[: len(text) - len(bare)]
            self._held_blanks.append(blanks)
            self._visible.note(blanks)
            if not bare:
                return
            self._say_held_blanks(before_text=True)
            text = bare
        if text:
            self._visible.note(text)
            self._pieces.append(Said(text))

    def _say_held_blanks(self, *, before_text: bool = False) -> None:
        visible = self._visible
        if self._held_blanks and (not visible.had_region or (before_text and visible.has_text)):
            self._pieces.append(Said("".join(self._held_blanks)))
        self._held_blanks.clear()


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one channel, or of one call's arguments, as one."""
    merged: list[Piece] = []
    for _, group in groupby(pieces, _channel):
        first, *more = group
        if more and isinstance(first, Said | Thought | CallArguments):
            text = "".join(piece.text for piece in (first, *more) if isinstance(piece, type(first)))
            merged.append(replace(first, text=text))
        else:
            merged += (first, *more)
    return merged


def _channel(piece: Piece) -> tuple[type, int]:
    return type(piece), getattr(piece, "position", 0)
