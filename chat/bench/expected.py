"""What a case expects: calls with their arguments, their number and order, texts, a judge."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import regex
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

Match = Literal["partial", "exact", "schema"]

MOST_CALLS = 100
"""That are expected of a turn."""

ToolName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class Part(BaseModel):
    """What every part of a case has in common: nothing but what is named here."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )


class Predicate(Part):
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


class ExpectedCall(Part):
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


class Count(Part):
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


class ExpectedText(Part):
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


class Judged(Part):
    """Another model judges the answer by a rubric."""

    rubric: Text
    route: str | None = None
    """The judge's route; absent: the run's."""


class Expect(Part):
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


def _check_pattern(pattern: str | None) -> None:
    if pattern is None:
        return
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"matches is no regular expression: {error}") from None
