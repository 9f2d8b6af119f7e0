"""Llama 3.2 and 4, and others: `[f(a=1), g(b='x')]`, between marks or in the midst of text."""

from __future__ import annotations

from string import ascii_letters

from chat.engine.tool_calls.dialects.families.python_calls import calls_in_list
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_OPENER = "<|python_start|>"
_CLOSER = "<|python_end|>"


def _marked(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    yield from calls_in_list(source, writer, closers=(_CLOSER,))


def _known(source: Source, writer: Writer) -> Waiting[None]:
    if writer.offer.names is None:
        raise Disproved
    yield from calls_in_list(source, writer, settled_by="argument")


def _known_at_end(source: Source, writer: Writer) -> Waiting[None]:
    """In the midst of a line an example is as likely; a call ends its line."""
    if writer.offer.names is None:
        raise Disproved
    yield from calls_in_list(source, writer, settled_by="end")


def _unknown(source: Source, writer: Writer) -> Waiting[None]:
    if writer.offer.names is not None:
        raise Disproved
    yield from calls_in_list(source, writer, settled_by="end")


# One opener for each character that may follow the bracket: most brackets open no call.
_BRACKETS = tuple(f"[{one}" for one in f"{ascii_letters}_ \n")
_OF_KNOWN_TOOLS = tuple(Rule(opener, _known) for opener in _BRACKETS)
BARE = (*_OF_KNOWN_TOOLS, *(Rule(opener, _unknown) for opener in _BRACKETS))
RULES = (Rule(_OPENER, _marked), *BARE)

DIALECT = Dialect(
    "pythonic",
    RULES,
    auto=(
        Rule(_OPENER, _marked),
        *(Rule(opener, _known, place="line") for opener in _BRACKETS),
        *(Rule(opener, _known_at_end) for opener in _BRACKETS),
        *(Rule(opener, _unknown, place="start") for opener in _BRACKETS),
    ),
)
