"""Python literals as they come, written on as JSON: the values of calls in Python's notation."""

from __future__ import annotations

import re
from string import hexdigits

from chat.engine.tool_calls.dialects.families.arguments import escape
from chat.engine.tool_calls.source import Disproved, OutOfText, Sink, Source, Waiting

CONSTANTS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "true": "true",
    "false": "false",
    "null": "null",
}
WORD = re.compile(r"[A-Za-z0-9_]*")

# Each level is a generator within a generator.
_MAX_DEPTH = 60
_STRING_PREFIXES = frozenset({"r", "b", "u", "f", "rb", "br", "rf", "fr"})
_NUMBER = re.compile(r"[A-Za-z0-9_.+\-]*")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_PLAIN = {mark: re.compile(rf"[^\\{mark}]*") for mark in "'\""}
_ESCAPES = {
    "n": "\\n",
    "t": "\\t",
    "r": "\\r",
    "b": "\\b",
    "f": "\\f",
    "v": "\\u000b",
    "a": "\\u0007",
    "\\": "\\\\",
    "'": "'",
    '"': '\\"',
    "\n": "",
}
_HEX_LENGTHS = {"x": 2, "u": 4, "U": 8}
_OCTAL = "01234567"


def literal(source: Source, sink: Sink, *, word: str = "", depth: int = 0) -> Waiting[None]:
    """One literal, its JSON text given to the sink as it comes; `word` was read of it already."""
    if depth > _MAX_DEPTH:
        raise Disproved
    first = word[:1] or (yield from source.next())
    if word or first.isalpha() or first == "_":
        yield from _word(source, sink, word or (yield from read_word(source)))
    elif first in "'\"":
        yield from _string(source, sink, raw=False)
    elif first == "[":
        source.at += 1
        sink("[")
        yield from _items(source, sink, "]", depth)
    elif first == "(":
        source.at += 1
        yield from _tuple(source, sink, depth)
    elif first == "{":
        source.at += 1
        yield from _dict_or_set(source, sink, depth)
    elif first in "+-.0123456789":
        yield from _number(source, sink)
    else:
        raise Disproved


def read_word(source: Source) -> Waiting[str]:
    """The word that stands here, read."""
    pieces: list[str] = []
    yield from source.skip(WORD, pieces.append)
    return "".join(pieces)


def json_of(text: str) -> str | None:
    """The JSON text of a Python literal that is there as a whole; None where it is none."""
    source = Source()
    source.append(text)
    source.ended = True
    pieces: list[str] = []
    try:
        for _ in _whole(source, pieces.append):
            return None
    except (Disproved, OutOfText):
        return None
    return "".join(pieces) if source.at == source.end else None


def _whole(source: Source, sink: Sink) -> Waiting[None]:
    yield from literal(source, sink)
    yield from source.skip()


def _word(source: Source, sink: Sink, word: str) -> Waiting[None]:
    if word in CONSTANTS:
        sink(CONSTANTS[word])
    else:
        raw = yield from _is_raw(source, word)
        yield from _string(source, sink, raw=raw)


def _number(source: Source, sink: Sink) -> Waiting[None]:
    pieces: list[str] = []
    yield from source.skip(_NUMBER, pieces.append)
    token = "".join(pieces)
    if _JSON_NUMBER.fullmatch(token):
        sink(token)
        return
    try:
        sink(str(int(token, 0)))
    except ValueError:
        try:
            number = float(token)
        except ValueError:
            raise Disproved from None
        if number != number or number in (float("inf"), float("-inf")):
            raise Disproved from None
        sink(repr(number))


def _string(source: Source, sink: Sink, *, raw: bool) -> Waiting[None]:
    """A string; strings that stand side by side are one."""
    sink('"')
    while True:
        yield from _string_text(source, sink, raw=raw)
        yield from source.skip()
        behind = source.text(source.at, source.at + 1)
        raw = False
        if behind.isalpha():
            raw = yield from _is_raw(source, (yield from read_word(source)))
        elif not behind or behind not in "'\"":
            break
    sink('"')


def _is_raw(source: Source, prefix: str) -> Waiting[bool]:
    """Whether a string's prefix takes away the meaning of escapes."""
    if prefix.lower() not in _STRING_PREFIXES or (yield from source.peek()) not in "'\"":
        raise Disproved
    return "r" in prefix.lower()


def _string_text(source: Source, sink: Sink, *, raw: bool) -> Waiting[None]:
    mark = yield from source.take(1)
    is_triple = bool((yield from source.maybe((mark * 2,))))

    def plain(text: str) -> None:
        sink(escape(text))

    while True:
        yield from source.skip(_PLAIN[mark], plain)
        if (yield from source.peek()) == "\\":
            if raw:
                sink(escape((yield from source.take(2))))
            else:
                source.at += 1
                yield from _escape(source, sink)
        elif not is_triple or (yield from source.maybe((mark * 3,))):
            if not is_triple:
                source.at += 1
            return
        else:
            sink(escape((yield from source.take(1))))


def _escape(source: Source, sink: Sink) -> Waiting[None]:
    letter = yield from source.take(1)
    if letter in _ESCAPES:
        sink(_ESCAPES[letter])
    elif letter in _HEX_LENGTHS:
        length = _HEX_LENGTHS[letter]
        digits = yield from _digits(source, hexdigits, length)
        if len(digits) < length or int(digits, 16) > 0x10FFFF:
            sink(escape(f"\\{letter}{digits}"))
        elif letter == "U":
            sink(escape(chr(int(digits, 16))))
        else:
            # As it stands, so that two halves of one character find each other.
            sink(f"\\u{digits:0>4}")
    elif letter in _OCTAL:
        digits = letter + (yield from _digits(source, _OCTAL, 2))
        sink(escape(chr(int(digits, 8))))
    else:
        sink(escape(f"\\{letter}"))


def _digits(source: Source, allowed: str, count: int) -> Waiting[str]:
    digits = ""
    while len(digits) < count and (yield from source.peek()) in allowed:
        digits += yield from source.take(1)
    return digits


def _items(
    source: Source, sink: Sink, closer: str, depth: int, *, begun: bool = False
) -> Waiting[None]:
    """The items of a list up to its closer; `begun`: one was written already."""
    while (yield from source.next()) != closer:
        if begun:
            sink(", ")
        begun = True
        yield from literal(source, sink, depth=depth + 1)
        if (yield from source.next()) == ",":
            source.at += 1
        elif (yield from source.peek()) != closer:
            raise Disproved
    source.at += 1
    sink("]")


def _tuple(source: Source, sink: Sink, depth: int) -> Waiting[None]:
    if (yield from source.next()) == ")":
        source.at += 1
        sink("[]")
        return
    first: list[str] = []
    yield from literal(source, first.append, depth=depth + 1)
    if (yield from source.expect(",)")) == ")":
        # Mere parentheses.
        sink("".join(first))
        return
    sink("[" + "".join(first))
    yield from _items(source, sink, ")", depth, begun=True)


def _dict_or_set(source: Source, sink: Sink, depth: int) -> Waiting[None]:
    if (yield from source.next()) == "}":
        source.at += 1
        sink("{}")
        return
    first: list[str] = []
    yield from literal(source, first.append, depth=depth + 1)
    after = yield from source.expect(":,}")
    if after != ":":
        sink("[" + "".join(first))
        if after == "}":
            sink("]")
        else:
            yield from _items(source, sink, "}", depth, begun=True)
        return
    sink("{" + _key("".join(first)))
    while True:
        sink(": ")
        yield from literal(source, sink, depth=depth + 1)
        if (yield from source.expect(",}")) == "}":
            break
        if (yield from source.next()) == "}":
            source.at += 1
            break
        key: list[str] = []
        yield from literal(source, key.append, depth=depth + 1)
        yield from source.expect(":")
        sink(", " + _key("".join(key)))
    sink("}")


def _key(json_text: str) -> str:
    return json_text if json_text.startswith('"') else f'"{escape(json_text)}"'
