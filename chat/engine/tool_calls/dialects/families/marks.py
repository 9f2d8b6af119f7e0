"""Special tokens that are left in the text and say nothing to a person."""

from __future__ import annotations

from functools import partial

from chat.engine.tool_calls.grammar import Place, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting


def swallowed(word: str, *, place: Place = "anywhere", at_end: bool = False) -> Rule:
    """A mark that is left out; `at_end` only where the text or the next token follows it."""
    return Rule(word, partial(_swallow, word=word, at_end=at_end), place, is_call=False)


def swallowed_before_text(word: str) -> tuple[Rule, Rule]:
    """A mark that is left out before an answer; within it, only where words join on to it."""
    return (
        swallowed(word, place="start"),
        Rule(word, partial(_swallow_joined, word=word), is_call=False),
    )


def joins_on(source: Source) -> Waiting[bool]:
    """Whether a mark that was read belongs to what follows: else words go on, about the mark."""
    if (yield from source.is_over()):
        return True
    following = yield from source.peek()
    return following.isalnum() or following in "\r\n<[{"


def _swallow(source: Source, writer: Writer, *, word: str, at_end: bool) -> Waiting[None]:
    yield from source.literal(word)
    if at_end:
        behind = source.at
        yield from source.skip()
        if not (yield from source.is_over()):
            yield from source.literal("<|")
        source.at = behind
    writer.commit()


def _swallow_joined(source: Source, writer: Writer, *, word: str) -> Waiting[None]:
    yield from source.literal(word)
    if not (yield from joins_on(source)):
        raise Disproved
    writer.commit()
