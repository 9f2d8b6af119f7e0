"""Contrast of every pair of meanings that may stand on each other, in both themes."""

from __future__ import annotations

import pytest

from tests.site.stylesheets import contrast, meanings, raw_values

PLAIN = ("surface", "surface-panel", "surface-sunken", "surface-track", "surface-float")
INTERACTIVE = ("hover", "pressed", "selected", "selected-strong")
TINTS = ("live-tint", "ok-tint", "warn-tint", "bad-tint")

WORDS = {
    "text": (*PLAIN, *INTERACTIVE, *TINTS, "surface-raised", "mark"),
    "text-strong": (*PLAIN, *INTERACTIVE, *TINTS, "surface-raised", "mark", "ok-strong"),
    "text-soft": (*PLAIN, *INTERACTIVE, *TINTS, "bad-strong"),
    "text-faint": (*PLAIN, "hover", "selected"),
    "link": (*PLAIN, *INTERACTIVE, "warn-tint", "bad-tint"),
    "live-text": (*PLAIN, "live-tint", "selected", "selected-strong"),
    "ok-text": (*PLAIN, "ok-tint", "ok-strong"),
    "warn-text": (*PLAIN, "warn-tint"),
    "bad-text": (*PLAIN, "bad-tint", "bad-strong", "hover"),
    "on-action": ("action", "action-hover", "bad", "bad-hover"),
    "surface": ("text-strong", "text"),
    "syntax-key": ("surface", "surface-panel", "surface-sunken"),
    "syntax-string": ("surface", "surface-panel", "surface-sunken"),
    "syntax-number": ("surface", "surface-panel", "surface-sunken"),
    "syntax-word": ("surface", "surface-panel", "surface-sunken"),
    "syntax-mute": ("surface", "surface-panel", "surface-sunken"),
}
PHASES = ("completion", "extraction", "validation", "execution", "summary", "synthesis")
MARKS = {
    "text-off": (*PLAIN,),
    "line-control": ("surface", "surface-panel", "surface-float"),
    "focus": (*PLAIN, *INTERACTIVE, *TINTS),
    "live": ("surface", "surface-panel", "live-tint", "surface-track"),
    "ok": ("surface", "surface-panel", "selected"),
    "warn": ("surface", "surface-panel", "surface-track", "warn-tint"),
    "bad": ("surface", "surface-panel", "selected", "bad-tint"),
    "action": ("surface", "surface-panel", "surface-float"),
    **{f"phase-{phase}": ("surface", "surface-panel") for phase in PHASES},
    **{f"series-{number}": ("surface", "surface-panel") for number in range(1, 7)},
}


def pairs() -> list[tuple[str, str, float]]:
    """Each foreground, each ground it stands on, and the least contrast."""
    words = [(front, ground, 4.5) for front, grounds in WORDS.items() for ground in grounds]
    marks = [(front, ground, 3.0) for front, grounds in MARKS.items() for ground in grounds]
    return words + marks


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_pair_has_the_contrast_it_needs(theme: str) -> None:
    raw, meaning = raw_values(theme), meanings()
    low = {
        f"{front} on {ground}": round(ratio, 2)
        for front, ground, least in pairs()
        if (ratio := contrast(raw[meaning[front]], raw[meaning[ground]])) < least
    }
    assert low == {}


def test_the_list_is_as_long_as_the_design_says() -> None:
    assert len(pairs()) >= 129


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
