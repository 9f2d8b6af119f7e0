"""Figures in the words of the console's report; what is not known is left empty."""

from __future__ import annotations

from collections.abc import Sequence

from chat.bench.statistics import Interval, Tally
from chat.bench.summary import TargetFigures


def share(tally: Tally) -> str:
    """So many of so many."""
    return f"{tally.passed}/{tally.ended}" if tally.ended else "none"


def percent(rate: float | None) -> str:
    """A share in whole percent."""
    return "" if rate is None else f"{rate * 100:.0f} %"


def span(interval: Interval | None) -> str:
    """An interval of shares in whole percent."""
    return "" if interval is None else f"{interval.low * 100:.0f}–{interval.high * 100:.0f} %"


def points(interval: Interval | None) -> str:
    """An interval of a difference, in points of a hundred."""
    if interval is None:
        return "no interval"
    return f"{interval.low * 100:+.0f} to {interval.high * 100:+.0f} points"


def hats(chances: Sequence[float]) -> str:
    """The last: the chance that all tries of a case pass."""
    if not chances:
        return ""
    return f"^{len(chances)} {percent(chances[-1])}"


def duration(milliseconds: float | None) -> str:
    """Milliseconds, as seconds where they are many."""
    if milliseconds is None:
        return ""
    return f"{milliseconds:,.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:,.1f} s"


def tokens(figures: TargetFigures) -> str:
    """Tokens read and written."""
    if figures.input_tokens is None and figures.output_tokens is None:
        return ""
    return f"{figures.input_tokens or 0:,} + {figures.output_tokens or 0:,}"


def cost(figures: TargetFigures) -> str:
    """Money, where the route has prices."""
    if figures.cost is None:
        return ""
    return f"{figures.cost:.4f} {figures.currency}".strip()
