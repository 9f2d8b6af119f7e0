"""The OpenAPI document of the HTTP endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.conf import settings

from chat.api.documents.endpoints import ENDPOINTS, TAGS
from chat.api.documents.parts import Endpoint, Examples, Model, Parameter, Reply, Security
from chat.api.documents.schemas import reference, schemas_of
from chat.api.documents.version import project_version

JSON = "application/json"
EVENTS = "text/event-stream"
INTRODUCTION = (
    "Stages over HTTP, and the routes as models of the OpenAI API. Errors have a `code` for "
    "programs and a `message` for people. A client ignores fields, events and codes that it does "
    "not know. Event streams have their frames in `x-events`: by event, what the data is; an "
    "empty name stands for frames without one."
)

_SECURITY: Mapping[Security, list[dict[str, list[str]]]] = {
    "key": [{"key": []}],
    "key or session": [{"key": []}, {"session": []}],
    "none": [],
}

HEADERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "Retry-After": ("How many seconds to wait.", {"type": "integer", "minimum": 0}),
    "WWW-Authenticate": ("How to say who you are.", {"type": "string"}),
    "Allow": ("The methods that are answered.", {"type": "string"}),
    "X-Should-Retry": (
        "Whether to send the same again; the official clients heed it.",
        {"type": "string", "enum": ["true", "false"]},
    ),
    "X-Toolbench-Stage": (
        "The stage behind the answer; errors name it too once there is one.",
        {"type": "string", "format": "uuid"},
    ),
    "X-Toolbench-Recovered": (
        "Whether the events go on from the place you named.",
        {"type": "string", "enum": ["true", "false"]},
    ),
}


@cache
def openapi_document() -> dict[str, Any]:
    """The document; the same in every process of a version."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Toolbench over HTTP",
            "version": project_version(),
            "description": INTRODUCTION,
        },
        "servers": [{"url": "/", "description": "Where this document came from."}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "headers": {
                name: {"description": words, "schema": schema}
                for name, (words, schema) in HEADERS.items()
            },
            "securitySchemes": security_schemes("apiKey"),
        },
    }


def security_schemes(cookie_type: str) -> dict[str, Any]:
    """How a caller says who it is; the two specifications name a key in a cookie differently."""
    return {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "tb_…",
            "description": "An API key, made on the API keys page of your account. Its scopes and "
            "routes say what it may do.",
        },
        "session": {
            "type": cookie_type,
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A browser's log-in.",
        },
    }


def _schemas() -> dict[str, Any]:
    taken = [endpoint.body for endpoint in ENDPOINTS if endpoint.body is not None]
    replies = [reply for endpoint in ENDPOINTS for reply in endpoint.replies]
    sent: list[Model] = []
    for reply in replies:
        sent += reply.body
        for kinds in reply.events.values():
            sent += kinds
    return schemas_of(dict.fromkeys(taken), dict.fromkeys(sent))


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.words,
        "security": _SECURITY[endpoint.security],
    }
    if endpoint.parameters:
        made["parameters"] = [_parameter(one) for one in endpoint.parameters]
    if endpoint.body is not None:
        content = {"schema": reference(endpoint.body), **_examples(endpoint.body_examples)}
        made["requestBody"] = {"required": True, "content": {JSON: content}}
    replies = sorted(endpoint.replies, key=lambda reply: reply.status)
    made["responses"] = {str(reply.status): _response(reply) for reply in replies}
    return made


def _parameter(parameter: Parameter) -> dict[str, Any]:
    made = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.words,
        "required": parameter.place == "path",
        "schema": dict(parameter.schema),
    }
    return made if parameter.example is None else {**made, "example": parameter.example}


def _response(reply: Reply) -> dict[str, Any]:
    made: dict[str, Any] = {"description": reply.words}
    if reply.codes:
        made["x-codes"] = list(reply.codes)
    if reply.headers:
        made["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in reply.headers}
    content = {}
    if reply.body:
        content[JSON] = {"schema": _any_of(reply.body), **_examples(reply.examples)}
    if reply.events:
        stream: dict[str, Any] = {
            "schema": {"type": "string", "description": "Server-sent events in UTF-8."},
            "x-events": {name: _any_of(kinds) for name, kinds in reply.events.items()},
        }
        if reply.stream_example:
            stream["example"] = reply.stream_example
        content[EVENTS] = stream
    if content:
        made["content"] = content
    return made


def _any_of(models: Iterable[Model]) -> dict[str, Any]:
    kinds = [reference(model) for model in models]
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _examples(examples: Examples) -> dict[str, Any]:
    if not examples:
        return {}
    return {"examples": {name: {"value": dict(value)} for name, value in examples.items()}}
