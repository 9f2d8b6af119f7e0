"""Holding a tool call's arguments against its tool's JSON schema, with sentences for the model."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

from tools.arguments import ArgumentsRefused, parse_arguments, shown
from tools.base import CheckedCall, Tool, ToolCall, Toolset
from tools.output import clean

ERRORS_CAP = 8

# An empty registry keeps a schema's $ref from being fetched over the network.
_NO_REMOTE: Registry[Any] = Registry()


def check_call(toolset: Toolset, call: ToolCall) -> CheckedCall:
    """The call with its arguments as an object, or with up to 8 sentences on what is wrong.

    Never raises: whatever a model wrote becomes words that it can act on.
    """
    tool = toolset.get(call.tool)
    if tool is None:
        return CheckedCall(call, None, False, (_unknown_tool(toolset, call.tool),))
    try:
        arguments = parse_arguments(call.raw_arguments)
    except ArgumentsRefused as refusal:
        return CheckedCall(call, None, False, (clean(str(refusal)),))
    try:
        errors = tuple(dict.fromkeys(_errors(tool, arguments)))[:ERRORS_CAP]
    except Exception as error:  # The schema is any app's; the call must have an answer.
        errors = (f"The arguments could not be checked: {type(error).__name__}.",)
    return CheckedCall(call, arguments, not errors, errors)


def fitting_arguments(schema: Mapping[str, Any], value: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments that a mended text stands for, where they are valid by a schema; else None."""
    try:
        # What JSON readers disagree on, or a database cannot hold, is refused here too.
        arguments = parse_arguments(json.dumps(value))
        validator = Draft202012Validator(schema, registry=_NO_REMOTE)
        return arguments if validator.is_valid(arguments) else None
    except Exception:  # The schema is any app's.
        return None


def _unknown_tool(toolset: Toolset, name: str) -> str:
    offered = ", ".join(toolset.names())
    have = f"The tools are: {offered}." if offered else "No tool is offered."
    near = difflib.get_close_matches(name[:100], toolset.names(), 1)
    hint = f" The nearest name is {near[0]}." if near else ""
    shown_name = clean(name if len(name) <= 80 else f"{name[:79]}…")
    return f"There is no tool named “{shown_name}”. {have}{hint}"


def _errors(tool: Tool, arguments: dict[str, Any]) -> Iterator[str]:
    validator = Draft202012Validator(tool.input_schema, registry=_NO_REMOTE)
    for error in sorted(validator.iter_errors(arguments), key=lambda e: [str(p) for p in e.path]):
        yield from (clean(sentence) for sentence in _sentences(tool, error))


def _sentences(tool: Tool, error: ValidationError) -> Iterator[str]:
    """What one error of the validator says: the field, what was expected, and what came."""
    field = _field(error)
    instance: Any = error.instance
    schema: Any = error.schema
    limit: Any = error.validator_value
    match error.validator:
        case "required":
            for name in limit:
                if name not in instance:
                    expected = _expected(schema.get("properties", {}).get(name, {}))
                    yield f"The field {_inside(error, name)} is missing. Expected {expected}."
        case "additionalProperties" if isinstance(instance, dict):
            known = list(schema.get("properties", {}))
            for name in instance:
                if name not in known:
                    takes = f"It takes {', '.join(known)}." if known else "It takes no fields."
                    owner = tool.name if not error.path else field
                    yield f"The field {_inside(error, name)} is not known to {owner}. {takes}"
        case "minLength" | "maxLength":
            bound = "at least" if error.validator == "minLength" else "at most"
            yield f"The field {field}: expected {bound} {limit} characters, got {len(instance)}."
        case "minItems" | "maxItems":
            bound = "at least" if error.validator == "minItems" else "at most"
            yield f"The field {field}: expected {bound} {limit} items, got {len(instance)}."
        case "pattern":
            yield f"The field {field}: expected text like {limit}, got {shown(instance)}."
        case "multipleOf":
            yield f"The field {field}: expected a multiple of {limit}, got {shown(instance)}."
        case "type" | "enum" | "const" | "anyOf" | "oneOf":
            yield f"The field {field}: expected {_expected(schema)}, got {shown(instance)}."
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            yield f"The field {field}: expected {_expected(schema)}, got {shown(instance)}."
        case _:
            yield f"The field {field}: {error.message[:200]}."


def _field(error: ValidationError) -> str:
    path = error.json_path.removeprefix("$").removeprefix(".")
    return _quoted(path) if path else "“(the arguments)”"


def _inside(error: ValidationError, name: str) -> str:
    path = error.json_path.removeprefix("$").removeprefix(".")
    return _quoted(f"{path}.{name}" if path else name)


def _quoted(name: str) -> str:
    return f"“{name if len(name) <= 80 else f'{name[:79]}…'}”"


_KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _expected(schema: Any) -> str:
    """What a schema asks for, in words: "a number, at least -90 and at most 90"."""
    if not isinstance(schema, dict):
        return "something else"
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        values = [json.dumps(value, ensure_ascii=False) for value in schema["enum"]]
        return f"one of {', '.join(values[:20])}"
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(_expected(choice) for choice in choices)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = " or ".join(_KINDS.get(kind, str(kind)) for kind in kinds) or "another value"
    bounds = [f"{text} {schema[key]}" for key, text in _BOUNDS.items() if key in schema]
    return f"{words}, {' and '.join(bounds)}" if bounds else words


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "over",
    "maximum": "at most",
    "exclusiveMaximum": "under",
}
