"""Calls whose arguments stand one by one between tags: what the XML-like dialects share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

from chat.engine.tool_calls.dialects.families.tagged_values import (
    Parameters,
    ValueEnds,
    read_value,
    stands,
)
from chat.engine.tool_calls.grammar import Offer, Rule, Writer
from chat.engine.tool_calls.json_grammar import json_value
from chat.engine.tool_calls.source import BLANKS, Disproved, OutOfText, Source, Waiting

# How a tag names what it opens: `<function=NAME>`, or `<invoke name="NAME">`.
Naming = Literal["equals", "attribute"]

_HEAD_LIMIT = 256
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_HEAD = re.compile(r"[^<>\n{]*")
_ANY_NAME = re.compile(r"[A-Za-z_][\w.:/\-]{0,127}")
_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/]+))""")


@dataclass(frozen=True)
class Tags:
    """The tags of a dialect.

    `sections` are the marks round calls, with their ends. `call` and `parameter` open so far as
    they are always the same ("<function=", "<invoke"). `trims`: templates put a newline on each
    side of a value.
    """

    sections: tuple[tuple[str, str], ...]
    call: str
    call_end: str
    parameter: str
    parameter_end: str
    naming: Naming
    trims: bool = True
    has_cdata: bool = False
    """Whether a value may stand between `<![CDATA[` and `]]>`."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What opens in the text: the sections, and calls without one."""
        openers = (*(opener for opener, _ in self.sections), "")
        return tuple(
            Rule(opener or self.call, partial(read_section, tags=self, opener=opener))
            for opener in openers
        )

    @cached_property
    def section_ends(self) -> tuple[str, ...]:
        """What ends sections."""
        return tuple(end for _, end in self.sections)

    @cached_property
    def between(self) -> tuple[str, ...]:
        """What may stand where a parameter or a call has ended."""
        openers = tuple(opener for opener, _ in self.sections)
        return (self.parameter, self.call_end, self.call, *self.section_ends, *openers)

    @cached_property
    def value_ends(self) -> ValueEnds:
        """What ends a value."""
        openers = tuple(opener for opener, _ in self.sections)
        calls = (self.call, *openers)
        return ValueEnds(
            tag=self.parameter_end,
            after=self.between,
            opener=self.parameter,
            breaks={
                self.call_end: (*self.section_ends, *calls),
                **dict.fromkeys(self.section_ends, calls),
            },
        )


def invoke_tags(prefix: str, section: str, *, trims: bool = True) -> Tags:
    """`<invoke name="…">` and `<parameter name="…">` with a prefix, in a section of this name."""
    return Tags(
        sections=((f"<{section}>", f"</{section}>"),),
        call=f"<{prefix}invoke",
        call_end=f"</{prefix}invoke>",
        parameter=f"<{prefix}parameter",
        parameter_end=f"</{prefix}parameter>",
        naming="attribute",
        trims=trims,
    )


def read_section(source: Source, writer: Writer, *, tags: Tags, opener: str) -> Waiting[None]:
    """Calls from a section's opener on, or from a call's where it has no section."""
    if opener:
        yield from source.literal(opener)
        yield from source.skip()
    # What the last call ended with: its own tag, or its section's.
    ended_with: list[str] = []
    yield from _call(source, writer, tags, ended_with, is_sure=bool(opener))
    while ended_with[-1] not in tags.section_ends:
        if (yield from source.after(tags.section_ends)):
            return
        if not (yield from source.attempt(_further(source, writer, tags, ended_with))):
            return


def _further(source: Source, writer: Writer, tags: Tags, ended_with: list[str]) -> Waiting[None]:
    yield from source.skip()
    yield from _call(source, writer, tags, ended_with, is_sure=True)


def _call(
    source: Source, writer: Writer, tags: Tags, ended_with: list[str], *, is_sure: bool
) -> Waiting[None]:
    """One call. A mere mention of a tool's tag is none, unless it stands in a section."""
    yield from source.literal(tags.call)
    tool, is_empty, _ = yield from _head(source, tags)
    if not _is_offered(writer.offer, tool):
        raise Disproved
    if not (is_sure or is_empty):
        yield from source.next()
        if not (yield from stands(source, ("{", *tags.between))):
            raise Disproved
    writer.begin(tool)
    if is_empty:
        Parameters(writer, tool).end()
        ended_with.append("")
    else:
        ended_with.append((yield from _body(source, writer, tags, tool)))


def _body(source: Source, writer: Writer, tags: Tags, tool: str) -> Waiting[str]:
    """A call's arguments and what ended it, which is read where it belongs to the call."""
    parameters = Parameters(writer, tool)
    yield from source.skip()
    if source.at < source.end and (yield from source.peek()) == "{":
        yield from json_value(source, writer.arguments)
        writer.end()
        return (yield from source.after((tags.call_end, *tags.section_ends)))
    word, key = (yield from _next(source, tags)), ""
    while word == tags.parameter:
        is_empty, attributes = False, dict[str, str]()
        if not key:
            key, is_empty, attributes = yield from _head(source, tags)
            if not key:
                raise Disproved
        is_string = attributes.get("string") == "true"
        value = parameters.value(key, trims=tags.trims, is_string=is_string)
        key = ""
        if is_empty:
            value.close()
            word = yield from _next(source, tags)
            continue
        if tags.has_cdata and (yield from source.after((_CDATA,))):
            yield from source.until((_CDATA_END,), value.write)
            value.close()
            word = yield from source.after((tags.parameter_end,))
        else:
            word, key = yield from read_value(
                source, value, tags.value_ends, partial(_key, source, tags, parameters)
            )
        if word in ("", tags.parameter_end):
            word = yield from _next(source, tags)
    if not word:
        parameters.break_off()
        return ""
    parameters.end()
    if word == tags.call_end or word in tags.section_ends:
        return word
    # The next call's, or the next section's.
    source.at -= len(word)
    return ""


def _next(source: Source, tags: Tags) -> Waiting[str]:
    """What stands behind a parameter or a call's beginning, read; empty at the text's end."""
    yield from source.skip()
    try:
        return (yield from source.one_of(tags.between))
    except OutOfText:
        return ""


def _key(source: Source, tags: Tags, parameters: Parameters) -> Waiting[tuple[str, bool]]:
    """A key where a parameter's tag stands in the midst of a value, or what stands there."""
    text = yield from _head_text(source)
    key = _named(text, tags)[0]
    if parameters.may_have(key) and (yield from source.peek()) == ">":
        source.at += 1
        return key, True
    return text, False


def _head(source: Source, tags: Tags) -> Waiting[tuple[str, bool, dict[str, str]]]:
    """The rest of an opening tag: the name, whether the element is empty, the attributes."""
    text = yield from _head_text(source)
    if (yield from source.peek()) == ">":
        source.at += 1
    elif (yield from source.peek()) != "{":
        # Llama writes `<function=name{"key": 1}</function>`.
        raise Disproved
    name, attributes = _named(text, tags)
    return name, text.endswith("/"), attributes


def _named(text: str, tags: Tags) -> tuple[str, dict[str, str]]:
    if tags.naming == "equals":
        return text.removesuffix("/").strip(BLANKS + "\"'"), {}
    attributes = {name: a or b or c for name, a, b, c in _ATTRIBUTE.findall(text)}
    return attributes.get("name", ""), attributes


def _head_text(source: Source) -> Waiting[str]:
    pieces: list[str] = []
    yield from source.skip(_HEAD, pieces.append)
    text = "".join(pieces)
    if len(text) > _HEAD_LIMIT:
        raise Disproved
    return text


def _is_offered(offer: Offer, tool: str) -> bool:
    return offer.has(tool) and (offer.names is not None or bool(_ANY_NAME.fullmatch(tool)))
