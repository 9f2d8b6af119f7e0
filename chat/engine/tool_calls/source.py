"""Text that grows while it is read: generators that yield where more of it is needed.

A grammar is such a generator. It sees characters in order and never how they were cut, so what it
finds depends on the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Sequence
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")
Waiting = Generator[None, None, T]
Sink = Callable[[str], None]

BLANKS = " \t\r\n"
# Text that may be a call is held no longer than this, in characters.
HOLD_LIMIT = 16 * 1024
# What may stand between a call and the mark that closes it, in characters.
_JUNK_LIMIT = 64

_BLANKS = re.compile(r"[ \t\r\n]*")


class Disproved(Exception):
    """The text cannot be what was looked for; `Source.at` is where reading may go on."""


class OutOfText(Exception):
    """The text has ended where more was needed."""


class Source:
    """Text that grows; every position counts from the beginning of the turn.

    What lies before `mark` is forgotten. While `bounded`, waiting for more than HOLD_LIMIT
    characters after the mark disproves.
    """

    def __init__(self) -> None:
        self.at = 0
        self.mark = 0
        self.ended = False
        self.bounded = False
        self.bars_calls = False
        """Whether no call may begin any more."""
        self.saved: int | None = None
        """Where reading goes back to if an attempt fails; what follows it is not forgotten."""
        self._text = ""
        self._base = 0

    @property
    def end(self) -> int:
        """Where the text ends that is there by now."""
        return self._base + len(self._text)

    @property
    def is_over_bound(self) -> bool:
        """Whether more was read than may be held."""
        since = self.mark if self.saved is None else self.saved
        return self.bounded and self.at - since > HOLD_LIMIT

    def append(self, text: str) -> None:
        """More text has come."""
        forgotten = min(self.mark, self.at) - self._base
        if forgotten > 0:
            self._base += forgotten
            self._text = self._text[forgotten:] + text
        else:
            self._text += text

    def text(self, start: int, end: int | None = None) -> str:
        """The text between two positions that are not forgotten, or from one to the end."""
        return self._text[start - self._base : None if end is None else end - self._base]

    def search(self, pattern: re.Pattern[str], start: int | None = None) -> tuple[int, int] | None:
        """Where the pattern is found first at or after a position, in the text there is."""
        found = pattern.search(self._text, (self.at if start is None else start) - self._base)
        return (found.start() + self._base, found.end() + self._base) if found else None

    def wait(self) -> Waiting[None]:
        """Yield until more text may have come."""
        if self.is_over_bound:
            raise Disproved
        if self.ended:
            raise OutOfText
        yield

    def is_over(self) -> Waiting[bool]:
        """Whether the text ends here, once that is known."""
        while self.at >= self.end and not self.ended:
            yield from self.wait()
        return self.at >= self.end

    def peek(self) -> Waiting[str]:
        """The next character, not read."""
        if self.is_over_bound:
            raise Disproved
        while self.at >= self.end:
            yield from self.wait()
        return self._text[self.at - self._base]

    def take(self, count: int) -> Waiting[str]:
        """The next characters, read."""
        while self.end - self.at < count:
            yield from self.wait()
        text = self.text(self.at, self.at + count)
        self.at += count
        return text

    def run(self, pattern: re.Pattern[str]) -> str:
        """What the pattern matches here in the text there is, read; it may go on."""
        found = pattern.match(self._text, self.at - self._base)
        text = found[0] if found else ""
        self.at += len(text)
        return text

    def skip(self, pattern: re.Pattern[str] = _BLANKS, sink: Sink | None = None) -> Waiting[None]:
        """Read what the pattern (a repeated class of characters) matches; the end is no error."""
        while True:
            text = self.run(pattern)
            if text and sink is not None:
                sink(text)
            if self.at < self.end or self.ended:
                return
            yield from self.wait()

    def next(self) -> Waiting[str]:
        """The next character that is no blank, not read."""
        yield from self.skip()
        return (yield from self.peek())

    def expect(self, characters: str) -> Waiting[str]:
        """The next character that is no blank, read; it must be one of these."""
        character = yield from self.next()
        if character not in characters:
            raise Disproved
        self.at += 1
        return character

    def one_of(self, words: Collection[str]) -> Waiting[str]:
        """The longest of the words that stands here, read; disproved where none does."""
        longest = max(map(len, words))
        while True:
            here = self.text(self.at, self.at + longest)
            if not self.ended and any(
                len(word) > len(here) and word.startswith(here) for word in words
            ):
                yield from self.wait()
                continue
            found = max((word for word in words if here.startswith(word)), key=len, default="")
            if found:
                self.at += len(found)
                return found
            if self.ended and any(word.startswith(here) for word in words):
                raise OutOfText
            raise Disproved

    def literal(self, word: str) -> Waiting[None]:
        """Exactly this word, here."""
        yield from self.one_of((word,))

    def maybe(self, words: Collection[str]) -> Waiting[str]:
        """Like `one_of`; empty, and nothing read, where none of the words stands here."""
        try:
            return (yield from self.one_of(words))
        except (Disproved, OutOfText):
            if self.is_over_bound:
                raise
            return ""

    def after(self, words: Collection[str], junk: re.Pattern[str] = _BLANKS) -> Waiting[str]:
        """The longest of the words that stands here or behind a little junk, both read.

        Empty, and nothing read, where none does. Half a word at the text's end is read.
        """
        longest = max(map(len, words), default=0)
        while True:
            here = self.at - self._base
            found = junk.match(self._text, here, here + _JUNK_LIMIT + 1)
            start = found.end() + self._base if found else self.at
            if start - self.at > _JUNK_LIMIT:
                return ""
            text = self.text(start, start + longest)
            may_grow = any(len(word) > len(text) and word.startswith(text) for word in words)
            if may_grow and not self.ended:
                yield from self.wait()
                continue
            word = max((word for word in words if text.startswith(word)), key=len, default="")
            if word:
                self.at = start + len(word)
            elif may_grow and text:
                self.at = self.end
            return word

    def attempt(self, grammar: Waiting[None]) -> Waiting[bool]:
        """Read on with a grammar; where it fails before it says something, nothing was read."""
        start = self.at
        bounded, self.bounded = self.bounded, True
        self.saved = start
        try:
            yield from grammar
        except (Disproved, OutOfText):
            if self.saved is None:
                raise
            self.at = start
            return False
        finally:
            if self.saved is not None:
                self.saved = None
                self.bounded = bounded
        return True

    def settle(self) -> None:
        """An attempt holds: what it has read is not given back."""
        if self.saved is not None:
            if self.is_over_bound:
                raise Disproved
            self.saved = None
            self.bounded = False

    def until(self, words: Sequence[str], sink: Sink, *, keep: bool = False) -> Waiting[str]:
        """Give the sink everything before the first of the words; read that word too, or keep it.

        At the end of the text the sink has the rest, and OutOfText is raised.
        """
        sought = _Sought.of(tuple(words))
        while True:
            found = self.search(sought.pattern)
            if found is not None:
                start, end = found
                word = self.text(start, end)
                # A longer word may begin with this one.
                if end < self.end or self.ended or word not in sought.beginnings:
                    before = self.text(self.at, start)
                    self.at = start if keep else end
                    sink(before)
                    return word
                safe = start
            else:
                here = "" if self.ended else self.text(max(self.at, self.end - sought.longest))
                safe = self.end - sought.tail(here)
            if safe > self.at:
                before, self.at = self.text(self.at, safe), safe
                sink(before)
            yield from self.wait()


class _Sought:
    """Words to look for, prepared."""

    def __init__(self, words: tuple[str, ...]) -> None:
        longest_first = sorted(words, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)))
        self.beginnings = frozenset(word[:n] for word in words for n in range(1, len(word)))
        self.longest = len(longest_first[0])
        self._firsts = frozenset(word[0] for word in words)

    @staticmethod
    @lru_cache(maxsize=256)
    def of(words: tuple[str, ...]) -> _Sought:
        """The words, prepared once."""
        return _Sought(words)

    def tail(self, text: str) -> int:
        """How many last characters of a text may be the beginning of a word."""
        for start, character in enumerate(text):
            if character in self._firsts and text[start:] in self.beginnings:
                return len(text) - start
        return 0
