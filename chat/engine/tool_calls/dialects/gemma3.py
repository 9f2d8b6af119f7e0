"""Gemma 3: calls in Python's notation inside a fence of `tool_code`, printed, assigned or bare."""

from __future__ import annotations

import re
from contextlib import suppress

from chat.engine.tool_calls.dialects.families.python_calls import PythonCalls, call
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, OutOfText, Source, Waiting

_OPENER = "```tool_code"
_CLOSER = "```"
_PRINT = "print"
_PREFIXES = ("default_api.", "functions.", "tools.")

_WORD = re.compile(r"[\w.]*")
_BLANKS = re.compile(r"[ \t]*")


def _fence(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    calls = PythonCalls(writer, certain=True)
    while (yield from source.next()) != _CLOSER[0]:
        try:
            is_call = yield from source.attempt(_statement(source, writer, calls))
        except Disproved:
            # It broke within a call.
            writer.end(complete=False)
            yield from _leave_out(source)
            writer.note("text_after_calls")
            break
        if not is_call:
            if not writer.committed:
                raise Disproved
            writer.note("text_after_calls", (yield from _leave_out(source)))
            break
    if not writer.committed:
        raise Disproved
    yield from source.maybe((_CLOSER,))


def _statement(source: Source, writer: Writer, calls: PythonCalls) -> Waiting[None]:
    """One call, perhaps printed, perhaps assigned; disproved where it is anything else."""
    word = yield from _word(source)
    yield from source.skip(_BLANKS)
    if (yield from source.peek()) == "=":
        source.at += 1
        yield from source.skip(_BLANKS)
        word = yield from _word(source)
    is_printed = word == _PRINT and not writer.offer.has(_PRINT)
    if is_printed:
        yield from source.literal("(")
        word = yield from _word(source)
    tool = next((word.removeprefix(p) for p in _PREFIXES if word.startswith(p)), word)
    if not writer.offer.has(tool):
        raise Disproved
    yield from call(source, writer, calls, tool)
    if is_printed:
        yield from source.expect(")")


def _word(source: Source) -> Waiting[str]:
    pieces: list[str] = []
    yield from source.skip(_WORD, pieces.append)
    return "".join(pieces)


def _leave_out(source: Source) -> Waiting[str]:
    """Code round the calls is not run; the repair keeps it."""
    rest: list[str] = []
    with suppress(OutOfText):
        yield from source.until((_CLOSER,), rest.append, keep=True)
    return "".join(rest)


DIALECT = Dialect("gemma3", (Rule(_OPENER, _fence, place="line"),))
