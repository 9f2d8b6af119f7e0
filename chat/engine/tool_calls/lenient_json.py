"""A reader of nearly-JSON that knows a few slips of the pen, and refuses what two people could
read in two ways.

The slips: quotes of another kind or none round names, single words without quotes, Python's
literals, raw control characters in texts, unescaped quotes in pairs within a text, a comma too many
or missing between fields, a fence round it all, a brace too many at the end, or the last one
missing. Nothing is ever invented, dropped or cut.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

DEPTH_LIMIT = 64
WORDS_LIMIT = 64
"""Words without quotes in one text; for each of them json-repair looks at all that follows."""

_BLANKS = re.compile(r"[\s\ufeff]*")
_FENCED = re.compile(r"```[A-Za-z_]*\s(.*)```", re.DOTALL)
_AFTER_ALL = re.compile(r"[\s}\],;]*")
_BARE = re.compile(r"[^\s,:{}\[\]\"'“”‘’`]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[^\W\d][\w-]*")
_NEXT_FIELD = re.compile(r"\s+([\"'])[\w.$-]{1,64}\1\s*:")
_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "/": "/"} | {
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_CLOSING = {'"': '"', "'": "'", "“": "”", "‘": "’"}
_PARTS = {quote: re.compile(rf"[^\\{quote}]*") for quote in _CLOSING.values()}
_LITERALS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
# Words that stand for something else than themselves.
_DOUBTFUL = frozenset({"undefined", "nan", "inf", "infinity", "nil", "true", "false", "null"})


class Doubtful(ValueError):
    """The text can be read in several ways, or in none."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: an object; by name, the values that are written otherwise than in JSON."""

    value: dict[str, Any]
    was: dict[str, str]
    is_open: bool
    """Whether the last brace is missing."""


def read_object(text: str) -> Reading:
    """The object that the text means; raises Doubtful. Takes time linear in its length."""
    text = text.strip().removeprefix("\ufeff").strip()
    fenced = _FENCED.fullmatch(text)
    return _Reader(fenced[1].strip() if fenced else text).whole()


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    is_open: bool = False
    ended_firmly: bool = False
    words: int = 0
    was: dict[str, str] = field(default_factory=dict)

    def whole(self) -> Reading:
        if self.peek() != "{":
            raise Doubtful
        value = self.object(1)
        if not self.is_open and _AFTER_ALL.fullmatch(self.text, self.at) is None:
            raise Doubtful
        return Reading(value, self.was, self.is_open)

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        match = _BLANKS.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def value(self, depth: int) -> Any:
        character = self.peek()
        if depth > DEPTH_LIMIT:
            raise Doubtful
        self.ended_firmly = True
        if character == "{":
            return self.object(depth)
        if character == "[":
            return self.array(depth)
        if character in _CLOSING:
            return self.string()
        self.ended_firmly = False
        return self.bare()

    def object(self, depth: int) -> dict[str, Any]:
        self.at += 1
        found: dict[str, Any] = {}
        while self.peek() != "}":
            name = self.name()
            if name in found or self.peek() != ":":
                raise Doubtful
            self.at += 1
            self.peek()
            start = self.at
            found[name] = self.value(depth + 1)
            if depth == 1:
                self.note(name, self.text[start : self.at], found[name])
            ended = self.at
            match self.peek():
                case ",":
                    self.at += 1
                case "}":
                    pass
                case "" if depth == 1 and self.ended_firmly:
                    self.is_open = True
                    return found
                case '"' | "'" if ended < self.at:
                    pass  # The comma between two fields is missing.
                case _:
                    raise Doubtful
        self.at += 1
        self.ended_firmly = True
        return found

    def array(self, depth: int) -> list[Any]:
        self.at += 1
        found: list[Any] = []
        while self.peek() != "]":
            found.append(self.value(depth + 1))
            match self.peek():
                case ",":
                    self.at += 1
                case "]":
                    pass
                case _:
                    raise Doubtful
        self.at += 1
        self.ended_firmly = True
        return found

    def name(self) -> str:
        if self.peek() in _CLOSING:
            return self.string()
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise Doubtful
        self.at = match.end()
        return self.unquoted(match[0])

    def bare(self) -> Any:
        match = _BARE.match(self.text, self.at)
        if match is None:
            raise Doubtful
        word = match[0]
        self.at = match.end()
        if word in _LITERALS:
            return _LITERALS[word]
        if _NUMBER.fullmatch(word):
            try:
                return json.loads(word)
            except ValueError:  # int() takes 4300 digits at most.
                raise Doubtful from None
        if _WORD.fullmatch(word) and word.lower() not in _DOUBTFUL:
            return self.unquoted(word)
        raise Doubtful

    def unquoted(self, word: str) -> str:
        self.words += 1
        if self.words > WORDS_LIMIT:
            raise Doubtful
        return word

    def string(self) -> str:
        """A text up to the quote that something of JSON's grammar follows."""
        quote = _CLOSING[self.text[self.at]]
        self.at += 1
        start = self.at
        parts: list[str] = []
        inner: list[int] = []
        while True:
            match = _PARTS[quote].match(self.text, self.at)
            assert match is not None
            parts.append(match[0])
            self.at = match.end()
            character = self.text[self.at : self.at + 1]
            if not character:
                raise Doubtful
            if character == "\\":
                parts.append(self.escape())
                continue
            self.at += 1
            if self.closes():
                break
            if not self.is_apostrophe(quote):
                inner.append(self.at - 1)
            parts.append(quote)
        self.check_pairs(inner, start)
        # Halves of pairs that were escaped one by one are joined.
        text = "".join(parts)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    def escape(self) -> str:
        following = self.text[self.at + 1 : self.at + 2]
        if following in _ESCAPES:
            self.at += 2
            return _ESCAPES[following]
        digits = self.text[self.at + 2 : self.at + 6]
        if following != "u" or not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
            # `\d` may mean a backslash or none.
            raise Doubtful
        self.at += 6
        return chr(int(digits, 16))

    def closes(self) -> bool:
        """Whether the quote just read ends its text."""
        if _NEXT_FIELD.match(self.text, self.at):
            return True
        match = _BLANKS.match(self.text, self.at)
        after = match.end() if match else self.at
        return self.text[after : after + 1] in ("", ",", ":", "}", "]")

    def is_apostrophe(self, quote: str) -> bool:
        before, after = self.text[self.at - 2 : self.at - 1], self.text[self.at : self.at + 1]
        return quote in "'’" and before.isalnum() and after.isalnum()

    def check_pairs(self, inner: list[int], start: int) -> None:
        """Quotes inside a text count where they open and close words, one after the other."""
        if len(inner) % 2:
            raise Doubtful
        for opening, closing in zip(inner[::2], inner[1::2], strict=True):
            before, after = self.text[opening - 1], self.text[opening + 1]
            opens = (opening == start or not before.isalnum()) and not after.isspace()
            before, after = self.text[closing - 1], self.text[closing + 1]
            if not opens or before.isspace() or after.isalnum():
                raise Doubtful

    def note(self, name: str, written: str, value: Any) -> None:
        try:
            if json.loads(written) == value:
                return
        except (ValueError, RecursionError):
            pass
        self.was[name] = written
