"""What travels, held against the documents: unknown events, fields, codes and statuses are faults.

Clients are told to ignore what they do not know, so the published schemas leave room for more; here
they are closed, so that nothing travels that is not documented.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from bench.contract_client import Answer, HttpClient, SseFrame, Told
from bench.contract_ground import HttpGround
from chat.api.documents.asyncapi import asyncapi_document
from chat.api.documents.openapi import EVENTS, HEADERS, JSON, openapi_document

COMPLETIONS = "/v1/chat/completions"


def closed(part: Any) -> Any:
    """The same schema without room for fields that it does not name."""
    if isinstance(part, list):
        return [closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {name: closed(one) for name, one in part.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


class Document:
    """One of the documents, its schemas as validators."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._schemas = document["components"]["schemas"]
        self._closed = closed(self._schemas)
        self._validators: dict[tuple[str, bool], Draft202012Validator] = {}

    def faults(self, value: Any, schema: Mapping[str, Any], *, strictly: bool = True) -> list[str]:
        """What of a value is not as the schema says; nothing undocumented passes `strictly`."""
        key = (json.dumps(schema), strictly)
        if key not in self._validators:
            components = {"schemas": self._closed if strictly else self._schemas}
            whole = {**(closed(schema) if strictly else schema), "components": components}
            self._validators[key] = Draft202012Validator(
                whole, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
        return [_told(error) for error in self._validators[key].iter_errors(value)]


def _told(error: Any) -> str:
    inner = "; ".join(_told(one) for one in error.context or ())
    place = "/".join(map(str, error.absolute_path))
    return f"{place or 'it'}: {error.message[:300]}" + (f" ({inner})" if inner else "")


@cache
def http() -> Document:
    """The OpenAPI document."""
    return Document(openapi_document())


@cache
def socket() -> Document:
    """The AsyncAPI document."""
    return Document(asyncapi_document())


def operation_at(method: str, path: str) -> tuple[str, Mapping[str, Any]] | None:
    """The documented path and operation that a request reached; None: another's method."""
    bare = path.partition("?")[0]
    for template, methods in http().document["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, bare):
            return template, methods.get(method.lower(), {})
    raise AssertionError(f"{method} {path} is not documented")


def answer_faults(
    method: str, path: str, status: int, headers: Mapping[str, str], body: Any
) -> list[str]:
    """What of an answer the document does not say."""
    found = operation_at(method, path)
    assert found is not None
    template, operation = found
    if not operation:
        # A method that is not documented has one answer, documented with the others.
        [operation] = http().document["paths"][template].values()
        if status not in (403, 405):
            return [f"{method} {path} is answered with {status}"]
    reply = operation["responses"].get(str(status))
    if reply is None:
        return [f"{template}: {status} is not documented"]
    faults = [
        f"{template} {status}: the header {name} is not documented"
        for name in HEADERS
        if name.lower() in headers and name not in reply.get("headers", {})
    ]
    content = reply.get("content", {})
    kind = headers.get("content-type", "").partition(";")[0]
    if kind == EVENTS:
        events = content[EVENTS]["x-events"]
        return faults + [fault for frame in body for fault in _frame_faults(frame, events)]
    if kind != JSON:
        return faults if not content else [*faults, f"{template} {status}: {kind} came"]
    faults += [
        f"{template} {status}: {fault}" for fault in http().faults(body, content[JSON]["schema"])
    ]
    code = body.get("error", {}).get("code") if "error" in body else body.get("code")
    if status != 200 and code is not None and code not in reply["x-codes"]:
        faults.append(f"{template} {status}: the code {code} is not documented")
    return faults


def _frame_faults(frame: SseFrame, events: Mapping[str, Any]) -> list[str]:
    if "" in events:
        schema = events[""]
        if frame.data == "[DONE]":
            return []
    else:
        schema = events.get(frame.event)
        if schema is None:
            return [f"the event {frame.event} is not documented"]
    return [f"{frame.event}: {fault}" for fault in http().faults(json.loads(frame.data), schema)]


def frame_faults(frame: Mapping[str, Any]) -> list[str]:
    """What of a frame of the websocket the document does not say."""
    documented = socket().document["components"]["messages"]
    name = frame.get("event") if frame.get("type") == "event" else frame.get("type")
    incoming = _incoming()
    kinds = [
        (key, message["payload"])
        for key, message in documented.items()
        if message["name"] == name
        and key not in incoming
        and ("data" in message["payload"].get("properties", {})) == (frame["type"] == "event")
    ]
    if not kinds:
        return [f"the frame {name} is not documented"]
    tried = {key: socket().faults(frame, payload) for key, payload in kinds}
    if [] in tried.values():
        return []
    return [f"{key}: {fault}" for key, faults in tried.items() for fault in faults]


def command_faults(command: Any) -> list[str]:
    """What of a command the document does not take."""
    documented = socket().document["components"]["messages"]
    kind = command.get("type") if isinstance(command, dict) else None
    for key in _incoming():
        if documented[key]["name"] == kind:
            return socket().faults(command, documented[key]["payload"], strictly=False)
    return [f"the command {kind} is not documented"]


@cache
def _incoming() -> frozenset[str]:
    operations = socket().document["operations"].values()
    return frozenset(
        message["$ref"].rsplit("/", 1)[1]
        for operation in operations
        if operation["action"] == "receive"
        for message in operation["messages"]
    )


@dataclass(frozen=True)
class HeldClient(HttpClient):
    """A client that holds each answer against the document."""

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request and its whole answer, which must be documented."""
        answer = await super().ask(method, path, body, headers)
        is_json = answer.headers.get("content-type", "").startswith(JSON)
        told = answer.json if is_json else None
        if not answer.headers.get("content-type", "").startswith(EVENTS):
            faults = answer_faults(method, path, answer.status, answer.headers, told)
            assert faults == [], (faults, answer.body[:500])
        return answer

    async def stream(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """A request and all events of its answer, which must be documented."""
        told = await super().stream(method, path, body, headers)
        assert told.headers["content-type"].startswith(EVENTS)
        assert answer_faults(method, path, told.status, told.headers, told.frames) == []
        return told


@dataclass
class HeldGround(HttpGround):
    """The same servers, with clients that hold what they are answered."""

    def client(self, key: str = "all", server: int = 0) -> HttpClient:
        """A client that holds."""
        return HeldClient(self.rig.servers[server].url, self.keys[key])
