"""Figures as people read them: durations, counts, sizes."""

from __future__ import annotations

GAP = "\u00a0"
"""What stands before a unit: the thin spaces of the page's font are too thin to be seen."""


def duration(ms: float | None) -> str:
    """Milliseconds as `412 ms`, `0.38 s`, `12.4 s` or `2 min 05 s`; empty where unknown."""
    if ms is None:
        return ""
    if ms < 1:
        return f"under 1{GAP}ms"
    if ms < 1000:
        return f"{round(ms)}{GAP}ms"
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.2f}{GAP}s"
    if seconds < 60:
        return f"{seconds:.1f}{GAP}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}{GAP}min {rest:02d}{GAP}s"


def count(number: int) -> str:
    """A whole number with separators: `1,184`."""
    return f"{number:,}"


def size(text: str) -> str:
    """How long a text is in UTF-8: `84 bytes`, `12.4 KB`."""
    length = len(text.encode("utf-8", "replace"))
    if length < 1000:
        return f"{length} byte" if length == 1 else f"{length} bytes"
    if length < 1_000_000:
        return f"{length / 1000:.1f}{GAP}KB"
    return f"{length / 1_000_000:.1f}{GAP}MB"


def words(text: str) -> str:
    """How many words a text has: `212 words`."""
    number = len(text.split())
    return f"{count(number)} word" if number == 1 else f"{count(number)} words"
