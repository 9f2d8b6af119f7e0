"""Calls as JSON that nothing announces: an object or a list of objects, fenced or not.

Answers about JSON look much the same, so only what can be nothing else is a call: an offered
tool's name in its place, nothing beside it that calls do not have, and arguments of that tool.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from chat.engine.tool_calls.dialects.families.delimited_json import (
    ARGUMENT_KEYS,
    ID_KEYS,
    NAME_KEYS,
    WRAPPERS,
)
from chat.engine.tool_calls.grammar import Offer, Writer
from chat.engine.tool_calls.json_grammar import json_rest, json_string, json_text, parse
from chat.engine.tool_calls.source import Disproved, Source, Waiting

FENCE_WORDS = ("```tool_calls", "```tool_call", "```json", "```")

_TYPES = ("function", "tool_call", "tool_use", "function_call")
_INNER_KEYS = NAME_KEYS | ARGUMENT_KEYS | ID_KEYS | WRAPPERS | {"type", "index"}
_OUTER_KEYS = _INNER_KEYS | {"tool_calls"}
# The words of schemas: a description of a tool is no call of it.
_SCHEMA_KEYS = frozenset({"type", "properties", "required", "description", "$schema"})
_BETWEEN = re.compile(r"[ \t\r\n,;}\]]*")
_LINE_BLANKS = re.compile(r"[ \t]*")
_FIRSTS = {
    "string": '"',
    "number": '-0123456789"',
    "integer": '-0123456789"',
    "boolean": 'tf"',
    "array": '["',
    "object": '{"',
}


@dataclass(frozen=True, slots=True)
class _Call:
    tool: str
    upstream_id: str | None
    raw_arguments: str


@dataclass(slots=True)
class _Calls:
    """Where calls go: to the writer as they come, or kept until it is certain that all count."""

    writer: Writer
    at_once: bool
    told: int = 0
    kept: list[_Call] = field(default_factory=list)

    def add(self, call: _Call) -> None:
        self.kept.append(call)
        if self.at_once:
            self.tell()

    def tell(self) -> None:
        for call in self.kept:
            self.writer.begin(call.tool, call.upstream_id)
            self.writer.arguments(call.raw_arguments)
            self.writer.whole()
            self.told += 1
        self.kept.clear()


def bare_calls(source: Source, writer: Writer) -> Waiting[None]:
    """Objects and lists one after the other, with nothing but blanks or marks between them."""
    yield from _body(source, _Calls(writer, at_once=True))
    while not (yield from source.is_over()):
        if not (yield from source.attempt(_next_body(source, writer))):
            return


def fenced_calls(source: Source, writer: Writer) -> Waiting[None]:
    """Calls in fences; they count where nothing but blanks stands outside of these."""
    calls = _Calls(writer, at_once=False)
    while not (yield from source.is_over()):
        yield from source.one_of(FENCE_WORDS)
        yield from source.skip(_LINE_BLANKS)
        yield from _body(source, calls)
        while True:
            yield from source.skip(_BETWEEN)
            # A forgotten closing fence is no doubt about the calls.
            if (yield from source.is_over()):
                break
            if (yield from source.maybe(("```",))):
                break
            yield from _body(source, calls)
        yield from source.skip()
    calls.tell()


def _next_body(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.skip(_BETWEEN)
    if (yield from source.is_over()):
        return
    yield from _body(source, _Calls(writer, at_once=True))


def _body(source: Source, calls: _Calls) -> Waiting[None]:
    if (yield from source.next()) == "[":
        source.at += 1
        yield from _list(source, calls)
    else:
        yield from _object(source, calls, _OUTER_KEYS)


def _list(source: Source, calls: _Calls) -> Waiting[None]:
    """The calls of a list; once one of them is told, what follows may break off."""
    before = calls.told
    while True:
        yield from source.next()
        yield from _object(source, calls, _INNER_KEYS)
        if calls.told > before:
            break
        if (yield from source.expect(",]")) == "]":
            return
    while (yield from source.after((",", "]"))) == ",":
        if not (yield from source.attempt(_item(source, calls))):
            yield from source.after(("]",))
            return


def _item(source: Source, calls: _Calls) -> Waiting[None]:
    yield from source.next()
    yield from _object(source, calls, _INNER_KEYS)


def _object(source: Source, calls: _Calls, keys: frozenset[str]) -> Waiting[None]:
    """A call, or an object that wraps calls; disproved at the first thing that is neither."""
    began = source.at
    yield from source.expect("{")
    told = calls.told
    seen: set[str] = set()
    tool, arguments, upstream_id, wraps = "", "", None, False
    while True:
        key = yield from json_string(source, keys - seen)
        seen.add(key)
        yield from source.expect(":")
        first = yield from source.next()
        if key == "tool_calls" and first == "[" and len(seen) == 1:
            source.at += 1
            yield from _list(source, calls)
            wraps, keys = True, frozenset()
        elif key in WRAPPERS and first == "{":
            yield from _object(source, calls, _INNER_KEYS - WRAPPERS | {"function"})
            wraps, keys = True, frozenset({"type", "index", *ID_KEYS})
        elif key in NAME_KEYS:
            keys -= NAME_KEYS | WRAPPERS
            tool = yield from json_string(source, calls.writer.offer.names)
        elif key in ARGUMENT_KEYS and first in '{"n':
            keys -= ARGUMENT_KEYS | WRAPPERS
            arguments = yield from _arguments(source, calls, tool, upstream_id)
        elif key in ID_KEYS:
            upstream_id = _id((yield from json_text(source)))
        elif key == "type":
            yield from json_string(source, _TYPES)
        elif key == "index":
            yield from json_text(source)
        else:
            raise Disproved
        if calls.told > told:
            yield from _tail(source)
            calls.writer.end()
            return
        if (yield from source.expect(",}")) == "}":
            break
    parse(source.text(began, source.at))
    if not wraps:
        if not tool:
            raise Disproved
        call = _Call(tool, upstream_id, _fitting(arguments, tool, calls.writer.offer))
        calls.add(call)
        if calls.told > told:
            calls.writer.end()


def _arguments(source: Source, calls: _Calls, tool: str, upstream_id: str | None) -> Waiting[str]:
    """The arguments' raw text; a call with an argument that its tool knows begins with them."""
    start = source.at
    if not (calls.at_once and tool and source.text(start, start + 1) == "{"):
        return (yield from json_text(source))
    source.at += 1
    if (yield from source.next()) != '"':
        yield from json_rest(source, _nowhere, after="{")
        return source.text(start, source.at)
    key = yield from json_string(source)
    yield from source.expect(":")
    first = yield from source.next()
    if not _is_argument(calls.writer.offer, tool, key, first):
        yield from json_rest(source, _nowhere)
        return source.text(start, source.at)
    calls.writer.begin(tool, upstream_id)
    calls.writer.arguments(source.text(start, source.at))
    yield from json_rest(source, calls.writer.arguments)
    calls.writer.whole()
    calls.told += 1
    return ""


def _tail(source: Source) -> Waiting[None]:
    """What follows a call that is told, up to its object's end; what is no part of it is left."""
    while (yield from source.after((",", "}"))) == ",":
        if not (yield from source.attempt(_field(source))):
            return


def _field(source: Source) -> Waiting[None]:
    yield from json_string(source, _OUTER_KEYS)
    yield from source.expect(":")
    yield from json_text(source)


def _is_argument(offer: Offer, tool: str, key: str, first: str) -> bool:
    """Whether an argument's name and its value's first character are certainly the tool's."""
    if key in _SCHEMA_KEYS or not offer.declares(tool, key):
        return False
    types = offer.parameter(tool, key).get("type")
    if types is None:
        return first != "{"
    names = types if isinstance(types, list) else [types]
    return any(first in _FIRSTS.get(str(name), "n") for name in names)


def _fitting(raw: str, tool: str, offer: Offer) -> str:
    """The arguments of a whole object as the text of an object, if they may be the tool's."""
    arguments = parse(raw)
    if arguments is None:
        return "{}"
    if isinstance(arguments, str):
        # Arguments as text in text, the way of the API itself.
        raw = arguments
        arguments = parse(raw)
    if not isinstance(arguments, dict) or _describes(arguments, tool, offer):
        raise Disproved
    return raw


def _describes(arguments: dict[str, Any], tool: str, offer: Offer) -> bool:
    """Whether what stands for arguments is a schema, or has schemas for values."""
    if isinstance(arguments.get("properties"), dict) and not offer.declares(tool, "properties"):
        return True
    if arguments.get("type") == "object" and not offer.declares(tool, "type"):
        return True
    return any(
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and offer.parameter(tool, key).get("type") not in (None, "object")
        for key, value in arguments.items()
    )


def _id(raw: str) -> str | None:
    value = parse(raw)
    return value if isinstance(value, str) and value else None


def _nowhere(text: str) -> None:
    """Text that is taken from the source once it is whole."""
