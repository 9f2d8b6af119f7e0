"""What a model is told about a function."""

from __future__ import annotations

import datetime
import enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from tools.schema import read_signature


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class Point(BaseModel):
    x: int
    y: int = 0


class Node(BaseModel):
    title: str
    child: Node | None = None


def schema_of(function: Any) -> dict[str, Any]:
    return read_signature(function).input_schema


def test_types_bounds_defaults_and_descriptions_become_a_strict_schema() -> None:
    def measure(
        latitude: Annotated[float, Field(ge=-90, le=90)],
        mode: Literal["fast", "slow"] = "fast",
        count: int = 3,
    ) -> None:
        """Measure something.

        Args:
            latitude: Degrees north,
                negative for south: a number.
            mode (str): How to go about it.
        """

    assert schema_of(measure) == {
        "type": "object",
        "additionalProperties": False,
        "required": ["latitude"],
        "properties": {
            "latitude": {
                "type": "number",
                "minimum": -90,
                "maximum": 90,
                "description": "Degrees north, negative for south: a number.",
            },
            "mode": {
                "type": "string",
                "enum": ["fast", "slow"],
                "default": "fast",
                "description": "How to go about it.",
            },
            "count": {"type": "integer", "default": 3},
        },
    }


def test_the_description_is_the_text_before_the_first_section() -> None:
    def say() -> None:
        """Say a word
        or two.

        A second paragraph.

        Returns:
            Nothing.
        """

    assert read_signature(say).description == "Say a word or two.\n\nA second paragraph."


def test_a_function_without_parameters_takes_an_object_without_fields() -> None:
    def now() -> None:
        """Now."""

    assert schema_of(now) == {"type": "object", "properties": {}, "additionalProperties": False}


def test_the_description_of_a_pydantic_field_stands_where_the_docstring_has_none() -> None:
    def dose(grams: Annotated[int, Field(description="In grams.", gt=0)] = 1) -> None:
        """Dose."""

    assert schema_of(dose)["properties"]["grams"] == {
        "type": "integer",
        "description": "In grams.",
        "exclusiveMinimum": 0,
        "default": 1,
    }


def test_enums_and_models_stand_in_place_without_definitions_or_titles() -> None:
    def draw(unit: Unit, at: Point) -> None:
        """Draw."""

    schema = schema_of(draw)
    assert "$defs" not in schema
    assert schema["properties"]["unit"] == {"type": "string", "enum": ["c", "f"]}
    assert schema["properties"]["at"] == {
        "type": "object",
        "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 0}},
        "required": ["x"],
        "additionalProperties": False,
    }


def test_a_recursive_model_keeps_its_definition_and_a_property_named_title() -> None:
    def grow(node: Node) -> None:
        """Grow."""

    schema = schema_of(grow)
    assert set(schema["$defs"]) == {"Node"}
    assert schema["$defs"]["Node"]["properties"]["title"] == {"type": "string"}


def test_parameters_may_have_the_names_of_pydantic_attributes() -> None:
    def odd(schema: str, model_config: int, json: str = "", _under: bool = False) -> None:
        """Odd."""

    signature = read_signature(odd)
    assert list(signature.input_schema["properties"]) == [
        "schema",
        "model_config",
        "json",
        "_under",
    ]
    assert signature.values({"schema": "s", "model_config": 1}) == {
        "schema": "s",
        "model_config": 1,
    }


def test_arguments_come_back_as_the_annotated_types() -> None:
    def book(day: datetime.date, unit: Unit, at: Point, nights: int = 1) -> None:
        """Book."""

    values = read_signature(book).values({"day": "2026-11-20", "unit": "f", "at": {"x": 1}})
    assert values == {
        "day": datetime.date(2026, 11, 20),
        "unit": Unit.FAHRENHEIT,
        "at": Point(x=1),
    }


def undocumented(x: int) -> None:
    pass


def untyped(x) -> None:  # type: ignore[no-untyped-def]
    """Untyped."""


def variadic(*xs: int) -> None:
    """Variadic."""


def positional(x: int, /) -> None:
    """Positional."""


def drifted(x: int) -> None:
    """Drifted.

    Args:
        y: Was renamed.
    """


def only_sections(x: int) -> None:
    """
    Args:
        x: A number.
    """


def no_schema(x: object = lambda: None, y: type[Any] | threading_lock | None = None) -> None:  # type: ignore[name-defined] # noqa: F821
    """No schema."""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (undocumented, "The tool undocumented has no docstring"),
        (untyped, "The parameter “x” of the tool untyped has no type"),
        (variadic, r"cannot take “\*xs: 'int'”|cannot take “\*xs: int”"),
        (positional, "cannot take “x"),
        (drifted, "describes no parameter: y"),
        (only_sections, "has no summary"),
        (no_schema, "annotation of the tool no_schema cannot be read"),
    ],
)
def test_a_function_that_cannot_be_described_is_refused_in_words(function: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        read_signature(function)
