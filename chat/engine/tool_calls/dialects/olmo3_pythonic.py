"""Olmo 3: `<function_calls>f(a=1)` and further calls in lines, `</function_calls>`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.python_calls import calls_in_lines, calls_in_list
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Source, Waiting

_OPENER = "<function_calls>"
_CLOSER = "</function_calls>"


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    if (yield from source.next()) == "[":
        yield from calls_in_list(source, writer, closers=(_CLOSER,))
    else:
        yield from calls_in_lines(source, writer, _CLOSER)


DIALECT = Dialect("olmo3_pythonic", (Rule(_OPENER, _read),))
