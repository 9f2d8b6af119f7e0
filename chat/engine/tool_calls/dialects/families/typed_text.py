"""Values written as bare text, turned into JSON of the type that the tool's schema names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from chat.engine.tool_calls.dialects.families.arguments import escape
from chat.engine.tool_calls.dialects.families.python_literals import json_of
from chat.engine.tool_calls.dialects.families.schema_types import type_name
from chat.engine.tool_calls.source import BLANKS, Sink

_STRING = frozenset({"string"})
_WORDS = {"null": "null", "none": "null", "true": "boolean", "false": "boolean"}
_WORD_VALUES = {"null": "null", "none": "null", "true": "true", "false": "false"}
_OPENS = {"{": "object", "[": "array", "(": "array"}
_NUMBER = re.compile(r"[+-]?[\d.eE+\-]*")
_LONGEST_SCALAR = 64
_NEWLINES = ("\r\n", "\n", "\r")


class ValueText(Protocol):
    """A value's text as it comes, written on as JSON."""

    def write(self, text: str) -> None:
        """A piece of it."""

    def close(self) -> None:
        """Its end."""


def value_text(
    sink: Sink, types: frozenset[str], *, trims: bool, on_repair: Callable[[], None]
) -> ValueText:
    """What writes a value of these types (none: unknown).

    `trims` leaves out one newline on each side of a string, where templates put one.
    """
    text = StringText(sink, trims=trims)
    return text if types == _STRING else LiteralText(sink, types, text, on_repair)


class StringText:
    """A string, exactly as it came, but for the newlines of the template."""

    def __init__(self, sink: Sink, *, trims: bool) -> None:
        self._sink = sink
        self._trims = trims
        self._begun = False
        self._held = ""

    def write(self, text: str) -> None:
        """A piece of it; a newline at its end may be the template's."""
        text = self._held + text
        self._held = ""
        if not self._begun:
            if self._trims and text in ("", "\r"):
                self._held = text
                return
            self._begin()
            if self._trims and text.startswith(("\n", "\r\n")):
                text = text[text.index("\n") + 1 :]
        if self._trims:
            self._held = next((end for end in _NEWLINES if text.endswith(end)), "")
            text = text.removesuffix(self._held)
        if text:
            self._sink(escape(text))

    def close(self) -> None:
        """Its end."""
        if not self._begun:
            self._begin()
        if self._held == "\r":
            self._sink(escape(self._held))
        self._sink('"')

    def _begin(self) -> None:
        self._begun = True
        self._sink('"')


class LiteralText:
    """A value that may be no string: written when it is whole, or as soon as it must be a string.

    Where the types are unknown, JSON and Python literals become values, all else is a string.
    """

    def __init__(
        self, sink: Sink, types: frozenset[str], string: StringText, on_repair: Callable[[], None]
    ) -> None:
        self._sink = sink
        self._types = types
        self._string = string
        self._on_repair = on_repair
        self._pieces: list[str] = []
        self._may_be_string = not types or "string" in types
        self._start: str | None = "" if self._may_be_string else None
        self._is_string = False

    def write(self, text: str) -> None:
        """A piece of it."""
        if self._is_string:
            self._string.write(text)
            return
        self._pieces.append(text)
        if self._start is not None:
            self._start += text
            self._decide(self._start.strip(BLANKS))

    def close(self) -> None:
        """Its end."""
        if not self._is_string:
            whole = "".join(self._pieces)
            value = self._value(whole.strip(BLANKS))
            if value is not None:
                self._sink(value)
                return
            self._string.write(whole)
        self._string.close()

    def _decide(self, start: str) -> None:
        """Whether it can only be a string, or is read to its end, by how it begins."""
        if not start:
            may_be_literal = len(self._start or "") <= _LONGEST_SCALAR
        elif start[0] in _OPENS or (start[0] == '"' and not self._types):
            may_be_literal = start[0] == '"' or self._allows(_OPENS[start[0]])
            if may_be_literal:
                self._start = None
        elif _NUMBER.fullmatch(start):
            may_be_literal = len(start) <= _LONGEST_SCALAR and (
                self._allows("integer") or self._allows("number")
            )
        else:
            may_be_literal = any(
                word.startswith(start.lower()) and self._allows(kind)
                for word, kind in _WORDS.items()
            )
        if not may_be_literal:
            self._is_string = True
            self._string.write("".join(self._pieces))
            self._pieces.clear()
            self._start = None

    def _allows(self, kind: str) -> bool:
        return not self._types or kind in self._types

    def _value(self, text: str, *, is_nested: bool = False) -> str | None:
        """The JSON text of the value; None where it is a string."""
        kind = _WORDS.get(text.lower())
        if kind in self._types:
            return _WORD_VALUES[text.lower()]
        found = _parsed(text) or self._python(text) or self._unescaped(text)
        if found is None:
            return None
        value, json_text = found
        name = type_name(value)
        if not self._types or name in self._types or (name == "integer" and self._allows("number")):
            return json_text
        if self._may_be_string:
            return None
        if name == "number" and "integer" in self._types and value.is_integer():
            return str(int(value))
        if name == "string" and not is_nested:
            return self._value(value.strip(BLANKS), is_nested=True) or json_text
        return json_text

    def _python(self, text: str) -> tuple[Any, str] | None:
        if not self._types and text[:1] not in _OPENS and text not in ("True", "False", "None"):
            return None
        json_text = json_of(text)
        return None if json_text is None else _parsed(json_text)

    def _unescaped(self, text: str) -> tuple[Any, str] | None:
        """What a model wrote as if within a JSON string: `[{\\"id\\": 1}]`."""
        if text[:1] not in _OPENS or '\\"' not in text:
            return None
        inner = _parsed(f'"{text}"')
        found = _parsed(inner[0]) if inner is not None else None
        if found is not None:
            self._on_repair()
        return found


def _parsed(text: str) -> tuple[Any, str] | None:
    """The value of a JSON text and the text itself, made strict."""
    try:
        return json.loads(text, parse_constant=_refuse), text
    except (ValueError, RecursionError):
        pass
    try:
        value = json.loads(text, parse_constant=_refuse, strict=False)
    except (ValueError, RecursionError):
        return None
    return value, json.dumps(value, ensure_ascii=False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
