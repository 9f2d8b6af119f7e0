"""Formulas stay the text they are: Markdown must not read their stars, bars and backslashes."""

from markdown_it.rules_inline import StateInline

_PAIRS = (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"))


def formula(state: StateInline, silent: bool) -> bool:
    """Take a formula verbatim (an inline rule of markdown-it)."""
    end = _end_of_formula(state.src, state.pos, state.posMax)
    if end < 0:
        return False
    if not silent:
        state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def _end_of_formula(src: str, start: int, limit: int) -> int:
    if src[start] not in "\\$":
        return -1
    for opening, closing in _PAIRS:
        if src.startswith(opening, start):
            end = src.find(closing, start + 2, limit)
            return end + 2 if end >= 0 else -1
    if src[start] == "\\":
        return -1
    # Pandoc's rule, which tells a formula from two prices.
    end = src.find("$", start + 1, limit)
    if end <= start + 1 or src[start + 1].isspace() or src[end - 1].isspace():
        return -1
    return -1 if src[end + 1 : end + 2].isdigit() else end + 1
