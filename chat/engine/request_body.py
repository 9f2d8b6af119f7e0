"""A completion request in the upstream's words."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import orjson

from chat.engine.completions import CompletionRequest, RouteSettings
from chat.engine.messages import as_sent

# What the engine itself decides; neither a caller nor a route's extra body can change it.
OWN_FIELDS = frozenset({"messages", "model", "stream", "tools"})


def build_body(request: CompletionRequest, route: RouteSettings) -> dict[str, Any]:
    """The whole JSON body."""
    body: dict[str, Any] = {
        "model": route.model,
        "messages": as_sent(request.messages),
    }
    if request.tools:
        body["tools"] = list(request.tools)
    return {**body, **build_parameters(request, route)}


def encode_body(request: CompletionRequest, route: RouteSettings) -> bytes:
    """The whole body as it is sent."""
    body = build_body(request, route)
    try:
        return orjson.dumps(body)
    except TypeError:
        # A route's extra body may hold a number of more than 64 bits.
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def build_parameters(request: CompletionRequest, route: RouteSettings) -> dict[str, Any]:
    """The body without model, messages and tools."""
    body: dict[str, Any] = {"stream": True, **_allowed(request.parameters)}
    if route.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if request.tools and request.tool_choice is not None:
        body["tool_choice"] = request.tool_choice
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        for path in route.token_limit_fields:
            _set_at_path(body, path, request.max_tokens)
    return _merged(body, _allowed(route.extra_body))


def _allowed(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in OWN_FIELDS}


def _set_at_path(body: dict[str, Any], path: str, value: int) -> None:
    *parents, last = path.split(".")
    for name in parents:
        body = body.setdefault(name, {})
    body[last] = value


def _merged(body: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """The extra fields over the body's; objects are merged, so `options` keeps its other fields."""
    merged = dict(body)
    for name, value in extra.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merged(merged[name], value)
        else:
            merged[name] = copy.deepcopy(value)
    return merged
