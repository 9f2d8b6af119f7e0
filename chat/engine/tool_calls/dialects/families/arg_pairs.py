"""Calls as a name, then keys and values by turns: `NAME<arg_key>K</arg_key><arg_value>V…`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial

from chat.engine.tool_calls.dialects.families.python_calls import tool_name
from chat.engine.tool_calls.dialects.families.tagged_values import (
    Parameters,
    ValueEnds,
    read_value,
)
from chat.engine.tool_calls.dialects.families.token_sections import json_until
from chat.engine.tool_calls.grammar import Rule, Writer
from chat.engine.tool_calls.source import BLANKS, Disproved, OutOfText, Source, Waiting

# Some write the newlines between the tags as they would stand in JSON.
_ESCAPED_NEWLINE = "\\n"
_KEY_TEXT = re.compile(r"[^<\n]*")


@dataclass(frozen=True)
class PairTags:
    """The tags of a dialect; where `value` is empty, the key's end begins the value.

    `separators` may stand behind the tool's name, `sections` round all calls.
    """

    call: str
    call_ends: tuple[str, ...]
    key: str = "<arg_key>"
    key_end: str = "</arg_key>"
    value: str = "<arg_value>"
    value_end: str = "</arg_value>"
    separators: tuple[str, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """What opens in the text: a call, or a section of calls."""
        sections = (
            Rule(opener, partial(_section, tags=self, opener=opener, closer=closer))
            for opener, closer in self.sections
        )
        return (Rule(self.call, partial(_read, tags=self)), *sections)

    @cached_property
    def between(self) -> tuple[str, ...]:
        """What stands behind a name or a value."""
        ends = tuple(closer for _, closer in self.sections)
        return (self.key, *self.call_ends, self.call, *ends)

    @cached_property
    def value_ends(self) -> ValueEnds:
        """What ends a value."""
        ends = tuple(closer for _, closer in self.sections)
        return ValueEnds(
            tag=self.value_end,
            after=(*self.between, *(_ESCAPED_NEWLINE + word for word in self.between)),
            opener=self.key,
            breaks=dict.fromkeys(self.call_ends, (self.call, *ends)),
        )


def _section(
    source: Source, writer: Writer, *, tags: PairTags, opener: str, closer: str
) -> Waiting[None]:
    yield from source.literal(opener)
    yield from _further(source, writer, tags)
    while not (yield from source.after((closer,))):
        if not (yield from source.attempt(_further(source, writer, tags))):
            return


def _further(source: Source, writer: Writer, tags: PairTags) -> Waiting[None]:
    yield from source.skip()
    yield from _read(source, writer, tags=tags)


def _read(source: Source, writer: Writer, *, tags: PairTags) -> Waiting[None]:
    yield from source.literal(tags.call)
    yield from source.skip()
    tool = yield from tool_name(source, writer)
    separated = yield from source.after(tags.separators)
    yield from _skip(source)
    if (yield from source.peek()) == "{":
        writer.begin(tool)
        yield from json_until(source, writer.arguments, (*tags.call_ends, tags.call))
        writer.end()
        yield from source.after(tags.call_ends)
        return
    word = yield from _next(source, tags)
    if not word and not separated:
        raise OutOfText
    writer.begin(tool)
    yield from _arguments(source, writer, tags, tool, word)


def _arguments(
    source: Source, writer: Writer, tags: PairTags, tool: str, word: str
) -> Waiting[None]:
    parameters = Parameters(writer, tool)
    key = ""
    while word == tags.key:
        if not key:
            key, is_key = yield from _key(source, tags)
            if not is_key:
                raise Disproved
        value = parameters.value(key, trims=False)
        word, key = yield from read_value(
            source, value, tags.value_ends, partial(_key, source, tags)
        )
        if word == tags.value_end:
            word = yield from _next(source, tags)
    if not word:
        parameters.break_off()
        return
    parameters.end()
    if word not in tags.call_ends:
        # The next call's, or the section's end.
        source.at -= len(word)


def _skip(source: Source) -> Waiting[None]:
    yield from source.skip()
    while (yield from source.peek()) == "\\":
        yield from source.literal(_ESCAPED_NEWLINE)
        yield from source.skip()


def _next(source: Source, tags: PairTags) -> Waiting[str]:
    """What stands next, read; empty at the end of the text."""
    try:
        yield from _skip(source)
        return (yield from source.one_of(tags.between))
    except OutOfText:
        return ""


def _key(source: Source, tags: PairTags) -> Waiting[tuple[str, bool]]:
    """A key up to where its value begins, and whether it is one."""
    pieces: list[str] = []
    yield from source.skip(_KEY_TEXT, pieces.append)
    read = key = "".join(pieces)
    try:
        yield from source.literal(tags.key_end)
        read += tags.key_end
        if tags.value:
            yield from _skip(source)
            yield from source.literal(tags.value)
    except Disproved:
        return read, False
    return key.strip(BLANKS), True
