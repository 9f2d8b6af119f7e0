"""A function's typed signature and docstring as the JSON schema of a tool's arguments."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):\s*$")
_PARAMETER = re.compile(r"^(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model is told about a function, and the model that reads the arguments back."""

    description: str
    input_schema: dict[str, Any]
    arguments: type[BaseModel]

    def values(self, given: dict[str, Any]) -> dict[str, Any]:
        """JSON arguments as the Python values the function's annotations ask for.

        Only those given: the function's own defaults stand for the rest. Raises pydantic's
        ValidationError where the annotations ask for more than the JSON schema can say.
        """
        read = self.arguments.model_validate(given)
        fields = self.arguments.model_fields
        return {
            str(fields[name].alias): getattr(read, name)
            for name in fields
            if name in read.model_fields_set
        }


def read_signature(function: Callable[..., Any]) -> Signature:
    """Describe a function to a model.

    Raises TypeError, naming what is missing, for a function without a docstring, a parameter
    without an annotation, one that cannot be given by name, or one the docstring has wrong.
    """
    name = getattr(function, "__name__", repr(function))
    description, described = _read_docstring(name, function)
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"An annotation of the tool {name} cannot be read: {error}.") from error
    fields: dict[str, Any] = {}
    for number, parameter in enumerate(inspect.signature(function).parameters.values()):
        kind = parameter.kind
        if kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(
                f"The tool {name} cannot take “{parameter}”: a model gives arguments by name."
            )
        if parameter.name not in hints:
            raise TypeError(f"The parameter “{parameter.name}” of the tool {name} has no type.")
        has_default = parameter.default is not parameter.empty
        own = FieldInfo.from_annotation(hints[parameter.name]).description
        text = described.pop(parameter.name, None) or own
        field: Any = Field(
            default=parameter.default if has_default else ...,
            alias=parameter.name,
            description=text,
        )
        # Numbered names, so that no parameter can collide with an attribute of BaseModel.
        fields[f"argument_{number}"] = (Annotated[hints[parameter.name], field], field)
    if described:
        unknown = ", ".join(described)
        raise TypeError(f"The docstring of the tool {name} describes no parameter: {unknown}.")
    try:
        arguments = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema = _tidy(arguments.model_json_schema(by_alias=True))
    except PydanticUserError as error:
        raise TypeError(
            f"The parameters of the tool {name} have no JSON schema: {error}"
        ) from error
    schema.pop("description", None)
    schema.setdefault("properties", {})
    Draft202012Validator.check_schema(schema)
    return Signature(description, schema, arguments)


def _read_docstring(name: str, function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The text before the first section, and the descriptions under `Args:`."""
    text = inspect.getdoc(function) if function.__doc__ else None
    if not text or not text.strip():
        raise TypeError(f"The tool {name} has no docstring; the model reads it to know the tool.")
    before: list[str] = []
    parameters: dict[str, str] = {}
    section: str | None = None
    current: str | None = None
    entry_indent = 0
    for line in text.splitlines():
        if heading := _SECTION.match(line):
            section, current = heading[1], None
        elif section is None:
            before.append(line)
        elif section in ("Args", "Arguments", "Parameters") and line.strip():
            indent = len(line) - len(line.lstrip())
            entry = _PARAMETER.match(line.strip())
            if entry and (current is None or indent <= entry_indent):
                current, entry_indent = entry[1], indent
                parameters[current] = entry[2].strip()
            elif current is not None:
                parameters[current] = f"{parameters[current]} {line.strip()}".strip()
    description = re.sub(r"(?<=\S)\n(?=\S)", " ", "\n".join(before).strip())
    if not description:
        raise TypeError(f"The docstring of the tool {name} has no summary.")
    return description, parameters


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without titles and, but for recursive models, without `$defs`."""
    definitions = schema.pop("$defs", {})
    kept: set[str] = set()
    tidied: dict[str, Any] = _tidied(schema, definitions, (), kept)
    done: dict[str, Any] = {}
    while names := kept - done.keys():
        for name in names:
            done[name] = _tidied(definitions[name], definitions, (name,), kept)
    if done:
        tidied["$defs"] = done
    return tidied


def _tidied(
    schema: Any, definitions: dict[str, Any], inside: tuple[str, ...], kept: set[str]
) -> Any:
    if isinstance(schema, list):
        return [_tidied(item, definitions, inside, kept) for item in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix("#/$defs/")
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if name in inside:
            kept.add(name)
            return {"$ref": reference, **beside}
        target = _tidied(definitions[name], definitions, (*inside, name), kept)
        return {**target, **_tidied(beside, definitions, inside, kept)}
    tidied: dict[str, Any] = {}
    for key, value in schema.items():
        match key:
            case "title":
                continue
            case "default" | "const" | "enum" | "examples":
                tidied[key] = value
            case "properties" | "patternProperties":
                tidied[key] = {
                    name: _tidied(inner, definitions, inside, kept) for name, inner in value.items()
                }
            case _:
                tidied[key] = _tidied(value, definitions, inside, kept)
    if "properties" in tidied:
        tidied.setdefault("additionalProperties", False)
    return tidied
