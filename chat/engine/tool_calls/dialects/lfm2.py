"""LFM2: `<|tool_call_start|>[f(a=1)]<|tool_call_end|>`, or objects with name and arguments."""

from __future__ import annotations

import re

from chat.engine.tool_calls.dialects.families.delimited_json import calls
from chat.engine.tool_calls.dialects.families.python_calls import calls_in_lines, calls_in_list
from chat.engine.tool_calls.dialects.pythonic import BARE
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Source, Waiting

_OPENER = "<|tool_call_start|>"
_CLOSER = "<|tool_call_end|>"
_LINE = re.compile(r"[^\n<]*")


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    yield from _calls(source, writer)


def _read_all(source: Source, writer: Writer) -> Waiting[None]:
    yield from _read(source, writer)
    while (yield from source.attempt(_further(source, writer))):
        pass


def _calls(source: Source, writer: Writer) -> Waiting[None]:
    first = yield from source.next()
    start = source.at
    if first == "[":
        source.at += 1
        first = yield from source.next()
        source.at = start
        if first != "{":
            yield from calls_in_list(source, writer, closers=(_CLOSER,))
            return
    if first == "{":
        yield from calls(source, writer, (_CLOSER,))
    else:
        yield from calls_in_lines(source, writer, _CLOSER)


def _further(source: Source, writer: Writer) -> Waiting[None]:
    """Further calls, and words before them on the line of the last: they are no answer."""
    words: list[str] = []
    yield from source.skip(_LINE, words.append)
    yield from source.literal(_OPENER)
    yield from _calls(source, writer)
    if "".join(words).strip():
        writer.note("text_after_calls", "".join(words))


# Servers that drop special tokens leave the bare list.
DIALECT = Dialect("lfm2", (Rule(_OPENER, _read_all), *BARE), auto=(Rule(_OPENER, _read),))
