"""Messages under a header: who speaks, to whom, on which channel, then the text between marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from chat.engine.tool_calls.dialects.families.token_sections import json_until
from chat.engine.tool_calls.grammar import Grammar, Offer, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

START = "<|start|>"
CHANNEL = "<|channel|>"
CONSTRAIN = "<|constrain|>"
MESSAGE = "<|message|>"
TO = "to="
SPEAKER = "assistant"
# What a message's text is said to be, with a mark before it or without.
CONTENT_TYPES = ("json", "code", "text", "python", "javascript")
_WORD_LIMIT = 200

_WORD = re.compile(r"[^\s<]*")
_WORD_FORM = re.compile(r"[\w.+/:-]+", re.ASCII)

Kind = Literal["text", "thought", "call", "foreign"]


@dataclass(frozen=True, slots=True)
class Header:
    """What a message's header says; `kind` follows from it and from the tools offered."""

    channel: str
    recipient: str
    tool: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Format:
    """A format of messages: the marks that end one, and to whom thoughts and text are addressed."""

    ends: tuple[str, ...]
    thinks_to: tuple[str, ...] = ()
    thinks_on: tuple[str, ...] = ("analysis",)
    channels: tuple[str, ...] = ("analysis", "commentary", "final")
    speaks_to: tuple[str, ...] = ("", "user", "assistant", "all")
    tool_prefix: str = "functions."

    @property
    def stops(self) -> tuple[str, ...]:
        """What ends a message's text: its own mark, or the next message without one."""
        return (*self.ends, START, CHANNEL)

    def rules(self, call: Grammar) -> tuple[Rule, ...]:
        """A rule for every mark that a header may begin with, for calls and for all others."""
        message = partial(_message, form=self)
        return tuple(
            Rule(opener, grammar, place="start" if opener == TO else "anywhere", is_call=is_call)
            for opener in (CHANNEL, START, TO, *self.ends)
            for grammar, is_call in ((message, False), (call, True))
        )

    def header(self, source: Source, offer: Offer) -> Waiting[Header]:
        """The header that begins here, read up to its text; a message may end before it."""
        start = source.at
        if (yield from source.maybe(self.ends)):
            start = source.at
            yield from source.skip()
            if (yield from source.peek()) != "<":
                source.at = start
                raise Disproved
        try:
            return (yield from self._fields(source, offer))
        except Disproved:
            source.at = start
            raise

    def _fields(self, source: Source, offer: Offer) -> Waiting[Header]:
        if (yield from source.maybe((START,))):
            yield from source.literal(SPEAKER)
        channel = recipient = ""
        fields = 0
        while True:
            yield from source.skip()
            if (yield from source.peek()) != "<":
                word = yield from _word(source)
                if word.startswith(TO):
                    recipient = word[len(TO) :]
                    if self.kind("", recipient, offer) is None:
                        raise Disproved
                elif not fields or word not in CONTENT_TYPES:
                    raise Disproved
            else:
                mark = yield from source.one_of((CHANNEL, CONSTRAIN, MESSAGE))
                if mark == MESSAGE:
                    break
                yield from source.skip()
                word = yield from _word(source)
                if mark == CHANNEL and word not in self.channels:
                    raise Disproved
                channel = word if mark == CHANNEL else channel
            fields += 1
            if fields > 8:
                raise Disproved
        kind = self.kind(channel, recipient, offer)
        if kind is None:
            raise Disproved
        return Header(channel, recipient, self.tool(recipient, offer), kind)

    def tool(self, recipient: str, offer: Offer) -> str:
        """The tool that a recipient is, if it is one that was offered."""
        bare = recipient.removeprefix(self.tool_prefix)
        if bare != recipient or offer.schemas is not None or not self.tool_prefix:
            return bare if offer.has(bare) else ""
        return ""

    def kind(self, channel: str, recipient: str, offer: Offer) -> Kind | None:
        """What a message is; None where it calls a tool that was not offered."""
        if recipient in self.thinks_to:
            return "thought"
        if recipient in self.speaks_to:
            return "thought" if channel in self.thinks_on else "text"
        if self.tool(recipient, offer):
            return "call"
        if self.tool_prefix and recipient.startswith(self.tool_prefix):
            return None
        return "foreign"


def _word(source: Source) -> Waiting[str]:
    """A word of a header, as far as the next blank or mark."""
    word = ""
    while True:
        word += source.run(_WORD)
        if word and not _WORD_FORM.fullmatch(word.replace("=", "", 1)[:_WORD_LIMIT]):
            raise Disproved
        if len(word) > _WORD_LIMIT:
            raise Disproved
        if source.at < source.end:
            break
        yield from source.wait()
    if not word:
        raise Disproved
    return word


def _message(source: Source, writer: Writer, *, form: Format) -> Waiting[None]:
    """A message that is no call. The text of an answer is read as what it is: text."""
    start = source.at
    header = yield from form.header(source, writer.offer)
    if header.kind == "call":
        source.at = start
        raise Disproved
    if header.kind == "text":
        writer.parts = True
    elif header.kind == "thought":
        yield from _thought(source, writer, form, start)
    else:
        yield from _leave_out(source, writer, form)


def _thought(source: Source, writer: Writer, form: Format, start: int) -> Waiting[None]:
    if not writer.thoughts:
        written = source.text(start, source.at)
        writer.think(written[max(0, written.rfind(CHANNEL)) :])
    writer.commit()
    word = yield from source.until(form.stops, writer.think)
    if word not in form.ends:
        source.at -= len(word)
    elif not writer.thoughts:
        writer.think(word)


def _leave_out(source: Source, writer: Writer, form: Format) -> Waiting[None]:
    """A message to somebody who does not exist here is neither text nor a call."""
    writer.commit()
    rest = Remainder()
    try:
        word = yield from source.until(form.stops, rest.add)
        if word not in form.ends:
            source.at -= len(word)
    finally:
        writer.note("message_to_others", rest.text)


class Remainder:
    """The beginning of a text that is left out, for the repair."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, text: str) -> None:
        """More of it."""
        if len(self.text) < 1000:
            self.text += text[:1000]


def json_call(source: Source, writer: Writer, *, form: Format) -> Waiting[None]:
    """A message that calls a tool with JSON."""
    start = source.at
    header = yield from form.header(source, writer.offer)
    if header.kind != "call":
        source.at = start
        raise Disproved
    writer.begin(header.tool)
    yield from source.skip()
    yield from json_until(source, writer.arguments, form.stops)
    writer.end()
    yield from source.skip()
    yield from _end(source, form.ends)


def _end(source: Source, ends: Sequence[str]) -> Waiting[None]:
    yield from source.maybe(ends)
