"""JSON as it comes: strings and values read in order, never parsed before their end."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from chat.engine.tool_calls.source import Disproved, OutOfText, Sink, Source, Waiting

QUOTES = "\"'"
"""The quotes that models write, where a slip of the pen does not matter."""

_PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_SCALAR = re.compile(r"[^ \t\r\n,\]}\[{:\"<]*")
_NEUTRAL = re.compile(r"[^\"'{}\[\]<]*")
_QUOTE_INSIDE = re.compile(r'(?<!\\)"')
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB]")


def json_string(
    source: Source, allowed: Collection[str] | None = None, *, quotes: str = '"'
) -> Waiting[str]:
    """The value of a JSON string; disproved as soon as it can be none of the allowed ones."""
    quote = yield from source.next()
    if quote not in quotes:
        raise Disproved
    start = source.at
    source.at += 1
    raw = ""
    while True:
        raw += source.run(_PLAIN[quote])
        if (
            allowed is not None
            and "\\" not in raw
            and not any(word.startswith(raw) for word in allowed)
        ):
            _back(source, start)
            raise Disproved
        if source.at >= source.end:
            yield from source.wait()
        elif (yield from source.peek()) == quote:
            source.at += 1
            break
        else:
            raw += yield from source.take(2)
    if quote == "'":
        raw = _QUOTE_INSIDE.sub('\\"', raw.replace("\\'", "'"))
    try:
        value = parse(f'"{raw}"')
    except Disproved:
        _back(source, start)
        raise
    if allowed is not None and value not in allowed:
        _back(source, start)
        raise Disproved
    return str(value)


def json_text(source: Source) -> Waiting[str]:
    """The raw text of a JSON value."""
    pieces: list[str] = []
    yield from json_value(source, pieces.append)
    return "".join(pieces)


def json_value(source: Source, sink: Sink) -> Waiting[bool]:
    """A JSON value, its raw text given to the sink as it comes; false where it breaks off.

    Slips inside it are no matter here: what counts is where it ends.
    """
    first = yield from source.next()
    if first in QUOTES:
        yield from json_string_raw(source, sink)
    elif first in "{[":
        sink((yield from source.take(1)))
        return (yield from json_rest(source, sink, after=first))
    else:
        start = source.at
        yield from source.skip(_SCALAR, sink)
        if source.at == start:
            raise Disproved
    return True


def json_rest(source: Source, sink: Sink, *, after: str = ":") -> Waiting[bool]:
    """The rest of an object or list whose bracket is read; `after` is the last character read.

    False where it breaks off at a `<`, which JSON has inside strings only: a mark follows.
    """
    depth = 1
    last = after

    def note(text: str) -> None:
        nonlocal last
        last = text.rstrip()[-1:] or last
        sink(text)

    while True:
        yield from source.skip(_NEUTRAL, note)
        character = yield from source.peek()
        if character == "<":
            return False
        if character == '"' or (character == "'" and last in "{[,:"):
            yield from json_string_raw(source, note)
            continue
        if character != "'":
            depth += 1 if character in "{[" else -1
        note((yield from source.take(1)))
        if depth == 0:
            return True


def json_string_raw(source: Source, sink: Sink) -> Waiting[None]:
    """A JSON string, quotes and all, given to the sink as it comes."""
    quote = yield from source.take(1)
    sink(quote)
    yield from json_string_rest(source, sink, quote)


def json_string_rest(source: Source, sink: Sink, quote: str = '"') -> Waiting[None]:
    """The same for a string whose opening quote is read."""
    while True:
        yield from source.skip(_PLAIN[quote], sink)
        character = yield from source.take(1)
        sink(character)
        if character == quote:
            return
        # Whatever is escaped; alone, so that the text may end right here.
        sink((yield from source.take(1)))


def json_string_value(source: Source, sink: Sink) -> Waiting[None]:
    """What a JSON string says, given to the sink as it comes; its opening quote is read."""
    while True:
        yield from source.skip(_PLAIN['"'], sink)
        if (yield from source.peek()) == '"':
            source.at += 1
            return
        try:
            escape = yield from source.take(2)
            if escape == "\\u":
                escape += yield from source.take(4)
                if _HIGH_SURROGATE.match(escape) and (yield from source.maybe(("\\u",))):
                    escape += "\\u" + (yield from source.take(4))
        except OutOfText:
            sink(source.text(source.at))
            source.at = source.end
            raise
        sink(_unescaped(escape))


def parse(text: str) -> Any:
    """The value of a whole JSON text; disproved where it is none."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        raise Disproved from None


def _back(source: Source, start: int) -> None:
    # What was read after a commit may be forgotten.
    if source.bounded:
        source.at = start


def _unescaped(escape: str) -> str:
    try:
        text = str(json.loads(f'"{escape}"', strict=False))
    except ValueError:
        return escape
    # Half a pair is no text; within JSON it stays what it was written as.
    return escape if any("\ud800" <= one <= "\udfff" for one in text) else text
