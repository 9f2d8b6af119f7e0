"""Regular expressions of cases, bounded in time, and texts made comparable."""

from __future__ import annotations

import unicodedata

import regex

SECONDS = 0.5
LONGEST = 100_000
"""Characters of a text that are searched."""

_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "−": "-", "–": "-", "‑": "-"})


class PatternTooSlow(Exception):
    """A pattern took longer on a text than a case may."""


def found(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the pattern is anywhere in the text. Raises PatternTooSlow."""
    flags = regex.IGNORECASE if ignore_case else 0
    try:
        return bool(regex.search(pattern, text[:LONGEST], flags, timeout=SECONDS, concurrent=True))
    except TimeoutError:
        raise PatternTooSlow(f"“{pattern[:80]}” took longer than {SECONDS:g} s") from None


def comparable(text: str, *, ignore_case: bool = False) -> str:
    """A text with one kind of space, dash and quotation mark, so that they make no difference."""
    plain = " ".join(unicodedata.normalize("NFKC", text).translate(_PLAIN).split())
    return plain.casefold() if ignore_case else plain
