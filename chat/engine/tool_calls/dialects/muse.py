"""Muse: messages with a recipient; those to a tool hold `<atem:function_calls>`."""

from __future__ import annotations

from functools import partial

from chat.engine.tool_calls.dialects.families.channels import Format
from chat.engine.tool_calls.dialects.families.xml_parameters import invoke_tags, read_section
from chat.engine.tool_calls.grammar import Dialect, Grammar, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_ENDS = ("<|eom|>", "<|eot|>")
_FORMAT = Format(ends=_ENDS, thinks_to=("self",), thinks_on=(), tool_prefix="")
_SECTION = "<atem:function_calls>"
_TAGS = invoke_tags("atem:", "atem:function_calls")


def _call(source: Source, writer: Writer) -> Waiting[None]:
    start = source.at
    header = yield from _FORMAT.header(source, writer.offer)
    if header.kind != "call":
        source.at = start
        raise Disproved
    yield from source.skip()
    yield from read_section(source, writer, tags=_TAGS, opener=_SECTION)
    yield from source.after(_ENDS)


def _if_own(source: Source, writer: Writer, *, then: Grammar) -> Waiting[None]:
    """Only headers that no other format writes: `auto` reads the others as harmony."""
    start = source.at
    header = yield from _FORMAT.header(source, writer.offer)
    source.at = start
    if header.channel or header.kind == "foreign" or header.recipient in ("", "assistant", "all"):
        raise Disproved
    yield from then(source, writer)


_RULES = _FORMAT.rules(_call)
DIALECT = Dialect(
    "muse",
    _RULES,
    auto=tuple(
        Rule(rule.opener, partial(_if_own, then=rule.grammar), rule.place, rule.is_call)
        for rule in _RULES
    ),
)
