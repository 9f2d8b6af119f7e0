"""Which characters of a text may open something, found without reading the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from chat.engine.tool_calls.grammar import Rule
from chat.engine.tool_calls.source import Source, Waiting
from chat.engine.tool_calls.visible import VisibleText

_FENCED = re.compile(r"`|\n[ \t]*(?=~)")
# Inline code ends with its line, whatever stands on the next one.
_INLINE = re.compile(r"`|(?=\n)")
# So much of an opener is in the pattern: enough to find few others, and little to compile.
_DEPTH = 6
_BLANKS = re.compile(r"[ \t\r\n]*")
_LINE_BLANKS = re.compile(r"[ \t]*")


class _Openers:
    """The openers that count in a place, and every way in which one may begin."""

    def __init__(self, openers: Iterable[str]) -> None:
        words = frozenset(openers)
        self.beginnings = frozenset(word[:n] for word in words for n in range(1, len(word)))
        # One character or two: enough to pass over nearly every line without a pattern for each.
        self._firsts = {word[0] for word in words} | {"~"}
        self._pairs = {word[:2] for word in words}
        self._alone = {word for word in words if len(word) == 1} | {"~"}

    def may_stand(self, text: str) -> bool:
        """Whether a text may begin with one of them, or with a fence; two characters decide."""
        return text[:1] in self._firsts and (
            len(text) == 1 or text[:1] in self._alone or text[:2] in self._pairs
        )


class Triggers:
    """The openers of a set of rules."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._by_opener: dict[str, list[Rule]] = {}
        for rule in rules:
            self._by_opener.setdefault(rule.opener, []).append(rule)
        self._lengths = sorted({len(opener) for opener in self._by_opener}, reverse=True)
        anywhere = {rule.opener for rule in rules if rule.place == "anywhere"}
        line = {rule.opener for rule in rules if rule.place == "line"}
        self._anywhere = _Openers(anywhere)
        self._line = _Openers(anywhere | line)
        self._start = _Openers(self._by_opener)
        at_line = "|".join(("~", *_beginnings_of(line)))
        self._pattern = re.compile(
            "|".join(("`", *_beginnings_of(anywhere), rf"\n[ \t]*(?={at_line})"))
        )

    @property
    def openers(self) -> tuple[str, ...]:
        """Every opener once, as the rules name them."""
        return tuple(self._by_opener)

    @cached_property
    def without_calls(self) -> Triggers:
        """The same for thoughts alone."""
        return Triggers(tuple(rule for rule in self._rules if not rule.is_call))

    def may_open(self, text: str, line_is_blank: bool) -> bool:
        """Whether anything in a text that follows others may open something."""
        if self._pattern.search(text):
            return True
        if not line_is_blank:
            return False
        blanks = len(text) - len(text.lstrip(" \t"))
        return self._line.may_stand(text[blanks : blanks + 2])

    def next(self, source: Source, visible: VisibleText) -> int:
        """Where the next character is that may open something, else the end of the text."""
        if visible.is_fresh or visible.line_is_blank:
            found = source.search(_BLANKS if visible.is_fresh else _LINE_BLANKS)
            at = source.at if found is None else found[1]
            if at >= source.end:
                return source.end
            if self._may_open_here(source.text(at, at + 2), visible):
                return at
        pattern = self._pattern
        if visible.is_code:
            pattern = _INLINE if visible.is_inline_code else _FENCED
        found = source.search(pattern)
        if found is None:
            return source.end
        start, end = found
        # What needs a line's beginning was looked for from the line before.
        return end if source.text(start, start + 1) == "\n" else start

    def _may_open_here(self, text: str, visible: VisibleText) -> bool:
        """Whether something, or a fence, may begin with this where a line or the text begins."""
        if visible.is_code:
            return text[0] == "~"
        return (self._start if visible.is_fresh else self._line).may_stand(text)

    def rules_here(self, source: Source, visible: VisibleText) -> Waiting[tuple[Rule, ...]]:
        """The rules whose opener stands here, the longest opener first."""
        if visible.is_example:
            return ()
        places = {"anywhere"}
        openers = self._anywhere
        if visible.line_is_blank:
            places.add("line")
            openers = self._line
        if visible.is_fresh:
            places |= {"line", "start"}
            openers = self._start
        longest = self._lengths[0] if self._lengths else 0
        while (here := source.text(source.at, source.at + longest)) in openers.beginnings:
            if source.ended:
                break
            yield from source.wait()
        return tuple(
            rule
            for length in self._lengths
            if len(here) >= length
            for rule in self._by_opener.get(here[:length], ())
            if rule.place in places
        )


def _beginnings_of(words: Iterable[str], depth: int = _DEPTH) -> list[str]:
    """Patterns of how the words begin; each may be cut off by the end of the text."""
    tree: dict[str, list[str]] = {}
    for word in sorted(words):
        tree.setdefault(word[0], []).append(word[1:] if depth > 1 else "")
    return [
        re.escape(first)
        if "" in rests
        else f"{re.escape(first)}(?:{'|'.join((*_beginnings_of(rests, depth - 1), chr(92) + 'Z'))})"
        for first, rests in tree.items()
    ]
