"""Step 3: `<steptml:invoke name="NAME">` between `<｜tool_calls_begin｜>` and its end."""

from __future__ import annotations

from functools import partial

from chat.engine.tool_calls.dialects.families.xml_parameters import invoke_tags, read_section
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Source, Waiting

_TAGS = invoke_tags("steptml:", "steptml:calls")
_BEGIN, _END = "<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"
_CALL_BEGIN, _CALL_END = "<｜tool_call_begin｜>", "<｜tool_call_end｜>"
_SEPARATOR = "<｜tool_sep｜>"


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_BEGIN)
    yield from _call(source, writer)
    while not (yield from source.after((_END,))):
        if not (yield from source.attempt(_call(source, writer))):
            return


def _call(source: Source, writer: Writer) -> Waiting[None]:
    for mark in (_CALL_BEGIN, "function", _SEPARATOR):
        yield from source.after((mark,))
    yield from source.skip()
    yield from read_section(source, writer, tags=_TAGS, opener="")
    yield from source.after((_CALL_END,))


_BARE = Rule(_TAGS.call, partial(read_section, tags=_TAGS, opener=""))
DIALECT = Dialect("step3", (Rule(_BEGIN, _read), _BARE))
