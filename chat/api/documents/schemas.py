"""JSON schemas of what travels, made from the pydantic models, with words for every field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from chat.api.documents.sent import Sent
from chat.api.documents.words import words_of
from chat.api.gateway.messages import read_content
from chat.api.gateway.standing import Ignored, Refused
from chat.engine.events import EventModel
from chat.protocol import Command, ToolCallDecide

REFERENCE = "#/components/schemas/{model}"

Model = type[BaseModel]
Schemas = dict[str, JsonSchemaValue]

_TEXT_PART = {
    "type": "object",
    "description": "A part of a content: its text is taken.",
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    "required": ["type", "text"],
}


def schemas_of(taken: Iterable[Model], sent: Iterable[Model]) -> Schemas:
    """The schemas of these models and all they hold, by name: what is taken, and what is sent."""
    wanted: list[tuple[Model, Any]] = [(model, "validation") for model in taken]
    wanted += [(model, "serialization") for model in sent]
    _, definitions = models_json_schema(wanted, ref_template=REFERENCE, schema_generator=_Generator)
    found: Schemas = definitions.get("$defs", {})
    return dict(sorted(found.items()))


def reference(model: Model) -> JsonSchemaValue:
    """A reference to a model's schema."""
    return {"$ref": REFERENCE.format(model=model.__name__)}


class _Generator(GenerateJsonSchema):
    """What is sent is described as it travels: absent fields are not null, and may grow in number.

    A client ignores fields that it does not know, so these schemas are left open.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: the name is the title."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A model's object, its fields with their words."""
        made = super().model_schema(schema)
        model: Model = schema["cls"]
        if self.mode == "serialization":
            _as_it_travels(made, model)
        elif issubclass(model, Command | ToolCallDecide):
            # What tells commands apart has a default in Python, and none on the wire.
            del made["properties"]["type"]["default"]
            made["required"] = ["type", *made.get("required", ())]
        made.pop("title", None)
        if "description" in made:
            made["description"] = " ".join(made["description"].split())
        for name, field in made.get("properties", {}).items():
            if name in model.model_fields:
                _describe(field, model, name)
        return made

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """As the value itself, but for a message's content, which may also come in parts."""
        made = super().function_before_schema(schema)
        if schema["function"]["function"] is read_content:
            return {"anyOf": [made, {"type": "array", "items": _TEXT_PART}]}
        return made

    def function_plain_schema(
        self, schema: core_schema.PlainValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """Anything; `_describe` says which values are taken."""
        return {}


def _as_it_travels(made: JsonSchemaValue, model: Model) -> None:
    made.pop("additionalProperties", None)
    properties: dict[str, JsonSchemaValue] = made.get("properties", {})
    if issubclass(model, EventModel):
        # Its name stands in the envelope.
        properties.pop("event", None)
    always = {name for name, field in model.model_fields.items() if field.is_required()}
    always |= _sent_at_defaults(model)
    made["required"] = [name for name in properties if name in always]
    if not made["required"]:
        del made["required"]
    nullable = model.nullable if issubclass(model, Sent) else frozenset()
    for name, field in properties.items():
        field.pop("default", None)
        if name not in always and name not in nullable:
            _drop_null(field)


def _sent_at_defaults(model: Model) -> set[str]:
    """Fields that travel though they have no value but their default."""
    if issubclass(model, EventModel):
        return set(model.model_construct().data())
    return set()


def _drop_null(field: JsonSchemaValue) -> None:
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del field["anyOf"]
        field |= kinds[0]
    elif kinds:
        field["anyOf"] = kinds


def _describe(field: JsonSchemaValue, model: Model, name: str) -> None:
    if field.get("default", ...) is None:
        del field["default"]
    for standing in model.model_fields[name].metadata:
        match standing:
            case Ignored(why=why):
                field["description"] = f"Taken and left aside. {why}"
            case Refused(words=words, harmless=harmless):
                field["enum"] = list(harmless)
                field["description"] = f"Refused with any other value. {words}"
    words = words_of(model, name)
    if words:
        field.setdefault("description", words)
        field["description"] = " ".join(field["description"].split())
