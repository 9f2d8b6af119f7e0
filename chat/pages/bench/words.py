"""Words of the bench's pages: categories, states, amounts."""

from __future__ import annotations

from decimal import Decimal

from chat.models import BenchRun
from chat.pages.figures import GAP, count

CATEGORY_WORDS = {
    "simple": "Simple",
    "multiple": "Multiple",
    "parallel": "Parallel",
    "irrelevance": "Irrelevance",
    "missing_parameter": "Missing parameter",
    "multi_turn": "Multi-turn",
}
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


def category_words(category: str) -> str:
    """A category's name."""
    return CATEGORY_WORDS.get(category, category.replace("_", " ").capitalize())


def plural(number: int, word: str, many: str = "") -> str:
    """A count and its noun: `1 case`, `12 cases`."""
    return f"{count(number)} {word if number == 1 else many or f'{word}s'}"


def money(amount: Decimal, currency: str) -> str:
    """An amount as `€ 0.41`; small ones keep two figures that say something."""
    sign = _SIGNS.get(currency.upper(), currency)
    if amount == 0:
        shown = "0"
    elif amount >= Decimal("0.01"):
        shown = f"{amount:,.2f}"
    else:
        shown = f"{amount:.{1 - amount.adjusted()}f}"
    return f"{sign}{GAP}{shown}" if sign else shown


def signed(number: int) -> str:
    """A difference with its sign; a true minus."""
    return f"+{number}" if number > 0 else f"\u2212{-number}" if number < 0 else "0"


def run_title(run: BenchRun) -> str:
    """What a run is called."""
    return f"Run {run.number}" if run.number else f"Run {str(run.pk)[:8]}"


def share(value: float) -> str:
    """A share between 0 and 1 as `0.95`."""
    return f"{value:.2f}"


def signed_share(value: float) -> str:
    """A difference of shares with its sign; a true minus."""
    shown = f"{abs(value):.2f}"
    return f"+{shown}" if value > 0 else f"\u2212{shown}" if value < 0 else shown
