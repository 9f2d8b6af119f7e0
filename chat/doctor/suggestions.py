"""Settings that suit a server better than those that its route has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chat.doctor.findings import ProbeResult

ByCode = Mapping[str, ProbeResult]

SETTINGS = (
    "upstream_model",
    "token_limit_fields",
    "tool_temperature",
    "synthesis_temperature",
    "stream_usage",
    "starts_inside_thinking",
    "text_dialect",
    "context_budget",
)
"""The route's fields that the doctor may speak of."""

RESERVED_TOKENS = 1024
"""What a context budget leaves for the answer, at least."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another value for one of the route's settings, and why."""

    field: str
    present: Any
    suggested: Any
    why: str


def suggest(
    by_code: ByCode, present: Mapping[str, Any], refused: Mapping[str, str]
) -> Iterator[Suggestion]:
    """What the results speak for, where the route says something else; `present` is by field."""

    def unless_present(field: str, value: Any, why: str) -> Iterator[Suggestion]:
        if field in present and present[field] != value:
            yield Suggestion(field, present[field], value, why)

    obeyed = fact(by_code, "token_limit", "obeyed") or []
    verdicts = fact(by_code, "token_limit", "verdicts") or {}
    own = list(present.get("token_limit_fields", ()))
    bad = [name for name in own if verdicts.get(name) == "refused"]
    if obeyed and (bad or not set(own) & set(obeyed)):
        kept = [name for name in own if name in obeyed] or obeyed[:1]
        yield from unless_present(
            "token_limit_fields", kept, f"The server obeys {kept[0]} and not what is sent now."
        )
    if "temperature" in refused:
        why = "The server refuses the temperature."
        yield from unless_present("tool_temperature", None, why)
        yield from unless_present("synthesis_temperature", None, why)
    if fact(by_code, "usage", "stream_usage") is False:
        yield from unless_present(
            "stream_usage", False, "The server refuses streams that ask for token counts."
        )
    elif has_outcome(by_code, "usage", "works"):
        yield from unless_present("stream_usage", True, "The server sends token counts.")
    place = fact(by_code, "reasoning", "place")
    if place is not None:
        if place == "unopened":
            yield from unless_present(
                "starts_inside_thinking",
                True,
                "The thoughts end with a tag that nothing opened. So they are told from the "
                "answer at its first word.",
            )
        elif place:
            yield from unless_present(
                "starts_inside_thinking", False, "The thoughts are marked from their beginning."
            )
    if fact(by_code, "text_dialect", "dialects") and present.get("text_dialect") == "off":
        yield from unless_present("text_dialect", "auto", "Calls come written as text.")
    window, budget = fact(by_code, "models", "window"), present.get("context_budget")
    if window and budget and budget + RESERVED_TOKENS > window > 2 * RESERVED_TOKENS:
        yield from unless_present(
            "context_budget",
            window - RESERVED_TOKENS,
            f"The server reads {window:,} tokens, the answer's among them.",
        )
    names = fact(by_code, "models", "models") or []
    wanted = present.get("upstream_model")
    if len(names) == 1 and names != [wanted] and not has_outcome(by_code, "models", "works"):
        yield from unless_present("upstream_model", names[0], "It is the server's only model.")


def fact(by_code: ByCode, code: str, name: str) -> Any:
    """One fact that a probe noted; None where it was not asked or found none."""
    result = by_code.get(code)
    return result.facts.get(name) if result is not None else None


def has_outcome(by_code: ByCode, code: str, outcome: str) -> bool:
    """Whether a probe was asked and ended so."""
    result = by_code.get(code)
    return result is not None and result.outcome == outcome
