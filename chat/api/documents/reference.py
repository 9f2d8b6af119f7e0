"""The two documents as a page: endpoints, commands, events and frames in reading order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from chat.api.documents.asyncapi import CLOSE_CODES, asyncapi_document
from chat.api.documents.fields import Field, Word, coded, fields_of, kind_of
from chat.api.documents.openapi import EVENTS, JSON, openapi_document
from chat.api.documents.samples import curl_sample, stream_sample, wscat_sample

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Status:
    """A row of an endpoint's answers."""

    status: str
    words: SafeString
    bodies: tuple[Word, ...]
    codes: tuple[str, ...]
    headers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Streamed:
    """A row of what an endpoint streams."""

    event: str
    data: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An endpoint, a command, an event, a frame or an object."""

    anchor: str
    title: str
    words: SafeString
    method: str = ""
    needs: str = ""
    summary: str = ""
    parameters: tuple[Field, ...] = ()
    fields: tuple[Field, ...] = ()
    takes_more: bool = False
    answers: tuple[Status, ...] = ()
    stream: tuple[Streamed, ...] = ()
    replies: tuple[Word, ...] = ()
    samples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Items under one heading."""

    anchor: str
    title: str
    words: SafeString
    items: tuple[Item, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)


@lru_cache(8)
def reference_html(origin: str) -> tuple[SafeString, SafeString]:
    """Contents and page for a server at this origin; the same for everybody."""
    groups = reference_groups(origin)
    context = {"groups": groups}
    return (
        render_to_string("api/contents.html", context),
        render_to_string("api/reference.html", context),
    )


def reference_groups(origin: str) -> tuple[Group, ...]:
    """All that the page shows."""
    scheme, host = origin.split("://")
    http, socket = openapi_document(), asyncapi_document(host, is_secure=scheme == "https")
    channel = socket["channels"]["socket"]
    endpoints = [
        Group(_slug(tag["name"]), tag["name"], coded(tag["description"]), items)
        for tag in http["tags"]
        if (items := tuple(_endpoints(http, tag["name"], origin)))
    ]
    commands, frames, events = _messages(socket, origin)
    shown = {item.title for item in (*commands, *frames, *events)}
    objects = _objects(http, socket)
    return (
        *endpoints,
        Group("websocket", "WebSocket /ws/", coded(channel["description"]), (), CLOSE_CODES_TOLD),
        Group("commands", "Commands", coded("What you send."), commands),
        Group("events", "Events", coded(_EVENTS_WORDS), events),
        Group("frames", "Frames", coded("What comes besides events."), frames),
        Group(
            "objects",
            "Objects",
            coded("What the tables above are made of."),
            tuple(one for one in objects if one.title not in shown),
        ),
    )


CLOSE_CODES_TOLD = {str(code): words for code, words in CLOSE_CODES.items()}
_EVENTS_WORDS = (
    'Each travels as `{"type": "event", "v": 1, "stage_id": …, "sequence_number": …, "ts": …, '
    '"event": …, "data": …}`. Numbers begin with 1 and have no gap; `done`, `cancel` and `error` '
    "are the last of a stage. The tables show the fields of `data`."
)
_NEEDS = {
    ("key",): "API key",
    ("key", "session"): "API key or log-in",
    (): "open to everybody",
}


def _endpoints(document: Document, tag: str, origin: str) -> Iterable[Item]:
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag not in operation["tags"]:
                continue
            body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
            schema = _resolved(body.get("schema", {}), schemas)
            answer = operation["responses"]["200"]
            streamed = answer["content"].get(EVENTS, {})
            yield Item(
                anchor=operation["operationId"],
                title=path,
                method=method.upper(),
                summary=operation["summary"],
                words=coded(operation["description"]),
                needs=_NEEDS[tuple(name for one in operation["security"] for name in one)],
                parameters=tuple(_parameter(one) for one in operation.get("parameters", ())),
                fields=fields_of(schema),
                takes_more=bool(schema) and schema.get("additionalProperties", True) is not False,
                answers=tuple(_status(*one) for one in operation["responses"].items()),
                stream=tuple(
                    Streamed(name, kind_of(data))
                    for name, data in streamed.get("x-events", {}).items()
                ),
                samples=(
                    *curl_sample(origin, method, path, operation, body),
                    *stream_sample(streamed),
                    *_answer_samples(answer),
                ),
            )


def _parameter(parameter: Mapping[str, Any]) -> Field:
    return Field(
        name=f"{parameter['name']} ({parameter['in']})",
        kind=kind_of(parameter["schema"]),
        is_required=parameter["required"],
        limits="",
        words=coded(parameter["description"]),
    )


def _status(status: str, response: Mapping[str, Any]) -> Status:
    schema = response.get("content", {}).get(JSON, {}).get("schema")
    return Status(
        status,
        coded(response["description"]),
        kind_of(schema) if schema else (),
        tuple(response.get("x-codes", ())),
        tuple(response.get("headers", ())),
    )


def _answer_samples(answer: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, example in answer["content"].get(JSON, {}).get("examples", {}).items():
        yield f"Answer: {name.replace('_', ' ')}", pretty(example["value"])


def _messages(
    document: Document, origin: str
) -> tuple[tuple[Item, ...], tuple[Item, ...], tuple[Item, ...]]:
    """Commands, other frames and events."""
    messages, schemas = document["components"]["messages"], document["components"]["schemas"]
    replies = {
        _last(operation["messages"][0]): operation["reply"]["messages"]
        for operation in document["operations"].values()
        if operation["action"] == "receive"
    }
    commands: list[Item] = []
    frames: list[Item] = []
    events: list[Item] = []
    for key, message in messages.items():
        payload = message["payload"]
        example = message["examples"][0]["payload"]
        data = payload.get("properties", {}).get("data")
        schema = _resolved(data or payload, schemas)
        is_command = key in replies
        item = Item(
            anchor=f"event-{key}" if data else key.replace("_", "-") if is_command else key,
            title=message["name"] if data or is_command else key,
            words=coded(message["summary"]),
            fields=fields_of(schema),
            takes_more=is_command and schema.get("additionalProperties") is not False,
            replies=_words([_last(one) for one in replies.get(key, ())]),
            samples=wscat_sample(origin, example)
            if is_command
            else (("Example", pretty(example)),),
        )
        (commands if is_command else events if data else frames).append(item)
    return tuple(commands), tuple(frames), tuple(events)


def _objects(*documents: Document) -> Iterable[Item]:
    found: dict[str, Any] = {}
    roots: set[str] = set()
    for document in documents:
        found |= document["components"]["schemas"]
        for message in document["components"].get("messages", {}).values():
            payload = message["payload"]
            root = payload.get("properties", {}).get("data", payload)
            roots.add(_last(root))
        for methods in document.get("paths", {}).values():
            for operation in methods.values():
                content = operation.get("requestBody", {}).get("content", {})
                roots |= {_last(one["schema"]) for one in content.values()}
    return [
        Item(
            anchor=name,
            title=name,
            words=coded(schema.get("description", "")),
            fields=fields_of(schema),
        )
        for name, schema in sorted(found.items())
        if name not in roots and name != "Envelope"
    ]


def _words(names: Iterable[str]) -> tuple[Word, ...]:
    return tuple(Word(name, leads_to=name) for name in names)


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schemas[_last(schema)] if "$ref" in schema else schema
    return found


def _last(part: Mapping[str, Any]) -> str:
    """The name that a reference ends with."""
    name: str = part["$ref"].rsplit("/", 1)[1]
    return name


def _slug(words: str) -> str:
    return "-".join(words.lower().split())


def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)
