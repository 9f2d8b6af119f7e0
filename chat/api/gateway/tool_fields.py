"""How a Chat Completions request speaks of tools: the caller's own, and those executed here."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from chat.api.gateway.messages import Strict

REMEMBERED_SIZE = 16 * 1024
"""Bytes of a schema that is not checked twice."""

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


def _only_functions(value: Any) -> Any:
    if isinstance(value, dict) and value.get("type", "function") != "function":
        raise PydanticCustomError(
            "unsupported",
            "A tool of type “{kind}” is not supported. Describe it as a function.",
            {"kind": str(value["type"])[:40]},
        )
    return value


def check_depth(value: dict[str, Any]) -> dict[str, Any]:
    """The value, if it can be stored and sent on: readers of JSON go deeper than writers."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise PydanticCustomError("depth", "It is nested too deeply.") from None
    return value


def _check_schema(schema: dict[str, Any]) -> dict[str, Any]:
    words = _fault_of(orjson.dumps(check_depth(schema)))
    if words:
        raise PydanticCustomError(
            "json_schema", "This is no JSON schema: {words}", {"words": words}
        )
    if schema.get("type", "object") != "object":
        raise PydanticCustomError("json_schema", "The schema of parameters must be an object's.")
    return schema


def _fault_of(schema: bytes) -> str:
    """What is wrong with a schema; the same tools come with every request of a conversation."""
    return (_known_fault if len(schema) <= REMEMBERED_SIZE else _found_fault)(schema)


def _found_fault(schema: bytes) -> str:
    try:
        Draft202012Validator.check_schema(orjson.loads(schema))
    except SchemaError as error:
        return error.message[:300]
    except RecursionError:
        return "It is nested too deeply."
    return ""


_known_fault = functools.lru_cache(256)(_found_fault)


Schema = Annotated[dict[str, Any], AfterValidator(_check_schema)]


class Function(Strict):
    """What the model may call."""

    name: Name
    description: str | None = None
    parameters: Schema | None = None
    strict: bool | None = None


class CallerTool(Strict):
    """A tool that the caller runs itself."""

    type: Literal["function"]
    function: Function


Tool = Annotated[CallerTool, BeforeValidator(_only_functions)]


class ChosenFunction(Strict):
    """The name of the one tool to call."""

    name: Name


class NamedChoice(Strict):
    """The model is to call this tool."""

    type: Literal["function"]
    function: ChosenFunction


def _only_known_choices(value: Any) -> Any:
    if isinstance(value, dict) and value.get("type", "function") != "function":
        raise PydanticCustomError(
            "unsupported",
            "A tool_choice of type “{kind}” is not supported. Use none, auto, required, or a "
            "function by its name.",
            {"kind": str(value["type"])[:40]},
        )
    return value


ToolChoice = Annotated[
    Literal["none", "auto", "required"] | NamedChoice, BeforeValidator(_only_known_choices)
]


class ToolbenchOptions(Strict):
    """The gateway's own extension: Toolbench runs its tools itself and sends the answer."""

    tools: list[str] | None = None
    """Names of tools; absent: all that the caller may use."""
