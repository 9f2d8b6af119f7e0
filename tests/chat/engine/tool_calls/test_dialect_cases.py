"""The project's own cases of every dialect, named and by `auto`, whole and in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat.engine.tool_calls.dialects import DIALECT_NAMES
from chat.engine.tool_calls.reader import TextReader
from chat.explain.cuts import Cut
from chat.explain.text_answer import TextAnswer, read_text
from tests.chat.engine.tool_calls.cases import Case, all_cases

CASES = all_cases()
CUTS = ("whole", "bytes", *(f"random:{seed}" for seed in range(8)))


def each_case(*, auto: bool = False) -> pytest.MarkDecorator:
    chosen = [(d, c) for d, c in CASES if not (auto and c.auto == "open")]
    ids = [f"{dialect}: {case.about}" for dialect, case in chosen]
    return pytest.mark.parametrize(("dialect", "case"), chosen, ids=ids)


def read(case: Case, dialect: str, cut: str) -> TextAnswer:
    reader = TextReader(
        case.tools,
        dialect=dialect,
        starts_inside_thinking=case.starts_inside_thinking,
        thoughts=case.thoughts,
    )
    return read_text(reader, Cut.named(cut).pieces(case.raw))


def called(answer: TextAnswer) -> list[tuple[str, Any]]:
    return [(call.tool, parsed(call.raw_arguments)) for call in answer.calls]


def parsed(raw: str) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except ValueError:
        return raw


@each_case()
def test_a_named_dialect_reads_it(dialect: str, case: Case) -> None:
    answer = read(case, dialect, "whole")
    assert called(answer) == list(case.calls)
    assert answer.text.strip() == case.text.strip()
    assert answer.reasoning.strip() == case.reasoning.strip()
    if case.ids is not None:
        assert tuple(call.upstream_id for call in answer.calls) == case.ids


@each_case(auto=True)
def test_auto_reads_it(dialect: str, case: Case) -> None:
    answer = read(case, "auto", "whole")
    if case.auto == "text":
        assert called(answer) == []
        assert answer.text.strip() == case.raw.strip()
    else:
        assert called(answer) == list(case.calls)
        assert answer.text.strip() == case.text.strip()
        assert answer.reasoning.strip() == case.reasoning.strip()


@each_case()
def test_cuts_change_nothing(dialect: str, case: Case) -> None:
    for name in (dialect, "auto", "off"):
        answers = {cut: read(case, name, cut) for cut in CUTS}
        wrong = [cut for cut in CUTS if answers[cut] != answers["whole"]]
        assert not wrong, (name, wrong[0], answers[wrong[0]], answers["whole"])


@each_case()
def test_off_leaves_calls_in_the_text(dialect: str, case: Case) -> None:
    assert read(case, "off", "whole").calls == []


def test_every_dialect_has_cases() -> None:
    assert {dialect for dialect, _ in CASES} >= set(DIALECT_NAMES) - {"auto", "off"}
