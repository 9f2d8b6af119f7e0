"""Functionary v3.2: `>>>name` or `>>>all` on a line of its own, then JSON or text."""

from __future__ import annotations

from contextlib import suppress

from chat.engine.tool_calls.dialects.families.arguments import escape
from chat.engine.tool_calls.dialects.families.token_sections import json_until, tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, OutOfText, Sink, Source, Waiting

_MARK = ">>>"
_EVERYBODY = "all\n"
# Their code stands as it is, not in JSON.
_CODE_TOOLS = ("python", "ipython")


def _text(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_MARK)
    yield from source.literal(_EVERYBODY)
    writer.parts = True


def _call(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_MARK)
    yield from _named(source, writer)


def _named(source: Source, writer: Writer) -> Waiting[None]:
    tool, _ = yield from tool_name(source, writer.offer)
    yield from source.literal("\n")
    if (yield from source.next()) == "{":
        writer.begin(tool)
        yield from json_until(source, writer.arguments, (_MARK,))
        yield from source.skip()
    elif tool in _CODE_TOOLS:
        writer.begin(tool)
        yield from _code(source, writer.arguments)
    else:
        raise Disproved
    writer.end()


def _code(source: Source, sink: Sink) -> Waiting[None]:
    sink('{"code": "')
    # Where the text ends, the code does.
    with suppress(OutOfText):
        yield from source.until((_MARK,), lambda text: sink(escape(text)), keep=True)
    sink('"}')


def _opens(source: Source, writer: Writer) -> Waiting[None]:
    """The prompt ends with the first mark."""
    if not (yield from source.maybe((_EVERYBODY,))):
        yield from _named(source, writer)


_RULES = (Rule(_MARK, _text, is_call=False), Rule(_MARK, _call))

DIALECT = Dialect("functionary_v32", _RULES, opens=_opens)
