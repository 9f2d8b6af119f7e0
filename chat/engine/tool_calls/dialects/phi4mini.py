"""Phi 4 mini: `functools[{"name": …, "arguments": {…}}]`, or `<|tool_call|>` before the list."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import calls
from chat.engine.tool_calls.dialects.granite import TOKEN
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Source, Waiting

_WORD = "functools"


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_WORD)
    yield from calls(source, writer)


FUNCTOOLS = (Rule(_WORD + "[", _read), Rule(_WORD + "{", _read))
DIALECT = Dialect("phi4mini", (*FUNCTOOLS, TOKEN), auto=FUNCTOOLS)
