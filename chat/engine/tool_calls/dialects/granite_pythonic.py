"""Granite in Python's notation: a line that is a call of an offered tool, `name(key='value')`."""

from __future__ import annotations

from string import ascii_letters

from chat.engine.tool_calls.dialects.families.python_calls import PythonCalls, call, tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, OutOfText, Source, Waiting


def _read(source: Source, writer: Writer) -> Waiting[None]:
    if writer.offer.names is None:
        raise Disproved
    calls = PythonCalls(writer, certain=False)
    tool = yield from tool_name(source, writer)
    yield from call(source, writer, calls, tool, calls.settle)
    if not (yield from _line_ends(source)):
        raise Disproved
    calls.settle()


def _line_ends(source: Source) -> Waiting[bool]:
    try:
        return (yield from source.peek()) in "\r\n"
    except OutOfText:
        return True


# Any name may begin such a line; far too vague where the dialect is not named.
DIALECT = Dialect(
    "granite_pythonic",
    tuple(Rule(letter, _read, place="line") for letter in f"{ascii_letters}_"),
    auto=(),
)
