"""Kimi K3: `<|open|>call tool="NAME"<|sep|>` and `<|open|>argument key="K" type="T"<|sep|>V`."""

from __future__ import annotations

import re

from chat.engine.tool_calls.dialects.families.tagged_values import Parameters
from chat.engine.tool_calls.dialects.thoughts import rest_of_thought
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_OPEN, _CLOSE, _SEPARATOR = "<|open|>", "<|close|>", "<|sep|>"
_THOUGHTS = ("think", "thinking", "reasoning")
_HEAD_LIMIT = 1000

_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_HEAD = re.compile(r"[^<\n]*")


def _element(source: Source, mark: str) -> Waiting[tuple[str, dict[str, str]]]:
    """An element's mark, its name and its attributes, up to the separator."""
    start = source.at
    yield from source.literal(mark)
    pieces: list[str] = []
    yield from source.skip(_HEAD, pieces.append)
    head = "".join(pieces).strip()
    if len(head) > _HEAD_LIMIT:
        source.at = start + len(mark)
        raise Disproved
    yield from source.literal(_SEPARATOR)
    attributes = {
        key: value.replace("&quot;", '"').replace("&amp;", "&")
        for key, value in _ATTRIBUTE.findall(head)
    }
    return head.partition(" ")[0], attributes


def _channel(source: Source, writer: Writer) -> Waiting[None]:
    """The channel of thoughts, or the marks round the answer."""
    name, _ = yield from _element(source, _OPEN)
    if name == "response":
        writer.parts = True
    elif name in _THOUGHTS and writer.thoughts:
        writer.commit()
        yield from rest_of_thought(source, writer, (f"{_CLOSE}{name}{_SEPARATOR}",), ())
    else:
        raise Disproved


def _closing(source: Source, writer: Writer) -> Waiting[None]:
    name, _ = yield from _element(source, _CLOSE)
    if name not in ("response", "message"):
        raise Disproved
    writer.commit()


def _tools(source: Source, writer: Writer) -> Waiting[None]:
    start = source.at
    name, attributes = yield from _element(source, _OPEN)
    if name == "tools":
        yield from source.skip()
        name, attributes = yield from _element(source, _OPEN)
    if name != "call" or not writer.offer.has(attributes.get("tool", "")):
        source.at = start + len(_OPEN)
        raise Disproved
    while True:
        yield from _call(source, writer, attributes)
        if not (yield from source.attempt(_next(source, attributes))):
            break
    yield from source.after((f"{_CLOSE}tools{_SEPARATOR}",))


def _next(source: Source, attributes: dict[str, str]) -> Waiting[None]:
    yield from source.skip()
    name, found = yield from _element(source, _OPEN)
    if name != "call":
        raise Disproved
    attributes.clear()
    attributes.update(found)


def _call(source: Source, writer: Writer, attributes: dict[str, str]) -> Waiting[None]:
    tool = attributes.get("tool", "")
    if not writer.offer.has(tool):
        raise Disproved
    writer.begin(tool)
    parameters = Parameters(writer, tool)
    end = f"{_CLOSE}argument{_SEPARATOR}"
    while not (yield from source.after((f"{_CLOSE}call{_SEPARATOR}",))):
        yield from source.skip()
        name, argument = yield from _element(source, _OPEN)
        if name != "argument":
            raise Disproved
        is_string = argument.get("type", "string") == "string"
        value = parameters.value(argument.get("key", ""), trims=False, is_string=is_string)
        yield from source.until((end,), value.write)
        value.close()
    parameters.end()


DIALECT = Dialect(
    "kimi_k3",
    (
        Rule(_OPEN, _channel, is_call=False),
        Rule(_CLOSE, _closing, is_call=False),
        Rule(_OPEN, _tools),
    ),
    thought_ends=tuple(f"{_CLOSE}{name}{_SEPARATOR}" for name in _THOUGHTS),
)
