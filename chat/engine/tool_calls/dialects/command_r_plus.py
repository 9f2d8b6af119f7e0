"""Command R+: `Action:` and a fenced list of objects with tool_name and parameters."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import calls
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_OPENER = "Action:"


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    if (yield from source.next()) != "`":
        raise Disproved
    yield from calls(source, writer)


DIALECT = Dialect("command_r_plus", (Rule(_OPENER, _read, place="line"),))
