"""Captured answers as they lie in files: which kind each is, and what it holds.

A wire capture is an answer's raw event stream, one whole JSON body, or a case with `wire` (text of
an event stream, or a list of data payloads) or `non_stream_body`, whose `request.tools` are the
tools offered. A text capture is a case with `raw`, `tools` and `flags`. A file with `cases` holds
several.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from chat.explain.text_settings import TextSettings

Tools = Mapping[str, Mapping[str, Any]] | None
"""Parameter schemas by name; none offered where empty, unknown where None."""

WIRE_FORMS = (
    "Expected is a captured answer: an event stream, a whole JSON body, or a JSON case with “wire” "
    "or “non_stream_body”, or “cases” of them."
)
TEXT_FORMS = "Expected is, with --text, a JSON case with “raw”, or “cases” of them."

_ANSWER_FIELDS = {"choices", "error", "detail", "message"}


class NotACapture(ValueError):
    """A file holds nothing that can be explained; says what was expected."""


@dataclass(frozen=True, slots=True)
class WireCapture:
    """What a server sent in answer to one request."""

    id: str
    data: bytes
    whole: bool = False
    tools: Tools = None


@dataclass(frozen=True, slots=True)
class TextCapture:
    """What a model wrote, before any server has read calls or thoughts in it."""

    id: str
    text: str
    tools: Tools = None
    settings: TextSettings = field(default_factory=TextSettings)


def read_wire_captures(name: str, data: bytes) -> list[WireCapture]:
    """The captures of a file, named like it; raises NotACapture."""
    document = _json_of(data)
    stem = PurePath(name).stem
    if not isinstance(document, dict):
        if not data.strip():
            raise NotACapture(f"{name} is empty. {WIRE_FORMS}")
        return [WireCapture(stem, data, whole=document is not None)]
    if isinstance(document.get("cases"), list):
        return [_wire_case(case, name, f"{stem}_{n}") for n, case in _numbered(document, name)]
    if "wire" in document or "non_stream_body" in document:
        return [_wire_case(document, name, stem)]
    if isinstance(document.get("raw"), str) and not _ANSWER_FIELDS & document.keys():
        raise NotACapture(f"{name} holds a model's text; read it with --text.")
    return [WireCapture(stem, data, whole=True)]


def read_text_captures(name: str, data: bytes) -> list[TextCapture]:
    """The text cases of a file; raises NotACapture."""
    document = _json_of(data)
    stem = PurePath(name).stem
    if isinstance(document, dict) and isinstance(document.get("cases"), list):
        return [_text_case(case, name, f"{stem}_{n}") for n, case in _numbered(document, name)]
    if isinstance(document, dict):
        return [_text_case(document, name, stem)]
    raise NotACapture(f"{name} holds no JSON object. {TEXT_FORMS}")


def offered_tools(tools: Any) -> dict[str, Mapping[str, Any]]:
    """Names and parameter schemas of a request's `tools` (or old `functions`)."""
    offered: dict[str, Mapping[str, Any]] = {}
    for tool in tools if isinstance(tools, list) else ():
        function = tool.get("function", tool) if isinstance(tool, dict) else tool
        if isinstance(function, str):
            offered[function] = {}
        elif isinstance(function, dict) and isinstance(function.get("name"), str):
            schema = function.get("parameters", function.get("input_schema"))
            offered[function["name"]] = schema if isinstance(schema, dict) else {}
    return offered


def _wire_case(case: Any, name: str, fallback: str) -> WireCapture:
    if not isinstance(case, dict) or not ("wire" in case or "non_stream_body" in case):
        hint = " Read it with --text." if isinstance(case, dict) and "raw" in case else ""
        raise NotACapture(f"{name}: {fallback} is no captured answer.{hint} {WIRE_FORMS}")
    request = case.get("request")
    tools: Tools = {}
    if isinstance(request, dict):
        tools = offered_tools(request.get("tools") or request.get("functions"))
    wire = case.get("wire")
    if wire is None:
        body = case.get("non_stream_body")
        text, whole = body if isinstance(body, str) else json.dumps(body), True
    else:
        text, whole = _stream_of(wire, name, fallback), False
    return WireCapture(_id(case, fallback), _bytes(text), whole, tools)


def _stream_of(wire: Any, name: str, fallback: str) -> str:
    """The event stream of a case; payloads alone were recorded without what framed them."""
    if isinstance(wire, str):
        return wire
    if not isinstance(wire, list):
        raise NotACapture(f"{name}: “wire” of {fallback} is neither text nor a list of payloads.")
    payloads = [one if isinstance(one, str) else json.dumps(one) for one in wire]
    if not any(payload.strip() == "[DONE]" for payload in payloads):
        payloads.append("[DONE]")
    return "".join(f"data: {payload}\n\n" for payload in payloads)


def _text_case(case: Any, name: str, fallback: str) -> TextCapture:
    if not isinstance(case, dict) or not isinstance(case.get("raw"), str):
        raise NotACapture(f"{name}: {fallback} has no text in “raw”. {TEXT_FORMS}")
    tools, raw = case.get("tools"), case["raw"]
    flags = case["flags"] if isinstance(case.get("flags"), dict) else {}
    settings = TextSettings.of(flags, raw)
    # A template is told the tools: where it was told none, there were none.
    unknown = tools is None and not flags.get("template")
    offered = None if unknown else offered_tools(tools)
    return TextCapture(_id(case, fallback), raw, offered, settings)


def _numbered(document: dict[str, Any], name: str) -> list[tuple[int, Any]]:
    if not document["cases"]:
        raise NotACapture(f"{name} has no cases.")
    return list(enumerate(document["cases"], 1))


def _id(case: dict[str, Any], fallback: str) -> str:
    given = case.get("id")
    return given if isinstance(given, str) and given else fallback


def _bytes(text: str) -> bytes:
    # A recording may hold half of a surrogate pair; the reader mends it.
    return text.encode("utf-8", "surrogatepass")


def _json_of(data: bytes) -> Any:
    """The JSON value of the whole file, None where it is none."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
