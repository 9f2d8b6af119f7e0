"""A route's capability profile: what its server can do, and the settings that suit it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chat.doctor.findings import OUTCOME_WORDS, ProbeResult
from chat.doctor.probes import BY_CODE
from chat.doctor.suggestions import ByCode, Suggestion, fact, has_outcome, suggest

NOT_KNOWN = "Not known"
NOT_COMPARED = frozenset({"first_token", "speed", "mended"})
"""Figures differ from one examination to the next without anything having changed; repairs are
compared probe by probe."""


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that is known about the server."""

    code: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What an examination comes to; stored with its results."""

    usable: bool
    in_short: str
    capabilities: tuple[Capability, ...]
    suggestions: tuple[Suggestion, ...]

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "usable": self.usable,
            "in_short": self.in_short,
            "capabilities": [asdict(capability) for capability in self.capabilities],
            "suggestions": [asdict(suggestion) for suggestion in self.suggestions],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Profile:
        """As it was stored."""
        return cls(
            usable=stored["usable"],
            in_short=stored["in_short"],
            capabilities=tuple(Capability(**one) for one in stored["capabilities"]),
            suggestions=tuple(Suggestion(**one) for one in stored["suggestions"]),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What is different from the examination before."""

    title: str
    before: str
    after: str


def build_profile(
    results: Sequence[ProbeResult],
    present: Mapping[str, Any],
    refused: Mapping[str, str] | None = None,
) -> Profile:
    """The profile of these results; `present` are the route's settings by field.

    `refused` are the parameters that had to be given up, with the server's words.
    """
    by_code = {result.code: result for result in results}
    capabilities = tuple(_capabilities(by_code))
    usable = any(code in by_code and by_code[code].is_good for code in ("stream", "whole"))
    return Profile(
        usable=usable,
        in_short=_in_short(by_code, usable),
        capabilities=capabilities,
        suggestions=tuple(suggest(by_code, present, refused or {})),
    )


def difference(
    before: tuple[Sequence[ProbeResult], Profile], after: tuple[Sequence[ProbeResult], Profile]
) -> list[Change]:
    """What changed between two examinations: outcomes, repairs, capabilities."""
    changes: list[Change] = []
    earlier = {result.code: result for result in before[0]}
    for result in after[0]:
        was = earlier.get(result.code)
        if was is None or "skipped" in (was.outcome, result.outcome):
            continue
        if (was.outcome, set(was.repairs)) != (result.outcome, set(result.repairs)):
            title = BY_CODE[result.code].title if result.code in BY_CODE else result.code
            changes.append(Change(title, _outcome_words(was), _outcome_words(result)))
    known = {one.code: one.value for one in before[1].capabilities}
    for one in after[1].capabilities:
        value = known.get(one.code, NOT_KNOWN)
        if (
            one.code not in NOT_COMPARED
            and value != one.value
            and NOT_KNOWN not in (value, one.value)
        ):
            changes.append(Change(one.title, value, one.value))
    return changes


def counted(results: Sequence[ProbeResult]) -> dict[str, int]:
    """How many probes had each outcome."""
    return Counter(result.outcome for result in results)


def _outcome_words(result: ProbeResult) -> str:
    word = OUTCOME_WORDS[result.outcome]
    if not result.repairs:
        return word
    return f"{word} ({', '.join(sorted(result.repairs))})"


def _capabilities(by_code: ByCode) -> Iterator[Capability]:
    yield Capability("tools", "Native tool calls", _tools(by_code))
    yield Capability("text_calls", "Calls as text", _text_calls(by_code))
    yield Capability("tool_choice", "Obeys tool_choice", _tool_choice(by_code))
    yield Capability("reasoning", "Reasoning", _reasoning(by_code))
    yield Capability("streaming", "Streams", _plain(by_code, "stream"))
    yield Capability("usage", "Token counts", _plain(by_code, "usage"))
    obeyed = fact(by_code, "token_limit", "obeyed")
    yield Capability("token_limit", "Token limit", ", ".join(obeyed or ()) or NOT_KNOWN)
    yield Capability("system", "System message", _plain(by_code, "system"))
    yield Capability("stop", "Notices a stop", _stops(by_code))
    if window := fact(by_code, "models", "window"):
        yield Capability("context", "Context", f"{window:,} tokens, as the server says")
    if (first := fact(by_code, "stream", "first_token_ms")) is not None:
        yield Capability("first_token", "First token", _duration(first))
    if per_second := fact(by_code, "stream", "per_second"):
        yield Capability("speed", "Speed", f"about {per_second:g} pieces a second")
    if mended := _mended(by_code):
        yield Capability("mended", "Mended", mended)


def _in_short(by_code: ByCode, usable: bool) -> str:
    if not usable:
        first = next((r for r in by_code.values() if r.outcome == "fails"), None)
        return f"Not usable as it is. {first.words}" if first else "Nothing is known yet."
    single = by_code.get("single")
    if _origins(by_code):
        told = "Good for chat and for tools."
        if fact(by_code, "parallel", "calls") == 1:
            told = "Good for chat and for tools, one call at a time."
    elif single is not None and single.outcome == "fails":
        told = "Good for chat. It refuses tools."
    else:
        told = "Good for chat. It called no tool here, though it takes them."
    if any(result.repairs for result in by_code.values()):
        told += " What it does otherwise is mended on the way."
    broken = [BY_CODE[r.code].title for r in by_code.values() if r.outcome == "fails"]
    return f"{told} What fails: {', '.join(broken)}." if broken else told


def _tools(by_code: ByCode) -> str:
    origins = _origins(by_code)
    if any(origin == "native" for origin in origins):
        several = (fact(by_code, "parallel", "calls") or 0) > 1
        return "Yes, several at once" if several else "Yes, one at a time"
    if origins:
        return "No, as text only"
    if has_outcome(by_code, "single", "fails"):
        return "Refused"
    return "None seen" if _was_asked(by_code, "single") else NOT_KNOWN


def _origins(by_code: ByCode) -> list[str]:
    """How each call that was made was read."""
    return [result.facts["origin"] for result in by_code.values() if "origin" in result.facts]


def _text_calls(by_code: ByCode) -> str:
    dialects = fact(by_code, "text_dialect", "dialects")
    if dialects:
        return ", ".join(dialects)
    return "None seen" if _was_asked(by_code, "text_dialect") else NOT_KNOWN


def _tool_choice(by_code: ByCode) -> str:
    words = ("none", "required", "named")
    kept = [word for word in words if fact(by_code, f"choice_{word}", "obeyed")]
    if kept:
        return ", ".join(kept)
    failed = any(has_outcome(by_code, f"choice_{word}", "fails") for word in words)
    return "No" if failed else NOT_KNOWN


def _was_asked(by_code: ByCode, code: str) -> bool:
    return code in by_code and by_code[code].outcome != "skipped"


def _reasoning(by_code: ByCode) -> str:
    place = fact(by_code, "reasoning", "place")
    if place is None:
        return NOT_KNOWN
    tags = {"": "None shown", "tags": "In tags", "unopened": "In tags that the template opens"}
    return tags.get(place, f"In the field {place}")


def _stops(by_code: ByCode) -> str:
    words = []
    for code, when in (("stop_before", "before"), ("stop_after", "after")):
        noticed = fact(by_code, code, "noticed")
        if noticed is not None:
            words.append(f"{'Yes' if noticed else 'No'}, {when} the first token")
    return "; ".join(words) or NOT_KNOWN


def _mended(by_code: ByCode) -> str:
    """Each repair's code and in how many answers it was needed."""
    counts = Counter(code for result in by_code.values() for code in result.repairs)
    return ", ".join(f"{code} ({count})" for code, count in counts.most_common())


def _plain(by_code: ByCode, code: str) -> str:
    result = by_code.get(code)
    words = {"works": "Yes", "repaired": "Yes, mended", "fails": "No"}
    return words.get(result.outcome, NOT_KNOWN) if result is not None else NOT_KNOWN


def _duration(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.2f}\u2009s"
