"""Calls as elements: `<tool_call><name>NAME</name><arguments>…`, values as JSON or elements."""

from __future__ import annotations

import re
from functools import partial

from chat.engine.tool_calls.dialects.families.python_calls import tool_name
from chat.engine.tool_calls.dialects.families.tagged_values import Parameters
from chat.engine.tool_calls.dialects.families.token_sections import json_until
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_CALLS = ("tool_call", "function_call", "tool_use", "invoke")
_NAMES = ("name", "tool_name", "function_name", "tool", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_KEY = re.compile(r"[\w.\-]*")


def _read(source: Source, writer: Writer, *, element: str) -> Waiting[None]:
    yield from source.literal(f"<{element}>")
    name = yield from _opened(source, _NAMES)
    yield from source.skip()
    tool = yield from tool_name(source, writer)
    if not (yield from source.after((f"</{name}>",))):
        raise Disproved
    writer.begin(tool)
    arguments = yield from source.after([f"<{one}>" for one in _ARGUMENTS])
    closer = f"</{arguments[1:]}" if arguments else f"</{element}>"
    if (yield from source.next()) == "{":
        yield from json_until(source, writer.arguments, (closer,))
        writer.end()
    else:
        yield from _elements(source, Parameters(writer, tool), closer)
    yield from source.after((closer,))
    yield from source.after((f"</{element}>",))


def _elements(source: Source, parameters: Parameters, closer: str) -> Waiting[None]:
    """`<key>value</key>`, up to the closer."""
    while not (yield from source.after((closer,))):
        yield from source.skip()
        yield from source.literal("<")
        pieces: list[str] = []
        yield from source.skip(_KEY, pieces.append)
        key = "".join(pieces)
        yield from source.literal(">")
        value = parameters.value(key, trims=True)
        yield from source.until((f"</{key}>",), value.write)
        value.close()
    parameters.end()


def _opened(source: Source, names: tuple[str, ...]) -> Waiting[str]:
    yield from source.skip()
    return (yield from source.one_of([f"<{one}>" for one in names]))[1:-1]


def _section(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal("<function_calls>")
    yield from source.skip()
    yield from _read(source, writer, element="invoke")
    while not (yield from source.after(("</function_calls>",))):
        if not (yield from source.attempt(_further(source, writer))):
            return


def _further(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.skip()
    yield from _read(source, writer, element="invoke")


DIALECT = Dialect(
    "xml_elements",
    (
        *(Rule(f"<{one}>", partial(_read, element=one)) for one in _CALLS),
        Rule("<function_calls>", _section),
    ),
)
