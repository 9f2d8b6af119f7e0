"""A stage's figures: tokens by request, and times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chat.models import Stage
from chat.pages import figures


@dataclass(frozen=True, slots=True)
class Figures:
    """The usage line; an empty text is a figure that is not known."""

    input_tokens: str = ""
    output_tokens: str = ""
    first_token: str = ""
    total: str = ""
    rate: str = ""
    queued: str = ""


def total_ms(stage: Stage) -> float | None:
    """How long the stage took; None while it runs."""
    if "total_ms" in stage.timings:
        return float(stage.timings["total_ms"])
    if stage.ended_at is None:
        return None
    return (stage.ended_at - stage.created_at).total_seconds() * 1000


def totals_of(stage: Stage) -> list[dict[str, Any]]:
    """What the row says of tokens, where the journal no longer says it by request."""
    kept = [stage.usage] if isinstance(stage.usage, dict) else list(stage.usage or [])
    # No figure is drawn for what was not reported.
    return [entry for entry in kept if entry.get("total_tokens") or entry.get("input_tokens")]


def figures_of(
    stage: Stage, usage: list[dict[str, Any]], mode: str, total: float | None
) -> Figures:
    """The usage line; `usage` has an entry per request, or one for all."""
    first = stage.timings.get("first_token_ms")
    given = sum(int(entry.get("input_tokens", 0)) for entry in usage)
    written = sum(int(entry.get("output_tokens", 0)) for entry in usage)
    rate = ""
    if mode == "chat" and stage.stream and written and first is not None and total:
        seconds = (total - first) / 1000
        rate = f"{written / seconds:.0f} tokens/s" if seconds > 0.05 else ""
    return Figures(
        input_tokens=figures.count(given) if usage else "",
        output_tokens=figures.count(written) if usage else "",
        first_token=figures.duration(first),
        total="" if stage.is_active else figures.duration(total),
        rate=rate,
    )


def usage_rows(requests: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Tokens of each request, by the name of its phase."""
    rows = []
    for entry in requests:
        phase = entry.get("phase")
        name = {"chat": "Completion", "synthesis": "Synthesis"}.get(
            str(phase), f"Round {entry.get('round', 1)}"
        )
        words = (
            f"{figures.count(int(entry.get('input_tokens', 0)))} in, "
            f"{figures.count(int(entry.get('output_tokens', 0)))} out"
        )
        rows.append((name, words))
    return tuple(rows)
