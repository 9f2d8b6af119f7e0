"""docs/bench.md says what a case may hold, and nothing that it may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from chat.bench import cases, findings
from chat.bench.cases import load_suite
from chat.bench.expected import Part
from chat.bench.statistics import Tally, is_clear

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "bench.md").read_text(encoding="utf-8")

SECTIONS: dict[str, type[BaseModel]] = {
    "Suite": cases.Suite,
    "Case": cases.Case,
    "Turn": cases.Turn,
    "Recorded": cases.Recorded,
    "Expect": cases.Expect,
    "Expected call": cases.ExpectedCall,
    "Predicate": cases.Predicate,
    "Count": cases.Count,
    "Expected text": cases.ExpectedText,
    "Judged": cases.Judged,
}


def section(title: str) -> str:
    return PAGE.split(f"### {title}\n")[1].split("\n#")[0]


@pytest.mark.parametrize("title", SECTIONS)
def test_every_field_is_documented_in_its_table_and_no_other(title: str) -> None:
    fields = SECTIONS[title].model_fields
    names = {field.alias or name for name, field in fields.items()}
    rows = re.findall(r"^\| `(\w+)` \|", section(title), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == names


def test_every_part_of_a_case_has_its_section() -> None:
    parts = {part for part in vars(cases).values() if isinstance(part, type)}
    written = {part for part in parts if issubclass(part, Part) and part is not Part}
    assert written == set(SECTIONS.values())


def test_the_example_is_a_suite() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert [case.id for case in load_suite(example).cases] == ["single_city", "no_city"]


def test_every_category_and_every_code_is_documented() -> None:
    for category in cases.CATEGORIES:
        assert f"`{category}`" in section("Case")
    codes = {
        value for name, value in vars(findings).items() if name.isupper() and isinstance(value, str)
    }
    rows = set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE))
    assert codes <= rows


def test_what_is_said_of_clear_changes_is_so() -> None:
    assert not any(is_clear(Tally(0, tries), Tally(tries, tries)) for tries in (1, 2, 3))
    assert is_clear(Tally(0, 4), Tally(4, 4))
    assert not is_clear(Tally(1, 4), Tally(4, 4))
    assert is_clear(Tally(1, 5), Tally(5, 5))
    assert not is_clear(Tally(2, 5), Tally(5, 5))
