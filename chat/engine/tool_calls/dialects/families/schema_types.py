"""Which JSON types a parameter's schema allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANY: frozenset[str] = frozenset()
"""No types are named: a value may be anything."""

_MAX_DEPTH = 8
_UNIONS = ("anyOf", "oneOf", "allOf")


def types_of(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int = 0) -> frozenset[str]:
    """The types that a schema allows, ANY where it does not tell; `root` resolves `$ref`."""
    if depth > _MAX_DEPTH:
        return ANY
    named = schema.get("type")
    if isinstance(named, str):
        types = {named}
    elif isinstance(named, list):
        types = {name for name in named if isinstance(name, str)}
    else:
        types = _implied(schema, root, depth)
    if types and schema.get("nullable") is True:
        types.add("null")
    return frozenset(types)


def type_name(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _implied(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> set[str]:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return set(types_of(_resolved(reference, root), root, depth + 1))
    for union in _UNIONS:
        parts = schema.get(union)
        if isinstance(parts, list) and parts:
            kinds = [types_of(part, root, depth + 1) for part in parts if isinstance(part, Mapping)]
            if union == "allOf":
                # Parts that say nothing of the type leave it to the others.
                kinds = [kind for kind in kinds if kind]
            return set().union(*kinds) if kinds and all(kinds) else set()
    if isinstance(schema.get("enum"), list):
        return {type_name(value) for value in schema["enum"]}
    if "const" in schema:
        return {type_name(schema["const"])}
    if "properties" in schema:
        return {"object"}
    return {"array"} if "items" in schema else set()


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
