"""A model's plain text, read to its end or as far as it came: what was said, thought, called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class WrittenCall:
    """A call found in the text, as far as it has come."""

    position: int
    tool: str
    upstream_id: str | None
    dialect: str
    raw_arguments: str = ""
    source: str = ""
    complete: bool = False
    repairs: tuple[str, ...] = ()


@dataclass(slots=True)
class TextAnswer:
    """What came out of one text."""

    text: str = ""
    reasoning: str = ""
    calls: list[WrittenCall] = field(default_factory=list)
    mended: list[Mended] = field(default_factory=list)


class TextAnswerBuilder:
    """Puts the pieces of a TextReader together."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._thought: list[str] = []
        self._calls: dict[int, WrittenCall] = {}
        self._arguments: dict[int, list[str]] = {}
        self._mended: list[Mended] = []

    def add(self, pieces: Iterable[Piece]) -> None:
        """More pieces, in the order in which they came."""
        for piece in pieces:
            match piece:
                case Said(text):
                    self._said.append(text)
                case Thought(text):
                    self._thought.append(text)
                case CallBegun(position, tool, upstream_id, dialect):
                    self._calls[position] = WrittenCall(position, tool, upstream_id, dialect)
                    self._arguments[position] = []
                case CallArguments(position, text):
                    self._arguments[position].append(text)
                case CallEnded():
                    call = self._calls[piece.position]
                    self._arguments[piece.position] = [piece.raw_arguments]
                    call.source, call.complete = piece.source, piece.complete
                    call.repairs = piece.repairs
                case Mended():
                    self._mended.append(piece)

    def answer(self) -> TextAnswer:
        """Everything so far."""
        for position, call in self._calls.items():
            call.raw_arguments = "".join(self._arguments[position])
        return TextAnswer(
            text="".join(self._said),
            reasoning="".join(self._thought),
            calls=[self._calls[position] for position in sorted(self._calls)],
            mended=self._mended,
        )


def read_text(reader: TextReader, pieces: Iterable[str], *, ended: bool = True) -> TextAnswer:
    """Feed the pieces; without `ended` what a viewer sees while the stream still runs."""
    builder = TextAnswerBuilder()
    for piece in pieces:
        builder.add(reader.feed(piece))
    if ended:
        builder.add(reader.finish())
    return builder.answer()
