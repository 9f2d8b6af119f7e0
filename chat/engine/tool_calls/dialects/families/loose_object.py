"""Objects with bare keys whose strings stand between tokens, given on as JSON while they come."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from chat.engine.tool_calls.dialects.families.arguments import escape, quote
from chat.engine.tool_calls.json_grammar import json_string_raw
from chat.engine.tool_calls.source import Disproved, Sink, Source, Waiting

_DEPTH_LIMIT = 100
_KEY = re.compile(r"[^:,{}\[\]<>\"\s]*")
_BARE = re.compile(r"[^,}\]<]*")
_WORDS = {"true": "true", "false": "false", "none": "null", "null": "null", "nil": "null"}


@dataclass(frozen=True, slots=True)
class LooseObject:
    """How such objects are written: the token round strings, and what must end the object."""

    quote: str
    closers: tuple[str, ...]

    def read(self, source: Source, sink: Sink, depth: int = 0) -> Waiting[None]:
        """An object from its opening brace; disproved where it breaks."""
        yield from source.expect("{")
        sink("{")
        joint = ""
        while (yield from source.next()) != "}":
            if (yield from self._closes(source, self.closers)):
                raise Disproved
            sink(joint)
            yield from self._key(source, sink)
            yield from source.expect(":")
            sink(": ")
            yield from self._value(source, sink, depth)
            joint = ", "
            if (yield from source.next()) == ",":
                source.at += 1
        source.at += 1
        sink("}")

    def _key(self, source: Source, sink: Sink) -> Waiting[None]:
        first = yield from source.peek()
        if first == "<":
            yield from self._string(source, sink)
        elif first == '"':
            yield from json_string_raw(source, sink)
        else:
            key: list[str] = []
            yield from source.skip(_KEY, key.append)
            if not key:
                raise Disproved
            sink(quote("".join(key)))

    def _value(self, source: Source, sink: Sink, depth: int) -> Waiting[None]:
        first = yield from source.next()
        if depth > _DEPTH_LIMIT:
            raise Disproved
        if first == "<":
            yield from self._string(source, sink)
        elif first == '"':
            yield from json_string_raw(source, sink)
        elif first == "{":
            yield from self.read(source, sink, depth + 1)
        elif first == "[":
            yield from self._array(source, sink, depth)
        else:
            yield from self._bare(source, sink)

    def _array(self, source: Source, sink: Sink, depth: int) -> Waiting[None]:
        source.at += 1
        sink("[")
        joint = ""
        while (yield from source.next()) != "]":
            if (yield from self._closes(source, self.closers)):
                raise Disproved
            sink(joint)
            yield from self._value(source, sink, depth + 1)
            joint = ", "
            if (yield from source.next()) == ",":
                source.at += 1
        source.at += 1
        sink("]")

    def _string(self, source: Source, sink: Sink) -> Waiting[None]:
        yield from source.literal(self.quote)
        sink('"')
        yield from source.until((self.quote,), lambda text: sink(escape(text)))
        sink('"')

    def _bare(self, source: Source, sink: Sink) -> Waiting[None]:
        """A number, a constant, or a string without its tokens."""
        words: list[str] = []
        while True:
            yield from source.skip(_BARE, words.append)
            if (yield from source.peek()) != "<":
                break
            if (yield from self._closes(source, (*self.closers, self.quote))):
                break
            words.append((yield from source.take(1)))
        sink(scalar("".join(words).strip()))

    def _closes(self, source: Source, words: tuple[str, ...]) -> Waiting[bool]:
        start = source.at
        found = yield from source.maybe(words)
        source.at = start
        return bool(found)


def scalar(word: str) -> str:
    """The JSON of a bare word: a number or a constant where it is one, else a string."""
    if constant := _WORDS.get(word.lower()):
        return constant
    try:
        value: Any = json.loads(word, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return quote(word)
    return word if isinstance(value, int | float) else quote(word)


def _no_constant(name: str) -> Any:
    raise ValueError(name)
