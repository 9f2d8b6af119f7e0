"""Token counts, wherever in a payload a server puts them; what is absent stays absent."""

from __future__ import annotations

from typing import Any

from chat.engine.completions import UsageDelta
from chat.engine.repairs import RepairLog


class UsageReader:
    """Reads the counts of one answer. The field `usage` goes before every other place."""

    def __init__(self, log: RepairLog) -> None:
        self.sent: dict[str, Any] | None = None
        """The upstream's last usage object as it was sent."""
        self._log = log
        self._has_own = False
        self._last: UsageDelta | None = None
        self._elsewhere: tuple[str, bytes] | None = None
        self._aside: UsageDelta | None = None

    def read(self, payload: dict[str, Any], choice: dict[str, Any] | None) -> UsageDelta | None:
        """The counts that a payload brings, None where it brings none or worse ones."""
        usage = payload.get("usage")
        if usage and isinstance(usage, dict):
            counts = _chat_counts(usage)
            if counts is not None:
                if self._has_own:
                    self._log.note("usage_cumulative")
                self.sent, self._last, self._has_own = usage, counts, True
            return counts
        if not self._has_own:
            return self._read_elsewhere(payload, choice)
        return None

    def finish(self) -> UsageDelta | None:
        """At the end of the answer: the counts of a place that is only looked at in need."""
        if self._has_own:
            return None
        counts = None
        if self._last is None and self._aside is not None:
            counts = self._last = self._aside
        if self._elsewhere is not None and self._last is not None:
            field, raw = self._elsewhere
            self._log.note("usage_elsewhere", raw, field=field)
        return counts

    def _read_elsewhere(
        self, payload: dict[str, Any], choice: dict[str, Any] | None
    ) -> UsageDelta | None:
        groq = payload.get("x_groq")
        if isinstance(groq, dict) and groq.get("usage") and isinstance(groq["usage"], dict):
            self.sent = groq["usage"]
            return self._take("x_groq", _chat_counts(groq["usage"]))
        # Moonshot counts in the choice.
        inside = choice.get("usage") if choice is not None else None
        if inside and isinstance(inside, dict):
            return self._take("choices", _chat_counts(inside))
        for field, read in _ASIDE.items():
            found = payload.get(field)
            if isinstance(found, dict) and (counts := read(found)) is not None:
                self._aside = counts
                if self._last is None:
                    self._elsewhere = field, self._log.raw
        return None

    def _take(self, field: str, counts: UsageDelta | None) -> UsageDelta | None:
        if counts is not None:
            self._elsewhere, self._last = (field, self._log.raw), counts
        return counts


def _chat_counts(usage: dict[str, Any]) -> UsageDelta | None:
    given = _count(usage, "prompt_tokens", "input_tokens")
    made = _count(usage, "completion_tokens", "output_tokens")
    total = _count(usage, "total_tokens")
    if given is None and made is None and total is None:
        return None
    if given is None and made is not None and total is not None:
        given = max(0, total - made)
    if made is None and given is not None and total is not None:
        made = max(0, total - given)
    given, made = given or 0, made or 0
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    reasoning = _count(details, "reasoning_tokens") if isinstance(details, dict) else None
    if reasoning is None:
        reasoning = _count(usage, "reasoning_tokens")
    return UsageDelta(given, made, given + made if total is None else total, reasoning)


def _llama_timings(timings: dict[str, Any]) -> UsageDelta | None:
    """llama.cpp: the prompt's tokens are those from its cache and those it read anew."""
    read, made = _count(timings, "prompt_n"), _count(timings, "predicted_n")
    if read is None or made is None:
        return None
    given = read + (_count(timings, "cache_n") or 0)
    return UsageDelta(given, made, given + made)


def _gemini_counts(usage: dict[str, Any]) -> UsageDelta | None:
    given = _count(usage, "promptTokenCount")
    made = _count(usage, "candidatesTokenCount")
    if given is None and made is None:
        return None
    given, made = given or 0, made or 0
    total = _count(usage, "totalTokenCount")
    reasoning = _count(usage, "thoughtsTokenCount")
    return UsageDelta(given, made, given + made if total is None else total, reasoning)


_ASIDE = {"timings": _llama_timings, "usageMetadata": _gemini_counts}


def _count(counts: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = counts.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**53:
            return int(value)
    return None
