"""A JSON reader that can wait: generators that yield where more text is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Generator
from typing import Any

Waiting = Generator[None, None, Any]

_BLANKS = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\]*')
_SCALAR = re.compile(r'[^ \t\r\n,\]}\[{:"]*')
_NEUTRAL = re.compile(r'[^"{}\[\]]*')


class Disproved(Exception):
    """The text cannot be what was looked for."""


class OutOfText(Exception):
    """The text has ended where more was needed."""


class Source:
    """Text that grows, and how far it was read."""

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.ended = False

    def _wait(self) -> Generator[None, None, None]:
        if self.ended:
            raise OutOfText
        yield

    def peek(self, *, blanks: str = " \t\r\n") -> Generator[None, None, str]:
        """The next character that is no blank."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in blanks:
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            yield from self._wait()

    def expect(self, characters: str) -> Generator[None, None, str]:
        """The next character that is no blank, read; it must be one of these."""
        character = yield from self.peek()
        if character not in characters:
            raise Disproved
        self.at += 1
        return character

    def literal(self, word: str) -> Generator[None, None, None]:
        """Exactly this word, here."""
        for character in word:
            while self.at >= len(self.text):
                yield from self._wait()
            if self.text[self.at] != character:
                raise Disproved
            self.at += 1

    def line(self, allowed: Collection[str]) -> Generator[None, None, str]:
        """The rest of the line, blanks stripped; it must be one of the allowed, or begin one."""
        start = self.at
        while True:
            end = self.text.find("\n", start)
            so_far = self.text[start : end if end >= 0 else None].strip().lower()
            if end >= 0:
                if so_far not in allowed:
                    raise Disproved
                self.at = end + 1
                return so_far
            # A body on the line of the fence itself.
            if not any(word.startswith(so_far) for word in allowed):
                raise Disproved
            yield from self._wait()

    def string(self, allowed: Collection[str] | None = None) -> Generator[None, None, str]:
        """A JSON string; disproved as soon as it can be none of the allowed ones."""
        yield from self.expect('"')
        start = self.at
        while True:
            self.at = _end(_PLAIN, self.text, self.at)
            if self.at < len(self.text) and self.text[self.at] == '"':
                break
            if self.at + 1 < len(self.text):
                self.at += 2
                continue
            if allowed is not None and "\\" not in self.text[start:]:
                so_far = self.text[start:]
                if not any(word.startswith(so_far) for word in allowed):
                    raise Disproved
            yield from self._wait()
        self.at += 1
        value = load(self.text[start - 1 : self.at])
        if not isinstance(value, str) or (allowed is not None and value not in allowed):
            raise Disproved
        return value

    def value(self) -> Generator[None, None, tuple[int, int]]:
        """Any JSON value; where it starts and ends."""
        first = yield from self.peek()
        start = self.at
        if first == '"':
            yield from self.string()
        elif first in "{[":
            yield from self._nested()
        else:
            while True:
                self.at = _end(_SCALAR, self.text, self.at)
                if self.at < len(self.text):
                    break
                yield from self._wait()
            if self.at == start:
                raise Disproved
        return start, self.at

    def _nested(self) -> Generator[None, None, None]:
        depth = 0
        while True:
            self.at = _end(_NEUTRAL, self.text, self.at)
            if self.at >= len(self.text):
                yield from self._wait()
                continue
            character = self.text[self.at]
            if character == '"':
                yield from self.string()
                continue
            depth += 1 if character in "{[" else -1
            self.at += 1
            if depth == 0:
                return


def load(text: str) -> Any:
    """The value of a whole JSON text; disproved where it is none."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        raise Disproved from None


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
