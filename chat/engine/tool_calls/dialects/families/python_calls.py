"""Calls in Python's notation: `name(key='value', other=[1, 2])`, alone, in a list or in lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from chat.engine.tool_calls.dialects.families.arguments import ArgumentsObject
from chat.engine.tool_calls.dialects.families.python_literals import CONSTANTS, literal, read_word
from chat.engine.tool_calls.grammar import Writer
from chat.engine.tool_calls.source import Disproved, OutOfText, Source, Waiting

_NAME = re.compile(r"[A-Za-z0-9_.\-]*")
_NAME_LIMIT = 128
_SEPARATORS = ",;"


class PythonCalls:
    """Where calls are written that are certain at once, or only once `settle` is called."""

    def __init__(self, writer: Writer, *, certain: bool) -> None:
        self._writer = writer
        self.certain = certain
        self._held: list[Callable[[], None]] = []

    def settle(self) -> None:
        """These are calls."""
        self.certain = True
        for step in self._held:
            step()
        self._held.clear()

    def begin(self, tool: str) -> None:
        """A call's name and its opening parenthesis were read."""
        self._do(partial(self._writer.begin, tool))

    def arguments(self, text: str) -> None:
        """A piece of its arguments."""
        self._do(partial(self._writer.arguments, text))

    def end(self) -> None:
        """Its closing parenthesis was read."""
        self._do(self._writer.end)

    def _do(self, step: Callable[[], None]) -> None:
        if self.certain:
            step()
        else:
            self._held.append(step)


def calls_in_list(
    source: Source, writer: Writer, *, settled_by: str = "name", closers: Sequence[str] = ()
) -> Waiting[None]:
    """`[f(a=1), g()]`, and the first of the closers behind it.

    `settled_by` is what makes it certain that these are calls: "name", a tool's name and its
    parenthesis (where a mark went before); "argument", an argument's name too or the list's end
    where no link's address follows; "end", a list that ends its line (where tools are unknown).
    """
    yield from source.expect("[")
    calls = PythonCalls(writer, certain=settled_by == "name")
    on_argument = calls.settle if settled_by == "argument" else None
    if not (yield from _calls(source, writer, calls, "]", on_argument)):
        if not calls.certain:
            raise OutOfText
        return
    source.at += 1
    if settled_by == "argument" and (yield from _character(source)) == "(":
        raise Disproved
    if settled_by == "end" and (yield from _character(source)) not in ("", "\r", "\n"):
        raise Disproved
    calls.settle()
    yield from source.after(closers)


def calls_in_lines(source: Source, writer: Writer, closer: str) -> Waiting[None]:
    """Calls with nothing but blanks or commas between them, up to the closer."""
    calls = PythonCalls(writer, certain=True)
    yield from _calls(source, writer, calls, closer[0], None)
    yield from source.after((closer,))


def tool_name(source: Source, writer: Writer, suffix: str = "") -> Waiting[str]:
    """A tool's name and the suffix, read; disproved, and nothing read, as soon as it is none."""
    names = writer.offer.names
    if names is not None:
        if not names:
            raise Disproved
        word = yield from source.one_of([name + suffix for name in names] if suffix else names)
        return word.removesuffix(suffix)
    start = source.at
    pieces: list[str] = []
    yield from source.skip(_NAME, pieces.append)
    word = "".join(pieces)
    name = word.removesuffix(suffix)
    if (
        not word.endswith(suffix)
        or not name
        or len(name) > _NAME_LIMIT
        or not (name[0].isalpha() or name[0] == "_")
    ):
        if not writer.committed:
            source.at = start
        raise Disproved
    return name


def call(
    source: Source,
    writer: Writer,
    calls: PythonCalls,
    tool: str,
    on_argument: Callable[[], None] | None = None,
) -> Waiting[None]:
    """A call from its opening parenthesis on."""
    yield from source.literal("(")
    calls.begin(tool)
    arguments = ArgumentsObject(calls.arguments)
    order = iter(writer.offer.properties(tool))
    while (first := (yield from source.next())) != ")":
        word = ""
        if first.isalpha() or first == "_":
            word = yield from read_word(source)
            if word not in CONSTANTS:
                yield from source.skip()
        if word and (yield from source.peek()) == "=":
            source.at += 1
            if on_argument is not None:
                on_argument()
            arguments.key(word)
            word = ""
        else:
            # Positional: the schema's order decides, and without it there is no telling.
            name = next(order, None)
            if name is None:
                raise Disproved
            arguments.key(name)
        yield from literal(source, calls.arguments, word=word)
        if (yield from source.next()) == ",":
            source.at += 1
        elif (yield from source.peek()) != ")":
            raise Disproved
    source.at += 1
    arguments.close()
    calls.end()


def _calls(
    source: Source,
    writer: Writer,
    calls: PythonCalls,
    closer: str,
    on_argument: Callable[[], None] | None,
) -> Waiting[bool]:
    """One call or more; whether the closer stands behind them, or else the text ended there."""
    found = 0
    while True:
        try:
            character = yield from source.next()
        except OutOfText:
            if found:
                return False
            raise
        if character == closer and found:
            return True
        if character in _SEPARATORS and found:
            source.at += 1
            continue
        tool = yield from tool_name(source, writer)
        yield from call(source, writer, calls, tool, on_argument)
        found += 1


def _character(source: Source) -> Waiting[str]:
    """The next character, not read; empty at the end of the text."""
    try:
        return (yield from source.peek())
    except OutOfText:
        return ""
