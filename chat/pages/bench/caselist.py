"""The cases of a suite as its page lists them: by category, with what each expects in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chat.bench.cases import Case, Expect
from chat.bench.yaml_text import write_yaml
from chat.pages.bench.words import category_words, plural


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case: what it is about, what it expects, and the whole of it."""

    id: str
    description: str
    expects: str
    yaml: str


@dataclass(frozen=True, slots=True)
class CaseGroup:
    """The cases of one category; `turns` are all their prompts, each a stage."""

    category: str
    name: str
    rows: tuple[CaseRow, ...]
    turns: int


def group_cases(cases: Sequence[Case]) -> tuple[CaseGroup, ...]:
    """The cases by category, in the order in which the categories come."""
    groups: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.category].append(case)
    return tuple(
        CaseGroup(
            category,
            category_words(category),
            tuple(_row(case) for case in members),
            sum(len(case.all_turns) for case in members),
        )
        for category, members in groups.items()
    )


def expects_words(case: Case) -> str:
    """What must come true, in a few words."""
    turns = case.all_turns
    if len(turns) == 1:
        return _expects(turns[0].expect)
    told = dict.fromkeys(_expects(turn.expect) for turn in turns)
    return f"{plural(len(turns), 'turn')}: {'; '.join(told)}"


def _row(case: Case) -> CaseRow:
    return CaseRow(
        case.id, case.description, expects_words(case), write_yaml(case.as_json()).rstrip()
    )


def _expects(expect: Expect) -> str:
    told = []
    if expect.calls:
        counts = Counter(call.tool for call in expect.calls)
        names = ", ".join(tool if n == 1 else f"{tool} × {n}" for tool, n in counts.items())
        how = " side by side" if expect.parallel else ""
        how += " in this order" if expect.order == "as_listed" and len(expect.calls) > 1 else ""
        told.append(f"calls {names}{how}")
    if expect.no_calls:
        told.append("calls nothing")
    if expect.asks:
        told.append("asks back")
    if expect.not_called:
        told.append(f"does not call {', '.join(expect.not_called)}")
    if expect.text:
        told.append("words in the answer")
    if expect.judge:
        told.append("a judge’s verdict")
    return ", ".join(told) or "an answer"
