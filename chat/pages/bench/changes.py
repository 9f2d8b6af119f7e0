"""What became of cases since an earlier run: marks in the grid, and the list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chat.bench.summary import CaseChange, Difference, Target
from chat.pages.bench.addresses import Chosen, target_key
from chat.pages.bench.words import plural

_GLYPHS = {"regressed": "arrow-down", "improved": "arrow-up"}
_KINDS = {"regressed": "worse", "improved": "better"}


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that passes fewer or more of its tries than before."""

    kind: str
    glyph: str
    words: str
    spoken: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A line of the list of changes."""

    kind: str
    glyph: str
    word: str
    case_id: str
    target: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class ChangeList:
    """All changes since an earlier run: the worse ones first."""

    rows: tuple[ChangeRow, ...]
    note: str
    worse: int
    better: int


def marks_of(differences: Sequence[Difference]) -> Mapping[tuple[str, Target], Change]:
    """The changes by cell."""
    return {
        (change.case_id, difference.target): _mark(change)
        for difference in differences
        for change in difference.changes
    }


def list_changes(differences: Sequence[Difference], chosen: Chosen) -> ChangeList:
    """The changes as a list, those that are more than noise said to be so."""
    found = [(change, each.target) for each in differences for change in each.changes]
    found.sort(key=lambda pair: (pair[0].kind != "regressed", not pair[0].clear))
    worse = sum(change.kind == "regressed" for change, _ in found)
    left_out = dict.fromkeys(case for each in differences for case in each.left_out)
    note = ""
    if not differences:
        note = "none of these routes was in that run"
    elif left_out:
        note = f"{plural(len(left_out), 'case')} left out: new, or other than then"
    return ChangeList(
        rows=tuple(_row(change, target, chosen) for change, target in found),
        note=note,
        worse=worse,
        better=len(found) - worse,
    )


def _mark(change: CaseChange) -> Change:
    was = f"{change.before.passed}/{change.before.ended}"
    word = _KINDS[change.kind]
    return Change(
        kind=word,
        glyph=_GLYPHS[change.kind],
        words=f"was {was}",
        spoken=f"{word} than before: {change.before.passed} of {change.before.ended}",
    )


def _row(change: CaseChange, target: Target, chosen: Chosen) -> ChangeRow:
    now, before = change.now, change.before
    clear = "more than noise" if change.clear else "may be noise"
    return ChangeRow(
        kind=_KINDS[change.kind],
        glyph=_GLYPHS[change.kind],
        word=change.kind.capitalize(),
        case_id=change.case_id,
        target=str(target),
        words=f"{before.passed} of {before.ended}, now {now.passed} of {now.ended}; {clear}",
        url=chosen.address(case=change.case_id, on=target_key(target)),
    )
