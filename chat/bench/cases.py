"""The format of cases: what is asked, what the tools answer, and what is expected."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from chat.bench.complaints import complaint
from chat.bench.expected import (
    Count,
    Expect,
    ExpectedCall,
    ExpectedText,
    Judged,
    Part,
    Predicate,
    Text,
    ToolName,
)
from chat.bench.yaml_text import BadYaml, read_yaml, write_yaml

__all__ = [
    "CATEGORIES",
    "MOST_CASES",
    "BadSuite",
    "Case",
    "Category",
    "Count",
    "Expect",
    "ExpectedCall",
    "ExpectedText",
    "Judged",
    "Predicate",
    "Problem",
    "Recorded",
    "Suite",
    "Turn",
    "load_suite",
    "read_case",
    "read_suite",
    "suite_yaml",
]

CATEGORIES = (
    "simple",
    "multiple",
    "parallel",
    "irrelevance",
    "missing_parameter",
    "multi_turn",
)
Category = Literal[
    "simple", "multiple", "parallel", "irrelevance", "missing_parameter", "multi_turn"
]

MOST_CASES = 2_000
MOST_TURNS = 50
MOST_RECORDED = 500

CaseId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,80}$")]


class Recorded(Part):
    """A result that is replayed for calls with these arguments."""

    tool: ToolName
    arguments: dict[str, JsonValue] | None = None
    """Absent: whatever the arguments."""
    match: Literal["partial", "exact"] = "partial"
    where: dict[str, Predicate] = {}
    """Predicates as of an expected call: coordinates are given by a model as it knows them."""
    result: JsonValue = None
    error: Text | None = None

    @model_validator(mode="after")
    def _has_one_outcome(self) -> Self:
        if ("result" in self.model_fields_set) == (self.error is not None):
            raise ValueError("give result or error, one of them")
        return self


class Turn(Part):
    """One prompt of a conversation, and what is expected of the answer."""

    prompt: Text
    expect: Expect = Expect()


class Case(Part):
    """One thing to try: a prompt, or several turns in one conversation."""

    id: CaseId
    category: Category = "simple"
    description: str = ""
    tools: list[ToolName] | None = None
    """Offered; absent: all that the user may use."""
    system_prompt: str | None = None
    """Absent: the route's."""
    mode: Literal["chat", "toolchain"] = "toolchain"
    synthesis: bool = True
    stream: bool = True
    prompt: Text | None = None
    turns: Annotated[list[Turn], Field(max_length=MOST_TURNS)] | None = None
    recorded: Annotated[list[Recorded], Field(max_length=MOST_RECORDED)] = []
    live: bool | None = None
    """The real tools run instead of `recorded`; absent: as the suite says."""
    expect: Expect = Expect()

    @model_validator(mode="after")
    def _is_one_conversation(self) -> Self:
        if (self.prompt is None) == (self.turns is None):
            raise ValueError("give prompt or turns, one of them")
        if self.turns is not None and not self.turns:
            raise ValueError("turns needs at least one turn")
        if self.turns is not None and "expect" in self.model_fields_set:
            raise ValueError("write expect into the turns, each has its own")
        if self.mode == "chat" and (self.tools or self.recorded):
            raise ValueError("mode chat offers no tools")
        return self

    @property
    def all_turns(self) -> tuple[Turn, ...]:
        """The prompts with what is expected, however they were written."""
        if self.turns is not None:
            return tuple(self.turns)
        return (Turn(prompt=self.prompt or "", expect=self.expect),)

    @property
    def is_judged(self) -> bool:
        """Whether another model has a say."""
        return any(turn.expect.judge is not None for turn in self.all_turns)

    @property
    def digest(self) -> str:
        """What tells its content from another's."""
        body = json.dumps(self.as_json(), sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """As it is stored and written: what was given, nothing else."""
        return self.model_dump(mode="json", exclude_unset=True)


class Suite(Part):
    """Cases that are run together."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(alias="suite")
    description: str = ""
    live: bool = False
    """The real tools run unless a case says otherwise."""
    cases: Annotated[list[Case], Field(min_length=1, max_length=MOST_CASES)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        seen: set[str] = set()
        for case in self.cases:
            if case.id in seen:
                raise ValueError(f"two cases have the id {case.id}")
            seen.add(case.id)
        return self

    def as_json(self) -> dict[str, Any]:
        """As it is stored and written."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a suite, and where."""

    case: str
    """The case's id, or `case 3`; empty for the suite itself."""
    field: str
    message: str

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.case, self.field) if part)
        return f"{where}: {self.message}" if where else self.message


class BadSuite(ValueError):
    """A text or value that is no suite; `problems` name case and field."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        more = f" And {len(problems) - 5} more." if len(problems) > 5 else ""
        super().__init__("; ".join(str(problem) for problem in problems[:5]) + more)


def load_suite(text: str) -> Suite:
    """The suite in a YAML (or JSON) text. Raises BadSuite."""
    try:
        raw = read_yaml(text)
    except BadYaml as error:
        raise BadSuite([Problem("", "", str(error))]) from None
    return read_suite(raw)


def read_suite(raw: Any) -> Suite:
    """The suite in a value that was read before. Raises BadSuite."""
    if not isinstance(raw, dict):
        raise BadSuite([Problem("", "", "Write an object with suite and cases.")])
    try:
        return Suite.model_validate(raw)
    except ValidationError as error:
        raise BadSuite([_problem(raw, item) for item in _items(error)]) from None


def read_case(raw: Any) -> Case:
    """A case as it was stored. Raises BadSuite."""
    try:
        return Case.model_validate(raw)
    except ValidationError as error:
        holder = {"cases": [raw]}
        items = [(("cases", 0, *loc), message) for loc, message in _items(error)]
        raise BadSuite([_problem(holder, item) for item in items]) from None


def suite_yaml(suite: Suite) -> str:
    """A suite as the YAML text that `load_suite` reads."""
    return write_yaml(suite.as_json())


def _items(error: ValidationError) -> list[tuple[tuple[Any, ...], str]]:
    return [
        (tuple(item["loc"]), complaint(item)[:300])
        for item in error.errors(include_url=False, include_input=False)
    ][:50]


def _problem(raw: dict[str, Any], item: tuple[tuple[Any, ...], str]) -> Problem:
    loc, message = item
    if len(loc) < 2 or loc[0] != "cases" or not isinstance(loc[1], int):
        return Problem("", ".".join(map(str, loc)), message)
    case = raw["cases"][loc[1]]
    case_id = case.get("id") if isinstance(case, dict) else None
    name = case_id[:80] if isinstance(case_id, str) and case_id else f"case {loc[1] + 1}"
    return Problem(name, ".".join(map(str, loc[2:])), message)
