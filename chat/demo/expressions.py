"""Finding arithmetic in a prompt: `17 * 23`, `the square root of 2`, `15 % of 80`."""

from __future__ import annotations

import re


def expressions_in(prompt: str) -> list[str]:
    """The expressions a prompt asks to be worked out, in Python's notation."""
    text = _DATES.sub(" ; ", prompt)
    for pattern, replacement in _WORDS:
        text = pattern.sub(replacement, text)
    asked = _ASKED.search(prompt) is not None
    found: list[str] = []
    for match in _RUN.finditer(text):
        expression = _tidy(match[0])
        if not _WORTH_IT.search(expression) or expression.count("(") != expression.count(")"):
            continue
        alone = match[0].strip() == text.strip().rstrip("?=. ")
        if (asked or alone) and expression not in found:
            found.append(expression)
    return found


def _tidy(run: str) -> str:
    expression = re.sub(r"(?<=\d),(?=\d{3})", "", run).strip().rstrip("+-*/%.,( ").strip()
    if not expression.startswith("-"):
        expression = expression.lstrip("+*/%.,) ")
    while expression.endswith(")") and expression.count(")") > expression.count("("):
        expression = expression[:-1].rstrip()
    return re.sub(r"\s+", " ", expression)


_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_DATES = re.compile(
    r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|\b24/7\b|-?\d+\.\d+\s*,\s*-?\d+\.\d+"
)
_ASKED = re.compile(
    r"\b(?:calculate|compute|evaluate|solve|work out|what(?:'s|’s| is| are)?|how much|how many|"
    r"equals?|result|sum|product|square root|percent)\b|=|%",
    re.I,
)
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"(?:the )?(?:square root|sqrt) of ({_NUMBER})", re.I), r"sqrt(\1)"),
    (re.compile(rf"({_NUMBER})\s*(?:%|per ?cent) of ({_NUMBER})", re.I), r"\1 / 100 * \2"),
    (re.compile(rf"({_NUMBER}) squared", re.I), r"\1 ** 2"),
    (re.compile(rf"({_NUMBER}) cubed", re.I), r"\1 ** 3"),
    (re.compile(r"\bto the power of\b|\^", re.I), "**"),
    (re.compile(r"(?<=[\d)])\s*(?:\bplus\b)\s*(?=[\d(a-z-])", re.I), " + "),
    (re.compile(r"(?<=[\d)])\s*(?:\bminus\b|[−–])\s*(?=[\d(a-z])", re.I), " - "),
    (re.compile(r"(?<=[\d)])\s*(?:\btimes\b|\bmultiplied by\b|×|·)\s*(?=[\d(a-z-])", re.I), " * "),
    (re.compile(r"(?<=[\d)])\s*x\s*(?=\d)", re.I), " * "),
    (re.compile(r"(?<=[\d)])\s*(?:\bdivided by\b|÷)\s*(?=[\d(a-z-])", re.I), " / "),
)
_FUNCTION = r"\b(?:sqrt|sin|cos|tan|log|exp|abs|round)\("
_TOKEN = rf"(?:{_FUNCTION}|{_NUMBER}|\bpi\b|\*\*|//|[-+*/%()])"
_RUN = re.compile(rf"{_TOKEN}(?:\s*{_TOKEN})*")
# A number alone, or a minus alone as in "3-4 people", is nothing to work out.
_WORTH_IT = re.compile(
    rf"{_FUNCTION}|[\d)]\s*(?:\*\*|//|[+*/%])\s*[-\d(a-z]|[\d)]\s+-\s+[\d(a-z]|^\d+-\d+-"
)
