"""Calls between special tokens: a token, the tool's name, a token, JSON arguments, a token."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from chat.engine.tool_calls.grammar import Offer, Writer
from chat.engine.tool_calls.json_grammar import json_string_raw
from chat.engine.tool_calls.source import Disproved, Sink, Source, Waiting

NAME_LIMIT = 256
FENCES = ("```json", "```")

_NAME = re.compile(r"[^\s<>{}\[\]()|｜\"'`]*")
_FURTHER_CLOSERS = re.compile(r"[}\]]*")


def tool_name(
    source: Source, offer: Offer, prefixes: Collection[str] = ("",), *, numbered: bool = False
) -> Waiting[tuple[str, str]]:
    """A tool's name here, and the word that it stands in: `functions.search:0` names `search`.

    Disproved as soon as the word can be the name of no tool.
    """
    start = source.at
    word = ""
    while True:
        word += source.run(_NAME)
        if len(word) > NAME_LIMIT or not _may_name(word, offer.names, prefixes, numbered):
            source.at = start
            raise Disproved
        if source.at < source.end:
            break
        yield from source.wait()
    bare = word.rpartition(":")[0] if numbered and _NUMBERED.search(word) else word
    for prefix in sorted(prefixes, key=len, reverse=True):
        if bare.startswith(prefix) and offer.has(bare[len(prefix) :]):
            return bare[len(prefix) :], word
    source.at = start
    raise Disproved


_NUMBERED = re.compile(r":\d+\Z")
_NUMBER_BEGINS = re.compile(r":\d*\Z|\Z")


def _may_name(
    word: str, names: Sequence[str] | None, prefixes: Collection[str], numbered: bool
) -> bool:
    if names is None:
        return True
    for prefix in prefixes:
        for name in names:
            whole = prefix + name
            if whole.startswith(word):
                return True
            if numbered and word.startswith(whole) and _NUMBER_BEGINS.match(word, len(whole)):
                return True
    return False


def json_arguments(source: Source, writer: Writer, closers: Sequence[str]) -> Waiting[None]:
    """The open call's arguments, fenced or not, up to where a closer stands outside of strings.

    JSON that is broken ends at the closer, too.
    """
    yield from source.skip()
    fence = yield from source.maybe(FENCES)
    yield from source.skip()
    yield from json_until(source, writer.arguments, (*closers, "```") if fence else closers)
    yield from source.skip()
    if fence:
        yield from source.maybe(("```",))
        yield from source.skip()


def json_until(source: Source, sink: Sink, closers: Sequence[str]) -> Waiting[None]:
    """A JSON value, its raw text to the sink, up to its end or a closer outside of strings."""
    neutral, firsts = _neutral(tuple(closers))
    depth = 0
    while True:
        yield from source.skip(neutral, sink)
        character = yield from source.peek()
        if character in firsts:
            start = source.at
            if (yield from source.maybe(closers)):
                source.at = start
                return
        if character == '"':
            yield from json_string_raw(source, sink)
            if depth == 0:
                return
            continue
        sink((yield from source.take(1)))
        if character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth <= 0:
                # A bracket too many belongs to the value: the mender sees to it.
                yield from source.skip(_FURTHER_CLOSERS, sink)
                return


@lru_cache(maxsize=64)
def _neutral(closers: tuple[str, ...]) -> tuple[re.Pattern[str], frozenset[str]]:
    firsts = frozenset(closer[0] for closer in closers)
    special = "".join(re.escape(one) for one in sorted(firsts | set('"{}[]')))
    return re.compile(f"[^{special}]*"), firsts
