"""What a dialect is made of: rules, each an opening word and the grammar that reads on from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from chat.engine.tool_calls.pieces import (
    CallArguments,
    CallBegun,
    CallEnded,
    Mended,
    Piece,
    Said,
    Thought,
)
from chat.engine.tool_calls.source import HOLD_LIMIT, Disproved, Source, Waiting

EVIDENCE_LIMIT = 1000
Schema = Mapping[str, Any]
Grammar = Callable[[Source, "Writer"], Waiting[None]]
Place = Literal["anywhere", "line", "start"]


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools that were offered, by name; None where they are unknown and any name counts."""

    schemas: Mapping[str, Schema] | None

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names that count, None for any."""
        return None if self.schemas is None else tuple(self.schemas)

    @property
    def is_empty(self) -> bool:
        """Whether no tool was offered, so that nothing is a call."""
        return self.schemas is not None and not self.schemas

    def has(self, name: str) -> bool:
        """Whether a name is that of a tool."""
        return bool(name) and (self.schemas is None or name in self.schemas)

    def declares(self, tool: str, name: str) -> bool:
        """Whether a tool is known to have a parameter."""
        return name in self.properties(tool)

    def parameter(self, tool: str, name: str) -> Schema:
        """The schema of one parameter, empty where it is unknown."""
        found = self.properties(tool).get(name)
        return found if isinstance(found, Mapping) else {}

    def properties(self, tool: str) -> Mapping[str, Any]:
        """The schemas of all of a tool's parameters in their order, empty where unknown."""
        found = self.schema(tool).get("properties")
        return found if isinstance(found, Mapping) else {}

    def schema(self, tool: str) -> Schema:
        """The schema of a tool's arguments, empty where it is unknown."""
        found = (self.schemas or {}).get(tool)
        return found if isinstance(found, Mapping) else {}


class Writer:
    """Where a grammar puts what it finds. Nothing is put before `commit`; nothing is taken back.

    A grammar begins a call as soon as it is certain, which is as soon as the tool's name stands
    in its place, gives its arguments as they come, and ends it.
    """

    def __init__(
        self, source: Source, offer: Offer, pieces: list[Piece], rule: Rule, first: int
    ) -> None:
        self.offer = offer
        self.committed = False
        self.has_said = False
        self.is_call = rule.is_call
        self.thoughts = True
        """Whether thoughts are told apart; where not, they stay text with their marks."""
        self.calls = first
        self.parts = False
        """Whether what is said next is to stand apart from what was said before."""
        self.pauses: Grammar | None = None
        """How a thought goes on if what interrupts it turns out to be no call."""
        self._source = source
        self._pieces = pieces
        self._dialect = rule.dialect
        self._open = False
        self._is_whole = False
        self._arguments: list[str] = []
        self._repairs: list[str] = []
        self._evidence = ""
        self._told_to = source.mark
        self._untold: list[str] = []

    def commit(self) -> None:
        """From here on the text is what the grammar says it is."""
        self._source.settle()
        if not self.committed:
            if self._source.at - self._source.mark > HOLD_LIMIT:
                raise Disproved
            if self.is_call and self._source.bars_calls:
                raise Disproved
            self.committed = True
            self._source.bounded = False

    def say(self, text: str) -> None:
        """Text for the person."""
        if text:
            self.commit()
            self.has_said = True
            self._pieces.append(Said(text))
            self._tell()

    def think(self, text: str) -> None:
        """A piece of reasoning; it is said where thoughts are not told apart."""
        if text:
            self.commit()
            self._pieces.append(Thought(text) if self.thoughts else Said(text))
            self._tell()

    def begin(self, tool: str, upstream_id: str | None = None) -> None:
        """A call is certain; one still open is ended."""
        self.commit()
        if self._open:
            self.end()
        self._open = True
        self._pieces.append(CallBegun(self.calls, tool, upstream_id or None, self._dialect))
        self._tell()

    def arguments(self, text: str) -> None:
        """A piece of the open call's raw argument text, which is JSON."""
        if text:
            self._arguments.append(text)
            self._pieces.append(CallArguments(self.calls, text))
            self._tell()

    def mend(self, code: str) -> None:
        """The open call deviates from its dialect in a way that is mended."""
        if code not in self._repairs:
            self._repairs.append(code)

    def whole(self) -> None:
        """The open call's arguments are whole: it is complete, whatever comes of the rest."""
        self._is_whole = True

    def end(self, *, complete: bool = True) -> None:
        """The open call is over, or broke off."""
        if not self._open:
            return
        self._pieces.append(
            CallEnded(
                position=self.calls,
                raw_arguments="".join(self._arguments),
                source=self.evidence(),
                complete=complete or self._is_whole,
                repairs=tuple(self._repairs),
                at_end=self._source.ended,
            )
        )
        self._open = self._is_whole = False
        self.calls += 1
        self._arguments, self._repairs = [], []

    def note(self, code: str, raw: str | None = None) -> None:
        """Something was mended that belongs to no call; `raw` where it is not the region."""
        evidence = self.evidence() if raw is None else raw[:EVIDENCE_LIMIT]
        self._pieces.append(Mended(code, evidence))
        self._tell()

    def untold(self) -> str:
        """What was read since the last thing that was found, where no call is open."""
        if self._open:
            return ""
        start = max(self._told_to, self._source.mark)
        return "".join(self._untold) + self._source.text(start, self._source.at)

    def _tell(self) -> None:
        self._told_to = self._source.at
        self._untold.clear()

    def evidence(self) -> str:
        """How the open region begins as it was written, bounded."""
        unforgotten = self._source.text(self._source.mark, self._source.at)
        return (self._evidence + unforgotten)[:EVIDENCE_LIMIT]

    def keep_evidence(self, text: str) -> None:
        """Text of the region, from the mark on, that is about to be forgotten."""
        told = self._told_to - self._source.mark
        if told < len(text):
            self._untold.append(text[max(told, 0) :])
        if len(self._evidence) < EVIDENCE_LIMIT:
            self._evidence = (self._evidence + text)[:EVIDENCE_LIMIT]


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a word may open what a grammar reads.

    `opener` stands at `Source.at` when the grammar begins; it reads it itself. `place`: anywhere,
    where a line begins, or where nothing but blanks, thoughts and calls came before. Nothing opens
    inside code. `dialect` is filled in where a dialect's rules are collected. `ends_thought`: the
    opener is so distinct that a call may open with it where a thought was not closed; "line" where
    a thought that the prompt has opened goes over into a call that begins a line.
    """

    opener: str
    grammar: Grammar
    place: Place = "anywhere"
    is_call: bool = True
    dialect: str = ""
    ends_thought: bool | Literal["line"] = False


def ending_thoughts(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The same rules; their calls may end a thought that the prompt has opened."""
    return tuple(replace(rule, ends_thought="line") for rule in rules)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way in which models write calls, thoughts and channels into their text.

    `rules` are read when the dialect is named, `auto` those of them that are safe to try on any
    text (by default the same). `begins` reads from the first character where the prompt has
    opened a thought that the text only closes, `opens` wherever the dialect is named.
    `thought_ends` close such a thought besides the tags that all dialects share.
    """

    name: str
    rules: tuple[Rule, ...]
    auto: tuple[Rule, ...] | None = None
    begins: Grammar | None = None
    opens: Grammar | None = None
    thought_ends: tuple[str, ...] = ()

    @property
    def auto_rules(self) -> tuple[Rule, ...]:
        """The rules tried when no dialect is named."""
        return self.rules if self.auto is None else self.auto
