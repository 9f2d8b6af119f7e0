"""The format of cases: what is asked, what the tools answer, and what is expected."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import regex
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from chat.bench.yaml_text import BadYaml, read_yaml, write_yaml

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
Match = Literal["partial", "exact", "schema"]

MOST_CASES = 2_000
MOST_TURNS = 50
MOST_RECORDED = 500
MOST_CALLS = 100
"""That are expected of a turn."""

CaseId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,80}$")]
ToolName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class _Part(BaseModel):
    """What every part of a case has in common: nothing but what is named here."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )


class Predicate(_Part):
    """What one argument's value must be like; all that is given must hold."""

    near: float | None = None
    """A number no further away than `within`."""
    within: Annotated[float, Field(ge=0)] | None = None
    min: float | None = None
    max: float | None = None
    matches: Pattern | None = None
    """A regular expression found in the text."""
    contains: JsonValue = None
    """A part of a text, or an element of a list."""
    one_of: list[JsonValue] | None = None
    ignore_case: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.within is not None and self.near is None:
            raise ValueError("give within together with near")
        asks = (self.near, self.min, self.max, self.matches, self.contains, self.one_of)
        if all(one is None for one in asks):
            raise ValueError("give one of near, min, max, matches, contains and one_of")
        if self.one_of is not None and not self.one_of:
            raise ValueError("one_of needs at least one value")
        _check_pattern(self.matches)
        return self


class ExpectedCall(_Part):
    """A call that must be made; each needs a call of its own."""

    tool: ToolName
    arguments: dict[str, JsonValue] = {}
    """By `match`: these among others, exactly these, or a JSON schema (none: the tool's own)."""
    match: Match = "partial"
    where: dict[str, Predicate] = {}
    """Predicates by the argument's name, or by a path such as `points.0.latitude`."""
    round: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _schema_is_one(self) -> Self:
        if self.match == "schema" and self.arguments:
            from jsonschema import Draft202012Validator
            from jsonschema.exceptions import SchemaError

            try:
                Draft202012Validator.check_schema(self.arguments)
            except SchemaError as error:
                raise ValueError(f"arguments is no JSON schema: {error.message[:200]}") from None
        return self


class Count(_Part):
    """How many calls there must be in all."""

    exactly: Annotated[int, Field(ge=0)] | None = None
    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.exactly is None and self.min is None and self.max is None:
            raise ValueError("give exactly, or min, or max")
        if self.exactly is not None and (self.min is not None or self.max is not None):
            raise ValueError("give exactly alone, or min and max")
        return self


class ExpectedText(_Part):
    """What the final text must be like."""

    contains: list[Text] = []
    contains_any: list[Text] = []
    matches: Pattern | None = None
    lacks: list[Text] = []
    ignore_case: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.contains or self.contains_any or self.matches or self.lacks):
            raise ValueError("give contains, contains_any, matches or lacks")
        _check_pattern(self.matches)
        return self


class Judged(_Part):
    """Another model judges the answer by a rubric."""

    rubric: Text
    route: str | None = None
    """The judge's route; absent: the run's."""


class Expect(_Part):
    """What must be so after a turn; what is absent is not looked at."""

    calls: Annotated[list[ExpectedCall], Field(max_length=MOST_CALLS)] = []
    order: Literal["any", "as_listed"] = "any"
    count: Count | None = None
    """Absent, and calls given: exactly as many as are listed."""
    parallel: bool = False
    no_calls: bool = False
    not_called: list[ToolName] = []
    asks: bool = False
    text: ExpectedText | None = None
    judge: Judged | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if (self.no_calls or self.asks) and self.calls:
            raise ValueError("calls cannot be expected together with no_calls or asks")
        if self.parallel and len(self.calls) < 2:
            raise ValueError("parallel needs at least two expected calls")
        if self.parallel and len({c.round for c in self.calls if c.round is not None}) > 1:
            raise ValueError("parallel calls cannot be expected in different rounds")
        both = {call.tool for call in self.calls} & set(self.not_called)
        if both:
            raise ValueError(f"{', '.join(sorted(both))} is in calls and in not_called")
        return self


class Recorded(_Part):
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


class Turn(_Part):
    """One prompt of a conversation, and what is expected of the answer."""

    prompt: Text
    expect: Expect = Expect()


class Case(_Part):
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


class Suite(_Part):
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
        (tuple(item["loc"]), item["msg"].removeprefix("Value error, ")[:300])
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ][:50]


def _problem(raw: dict[str, Any], item: tuple[tuple[Any, ...], str]) -> Problem:
    loc, message = item
    if len(loc) < 2 or loc[0] != "cases" or not isinstance(loc[1], int):
        return Problem("", ".".join(map(str, loc)), message)
    case = raw["cases"][loc[1]]
    case_id = case.get("id") if isinstance(case, dict) else None
    name = case_id[:80] if isinstance(case_id, str) and case_id else f"case {loc[1] + 1}"
    return Problem(name, ".".join(map(str, loc[2:])), message)


def _check_pattern(pattern: str | None) -> None:
    if pattern is None:
        return
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"matches is no regular expression: {error}") from None
