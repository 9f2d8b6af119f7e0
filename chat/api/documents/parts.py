"""What an endpoint is described by: its parameters, its body and its replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

Model = type[BaseModel]
Security = Literal["key", "key or session", "none"]
Examples = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One status of an endpoint."""

    status: int
    words: str
    body: tuple[Model, ...] = ()
    codes: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    examples: Examples = field(default_factory=dict)
    events: Mapping[str, tuple[Model, ...]] = field(default_factory=dict)
    """Where it streams: the data of each event; of events without a name under `""`."""
    stream_example: str = ""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A part of an address, or a header, that an endpoint reads."""

    name: str
    place: Literal["path", "query", "header"]
    words: str
    schema: Mapping[str, Any]
    example: Any = None


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address and method."""

    method: Literal["get", "post"]
    path: str
    name: str
    tag: str
    summary: str
    words: str
    security: Security = "key"
    parameters: tuple[Parameter, ...] = ()
    body: Model | None = None
    body_examples: Examples = field(default_factory=dict)
    replies: tuple[Reply, ...]
