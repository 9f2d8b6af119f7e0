"""MiniMax M3: `]<]minimax[>[` before every tag, arguments as elements that may be nested."""

from __future__ import annotations

import re
from collections.abc import Mapping

from chat.engine.tool_calls.dialects.families.arguments import ArgumentsObject
from chat.engine.tool_calls.dialects.families.schema_types import types_of
from chat.engine.tool_calls.dialects.families.typed_text import value_text
from chat.engine.tool_calls.grammar import Dialect, Rule, Schema, Writer
from chat.engine.tool_calls.source import BLANKS, Disproved, Source, Waiting

_MARK = "]<]minimax[>["
_TAG = f"{_MARK}<"
_SECTION, _SECTION_END = f"{_MARK}<tool_call>", f"{_MARK}</tool_call>"
_CALL, _CALL_END = f'{_MARK}<invoke name="', f"{_MARK}</invoke>"
_ITEM = "item"
_MAX_DEPTH = 40
_NAME = re.compile(r"[^<>\"\n]*")
_EMPTY = {"array": "[]", "object": "{}", "null": "null"}


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_SECTION)
    yield from _call(source, writer)
    while not (yield from source.after((_SECTION_END,))):
        if not (yield from source.attempt(_call(source, writer))):
            return


def _call(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.skip()
    yield from source.literal(_CALL)
    tool = yield from _name(source)
    yield from source.literal('">')
    if not writer.offer.has(tool):
        raise Disproved
    writer.begin(tool)
    schema = writer.offer.schema(tool)
    if (yield from _tag(source, _CALL_END)) == _CALL_END:
        writer.arguments("{}")
    else:
        yield from _object(source, writer, _CALL_END, schema, schema, 0)
    writer.end()


def _object(
    source: Source, writer: Writer, closer: str, schema: Schema, root: Schema, depth: int
) -> Waiting[None]:
    """Elements from behind the first one's `<` on, as keys and values, up to the closer."""
    fields = ArgumentsObject(writer.arguments)
    while True:
        name = yield from _opened(source)
        properties = schema.get("properties")
        child = properties.get(name) if isinstance(properties, Mapping) else None
        fields.key(name)
        yield from _value(source, writer, name, child, root, depth)
        if (yield from _tag(source, closer)) == closer:
            fields.close()
            return


def _array(
    source: Source, writer: Writer, closer: str, schema: Schema, root: Schema, depth: int
) -> Waiting[None]:
    """Elements from behind the first one's `<` on, as items, up to the closer."""
    before = "["
    while True:
        name = yield from _opened(source)
        writer.arguments(before)
        before = ", "
        yield from _value(source, writer, name, schema.get("items"), root, depth)
        if (yield from _tag(source, closer)) == closer:
            writer.arguments("]")
            return


def _value(
    source: Source, writer: Writer, name: str, schema: object, root: Schema, depth: int
) -> Waiting[None]:
    """What stands in an element, up to its end: text, or further elements."""
    if depth > _MAX_DEPTH:
        raise Disproved
    known: Schema = schema if isinstance(schema, Mapping) else {}
    types = types_of(known, root)
    closer = f"{_MARK}</{name}>"
    word = yield from source.after((closer, _TAG))
    if word == closer:
        writer.arguments(next((text for one, text in _EMPTY.items() if one in types), '""'))
    elif not word:
        value = value_text(writer.arguments, types, trims=False, on_repair=lambda: None)
        yield from source.until((closer,), value.write)
        value.close()
    elif "array" in types or (not types and (yield from _is_item(source))):
        yield from _array(source, writer, closer, known, root, depth + 1)
    else:
        yield from _object(source, writer, closer, known, root, depth + 1)


def _is_item(source: Source) -> Waiting[bool]:
    word = yield from source.maybe((f"{_ITEM}>",))
    source.at -= len(word)
    return bool(word)


def _tag(source: Source, closer: str) -> Waiting[str]:
    """The closer, or the beginning of another element."""
    word = yield from source.after((closer, _TAG))
    if not word:
        raise Disproved
    return word


def _opened(source: Source) -> Waiting[str]:
    """The name of an element behind its `<`."""
    name = yield from _name(source)
    yield from source.literal(">")
    return name


def _name(source: Source) -> Waiting[str]:
    pieces: list[str] = []
    yield from source.skip(_NAME, pieces.append)
    name = "".join(pieces).strip(BLANKS)
    if not name or name.startswith("/"):
        raise Disproved
    return name


DIALECT = Dialect("minimax_m3", (Rule(_SECTION, _read),))
