"""Calls as JSON behind a mark that announces them: an object or a list, and mostly a closing mark.

Such a mark makes a call certain as soon as its tool is named; slips after that do not undo it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from chat.engine.tool_calls.dialects.families.json_arguments import call_arguments
from chat.engine.tool_calls.grammar import Place, Rule, Writer
from chat.engine.tool_calls.json_grammar import QUOTES, json_string, json_text
from chat.engine.tool_calls.source import Disproved, Source, Waiting

NAME_KEYS = frozenset({"name", "tool", "tool_name", "function", "function_name"})
ARGUMENT_KEYS = frozenset({"arguments", "parameters", "args", "params", "input", "tool_input"})
ID_KEYS = frozenset({"id", "call_id", "tool_call_id"})
WRAPPERS = frozenset({"function", "tool_call", "function_call"})

FENCES = ("```json", "```")
# Brackets too many and separators before the closing mark.
_JUNK = re.compile(r"[ \t\r\n,;}\]]*")
_BRACES = re.compile(r"\}*")
_BETWEEN = re.compile(r"[ \t\r\n,;]*")


def delimited(
    opener: str,
    *closers: str,
    then: Sequence[str] = (),
    place: Place = "anywhere",
    ends_thought: bool = False,
) -> Rule:
    """The rule of calls behind an opening mark; `then` are further marks before the JSON."""
    grammar = partial(_read, opener=opener, then=then, closers=closers)
    return Rule(opener, grammar, place, ends_thought=ends_thought)


def _read(
    source: Source, writer: Writer, *, opener: str, then: Sequence[str], closers: Sequence[str]
) -> Waiting[None]:
    yield from source.literal(opener)
    for word in then:
        yield from source.skip()
        yield from source.literal(word)
    yield from calls(source, writer, closers)


def calls(source: Source, writer: Writer, closers: Sequence[str] = ()) -> Waiting[None]:
    """A list of calls, or one or several objects, fenced or not, and the closing mark if any."""
    yield from source.skip()
    fence = yield from source.maybe(FENCES)
    if (yield from source.next()) == "[":
        yield from _list(source, writer)
    else:
        yield from call_object(source, writer)
    while True:
        if fence and (yield from source.after(("```",), _JUNK)):
            fence = ""
        if (yield from source.after(closers, _JUNK)):
            return
        if not (yield from source.attempt(_further(source, writer))):
            return


def call_object(source: Source, writer: Writer, upstream_id: str | None = None) -> Waiting[None]:
    """One call as an object; certain as soon as its tool is named.

    Keys may stand in any order; what stands before the name is held. A last brace that is missing
    is no matter, nor is one too many.
    """
    yield from source.expect("{")
    # Templates double their braces, and models copy that.
    is_doubled = (yield from source.next()) == "{"
    if is_doubled:
        source.at += 1
    tool, held, told = "", "", False
    mark = ","
    while mark == ",":
        if (yield from source.next()) == "}":
            source.at += 1
            mark = "}"
            break
        key = yield from json_string(source, quotes=QUOTES)
        yield from source.expect(":")
        first = yield from source.next()
        if not tool and key in WRAPPERS and first == "{":
            yield from call_object(source, writer, upstream_id)
            tool, told = key, True
        elif not tool and key in NAME_KEYS and first in QUOTES:
            tool = yield from json_string(source, writer.offer.names, quotes=QUOTES)
            if not writer.offer.has(tool):
                raise Disproved
            writer.begin(tool, upstream_id)
            told = bool(held)
            writer.arguments(held)
        elif key in ARGUMENT_KEYS and tool and not told:
            yield from call_arguments(source, writer, is_doubled=is_doubled)
            told = True
            writer.whole()
        elif key in ARGUMENT_KEYS and not tool:
            held = yield from json_text(source)
        elif key in ID_KEYS:
            upstream_id = _id((yield from json_text(source)))
        else:
            yield from json_text(source)
        mark = yield from source.after((",", "}"))
    if not tool or not (mark or told):
        raise Disproved
    if not told:
        writer.arguments("{}")
    writer.end()
    if mark:
        yield from source.skip(_BRACES)


def _id(raw: str) -> str | None:
    return None if raw == "null" else raw.strip(QUOTES) or None


def _list(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.expect("[")
    yield from source.next()
    yield from call_object(source, writer)
    while (yield from source.after((",", "]"))) == ",":
        if not (yield from source.attempt(_further(source, writer))):
            yield from source.after(("]",))
            return


def _further(source: Source, writer: Writer) -> Waiting[None]:
    """Another call in the same place."""
    yield from source.skip(_BETWEEN)
    yield from call_object(source, writer)
