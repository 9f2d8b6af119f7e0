"""Case files of both formats: the origin's test cases, and suites of the bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chat.bench.cases import MOST_CASES, BadSuite, Problem, Suite, read_suite
from chat.bench.stage_runner.test_case import TestCase
from chat.bench.yaml_text import BadYaml, read_yaml

SHIPPED = Path(__file__).resolve().parent.parent / "suites"
LARGEST = 8_000_000

TestCases = tuple[TestCase, ...]


def shipped_suites() -> tuple[str, ...]:
    """The names of the suites that come with Toolbench."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def find_case_file(name: str) -> Path:
    """The file that a person names, by its path or as a shipped suite. Raises BadSuite."""
    path = Path(name)
    if path.is_file():
        return path
    if name in shipped_suites():
        return SHIPPED / f"{name}.yaml"
    shipped = ", ".join(shipped_suites()) or "none"
    raise BadSuite([Problem("", "", f"There is no file {name}. Shipped suites: {shipped}.")])


def read_case_file(path: Path) -> Suite | TestCases:
    """What is in a file. Raises BadSuite, whose words name case and field."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadSuite([Problem("", "", f"{path} is too large for a file of cases.")])
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadSuite([Problem("", "", f"{path} cannot be read: {reason}.")]) from None
    except UnicodeDecodeError:
        raise BadSuite([Problem("", "", f"{path} is not text in UTF-8.")]) from None
    try:
        raw = read_yaml(text)
    except BadYaml as error:
        raise BadSuite([Problem("", "", str(error))]) from None
    return read_cases(raw)


def read_cases(raw: Any) -> Suite | TestCases:
    """What a value holds: a list or `test_cases` are the origin's, all else is a suite."""
    if isinstance(raw, dict) and "test_cases" in raw:
        if more := sorted(set(raw) - {"test_cases"}):
            words = "is not known beside test_cases."
            raise BadSuite([Problem("", str(name), words) for name in more])
        raw = raw["test_cases"]
        if not isinstance(raw, list):
            raise BadSuite([Problem("", "test_cases", "Write a list of test cases.")])
    if not isinstance(raw, list):
        return read_suite(raw)
    if not raw:
        raise BadSuite([Problem("", "", "The file holds no test case.")])
    if len(raw) > MOST_CASES:
        raise BadSuite([Problem("", "", f"A file may hold {MOST_CASES:,} cases at most.")])
    return _test_cases(raw)


def _test_cases(raw: list[Any]) -> TestCases:
    problems: list[Problem] = []
    cases: list[TestCase] = []
    seen: set[str] = set()
    for number, item in enumerate(raw, 1):
        own = item.get("id") if isinstance(item, dict) else None
        name = own[:80] if isinstance(own, str) and own else f"case {number}"
        try:
            case = TestCase.model_validate(item)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False, include_context=False):
                words = one["msg"].removeprefix("Value error, ")[:300]
                problems.append(Problem(name, ".".join(map(str, one["loc"])), words))
            continue
        if case.id in seen:
            problems.append(Problem(name, "id", "two cases have this id"))
        seen.add(case.id)
        cases.append(case)
    if problems:
        raise BadSuite(problems)
    return tuple(cases)
