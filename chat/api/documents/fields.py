"""A schema's fields as rows of a table: name, type, limits, words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

Schema = Mapping[str, Any]

OR = " or "

_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "like {}",
}
_NOT_EMPTY = {("minLength", 1), ("minItems", 1)}


@dataclass(frozen=True, slots=True)
class Word:
    """A part of a type's name; with the name of an object that it leads to."""

    text: str
    leads_to: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A row."""

    name: str
    kind: tuple[Word, ...]
    is_required: bool
    limits: str
    words: SafeString


def fields_of(schema: Schema) -> tuple[Field, ...]:
    """The fields of an object."""
    required = schema.get("required", ())
    return tuple(
        Field(
            name=name,
            kind=kind_of(field),
            is_required=name in required,
            limits=limits_of(field),
            words=coded(field.get("description", "")),
        )
        for name, field in schema.get("properties", {}).items()
    )


def kind_of(schema: Schema) -> tuple[Word, ...]:
    """A type in words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return (Word(name, leads_to=name),)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _joined(schema[several])
    if "const" in schema:
        return (Word(json.dumps(schema["const"])),)
    if "enum" in schema:
        return _joined({"const": value} for value in schema["enum"])
    match schema.get("type"):
        case "array":
            return (Word("list of "), *_as_one(kind_of(schema.get("items", {}))))
        case "object" if isinstance(schema.get("additionalProperties"), Mapping):
            return (Word("object of "), *_as_one(kind_of(schema["additionalProperties"])))
        case "string" if "format" in schema:
            return (Word(schema["format"].upper()),)
        case None:
            return (Word("anything"),)
        case kind:
            return (Word(str(kind)),)


def limits_of(schema: Schema) -> str:
    """What a value is held to besides its type."""
    found = [
        "not empty" if (name, schema[name]) in _NOT_EMPTY else words.format(_told(schema[name]))
        for name, words in _LIMITS.items()
        if name in schema
    ]
    if "minItems" in schema and schema.get("minItems") == schema.get("maxItems"):
        found = [f"{schema['minItems']} items"]
    parts: list[Schema] = [
        *schema.get("anyOf", ()),
        *([schema["items"]] if isinstance(schema.get("items"), Mapping) else []),
    ]
    for part in parts:
        if "$ref" not in part and (inner := limits_of(part)):
            found.append(inner)
    if "default" in schema:
        found.append(f"{json.dumps(schema['default'])} where absent")
    return ", ".join(dict.fromkeys(found))


def coded(text: str) -> SafeString:
    """A text whose parts in backticks are code."""
    parts = []
    for number, part in enumerate(text.split("`")):
        is_code = number % 2 == 1
        parts.append(format_html('<code class="code-inline">{}</code>' if is_code else "{}", part))
    return mark_safe("".join(parts))  # noqa: S308


def _as_one(kind: tuple[Word, ...]) -> tuple[Word, ...]:
    """In brackets where it is a choice."""
    return (Word("("), *kind, Word(")")) if Word(OR) in kind else kind


def _told(limit: Any) -> str:
    return f"{limit:,}" if isinstance(limit, int | float) else str(limit)


def _joined(schemas: Iterable[Schema]) -> tuple[Word, ...]:
    words: list[Word] = []
    for schema in schemas:
        if words:
            words.append(Word(OR))
        words += kind_of(schema)
    return tuple(words)
