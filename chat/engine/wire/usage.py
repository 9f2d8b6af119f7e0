"""Token counts, wherever in a payload a server puts them."""

from __future__ import annotations

from typing import Any

from chat.engine.completions import UsageDelta


def read_usage(payload: dict[str, Any]) -> UsageDelta | None:
    """The counts of a payload: `usage`, else Groq's `x_groq.usage`; None where it has none."""
    usage = payload.get("usage")
    if not isinstance(usage, dict):
        beside = payload.get("x_groq")
        usage = beside.get("usage") if isinstance(beside, dict) else None
    if not isinstance(usage, dict):
        return None
    given = _count(usage, "prompt_tokens", "input_tokens")
    made = _count(usage, "completion_tokens", "output_tokens")
    total = _count(usage, "total_tokens")
    if given is None and made is None and total is None:
        return None
    given, made = given or 0, made or 0
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    reasoning = _count(details, "reasoning_tokens") if isinstance(details, dict) else None
    if reasoning is None:
        reasoning = _count(usage, "reasoning_tokens")
    return UsageDelta(given, made, given + made if total is None else total, reasoning)


def _count(counts: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = counts.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**53:
            return int(value)
    return None
