"""What there is to try: cases of a file, shipped suites, runs to go on with."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chat.bench.cases import BadSuite, Problem, Suite
from chat.bench.stage_runner.case_files import SHIPPED, TestCases, read_case_file, shipped_suites
from chat.bench.stage_runner.ledger import heads_in

MOST_RUNS = 20


def choose_cases(cases: Suite | TestCases, only: Sequence[str]) -> Suite | TestCases:
    """Those with the named ids, in the file's order; all where none is named. Raises BadSuite."""
    if not only:
        return cases
    listed = cases.cases if isinstance(cases, Suite) else cases
    known = [case.id for case in listed]
    for case_id in only:
        if case_id not in known:
            near = get_close_matches(case_id, known, 1)
            hint = f" The nearest is {near[0]}." if near else ""
            raise BadSuite([Problem(case_id, "", f"there is no such case.{hint}")])
    if isinstance(cases, Suite):
        chosen = [case for case in cases.cases if case.id in only]
        return cases.model_copy(update={"cases": chosen})
    return tuple(case for case in cases if case.id in only)


def print_cases(console: Console, cases: Suite | TestCases | None) -> None:
    """The cases of a file, a line each."""
    if cases is None:
        return
    table = _table(console, "Case", "Category", "What is asked", "What it is")
    if isinstance(cases, Suite):
        for case in cases.cases:
            turns = len(case.all_turns)
            asked = case.all_turns[0].prompt + (f" (and {turns - 1} more)" if turns > 1 else "")
            table.add_row(
                *map(Text, (case.id, case.category.replace("_", " "), asked)),
                _what(case.description),
            )
    else:
        for test_case in cases:
            stage = test_case.stage_a
            judged = "judged" if test_case.evaluation else ""
            strategy = f"{stage.prompt_tool_spec.strategy} {judged}".strip()
            table.add_row(
                *map(Text, (test_case.id, strategy, stage.user_prompt)),
                _what(test_case.description),
            )
    console.print(table)
    count = len(cases.cases) if isinstance(cases, Suite) else len(cases)
    console.print(Text(f"{count} cases"))


def print_known(console: Console, directory: Path) -> None:
    """The shipped suites, and the runs whose state is kept here."""
    table = _table(console, "Suite", "Cases", "What it is")
    for name in shipped_suites():
        suite = read_case_file(SHIPPED / f"{name}.yaml")
        if isinstance(suite, Suite):
            table.add_row(Text(name), Text(str(len(suite.cases))), _what(suite.description))
    console.print(table)
    heads = list(heads_in(directory))[:MOST_RUNS] if directory.is_dir() else []
    if heads:
        table = _table(console, "Run", "Cases", "Done")
        for _, head, done in heads:
            table.add_row(Text(head.run), Text(head.name), Text(f"{done} of {head.total}"))
        console.print(table)


def _table(console: Console, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else box.ASCII2, pad_edge=False)
    for at, name in enumerate(columns):
        table.add_column(name, no_wrap=at == 0)
    return table


def _what(description: str) -> Text:
    return Text(" ".join(description.split()))
