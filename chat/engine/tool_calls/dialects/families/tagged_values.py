"""Values between tags: literal text up to the tag that really ends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chat.engine.tool_calls.dialects.families.arguments import ArgumentsObject
from chat.engine.tool_calls.dialects.families.schema_types import types_of
from chat.engine.tool_calls.dialects.families.typed_text import ValueText, value_text
from chat.engine.tool_calls.grammar import Writer
from chat.engine.tool_calls.source import Disproved, OutOfText, Source, Waiting

STRING = frozenset({"string"})


@dataclass(frozen=True, slots=True)
class ValueEnds:
    """What ends a value: its own tag where one of `after` or the text's end stands behind it.

    Without that tag it ends before `opener`, the next parameter's, at the beginning of a line,
    and at the keys of `breaks`, where one of their values or the text's end stands behind them.
    """

    tag: str
    after: tuple[str, ...]
    opener: str
    breaks: Mapping[str, tuple[str, ...]]


class Parameters:
    """The arguments of one call, given one by one."""

    def __init__(self, writer: Writer, tool: str) -> None:
        self._writer = writer
        self._tool = tool
        self._schema = writer.offer.schema(tool)
        self._object = ArgumentsObject(writer.arguments)
        self._given: set[str] = set()

    def value(self, key: str, *, trims: bool, is_string: bool | None = None) -> ValueText:
        """The next argument; `is_string` is what the text says of it, the schema knows better."""
        self._object.key(key)
        self._given.add(key)
        types = types_of(self._writer.offer.parameter(self._tool, key), self._schema)
        if is_string and not types:
            types = STRING
        return value_text(
            self._writer.arguments,
            types,
            trims=trims,
            on_repair=lambda: self._writer.mend("args_repaired_json"),
        )

    def may_have(self, key: str) -> bool:
        """Whether the tool may have such a parameter."""
        known = self._writer.offer.properties(self._tool)
        return key in known if known else key.isidentifier()

    def end(self) -> None:
        """The call ends here by its own mark."""
        self._object.close()
        self._writer.end()

    def break_off(self) -> None:
        """The text ended between parameters: whole where no required one is missing."""
        required = self._schema.get("required")
        missing = set(required) - self._given if isinstance(required, list) else set()
        if not missing:
            self._object.close()
        self._writer.end(complete=not missing)


def stands(source: Source, words: Sequence[str]) -> Waiting[bool]:
    """Whether one of the words stands here, or the text ends within one; nothing is read."""
    try:
        word = yield from source.one_of(words)
    except OutOfText:
        return True
    except Disproved:
        return False
    source.at -= len(word)
    return True


def read_value(
    source: Source,
    value: ValueText,
    ends: ValueEnds,
    next_key: Callable[[], Waiting[tuple[str, bool]]],
) -> Waiting[tuple[str, str]]:
    """A value up to what ends it: the tag or break that was read, and the next parameter's key.

    `next_key` reads on behind `ends.opener` where the value's own tag may be missing, and gives
    what it read and whether that is a key; where it is none, it stays part of the value.
    """
    line_begins = False

    def write(text: str) -> None:
        nonlocal line_begins
        if text:
            line_begins = text.endswith("\n")
            value.write(text)

    words = (ends.tag, ends.opener, *ends.breaks)
    while True:
        word = yield from source.until(words, write)
        read = word
        if word == ends.opener:
            if line_begins:
                key, is_key = yield from next_key()
                if is_key:
                    value.close()
                    return word, key
                read += key
        else:
            blanks: list[str] = []
            yield from source.skip(sink=blanks.append)
            if (yield from stands(source, ends.after if word == ends.tag else ends.breaks[word])):
                value.close()
                return word, ""
            read += "".join(blanks)
        write(read)
