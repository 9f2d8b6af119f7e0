"""The strict contract of a Chat Completions answer, held against raw bytes.

Every chunk is read by the official client's own types in strict mode; what the types let pass (gaps
in indexes, two ends, text after the end) is checked here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.chat.api.documents.held import http

FINISH_REASONS = {"stop", "length", "tool_calls", "content_filter"}
EXTENSIONS = {"reasoning_content", "toolbench"}
"""Fields that answers may have and OpenAI's have not."""


@dataclass
class Streamed:
    """A stream that kept the contract, put together as a client does."""

    content: str = ""
    reasoning: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    extension: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    chunks: int = 0
    heartbeats: int = 0


def read_stream(body: bytes) -> Streamed:
    """What a stream says; raises AssertionError where it breaks the contract."""
    found = Streamed()
    data = list(_data_lines(body, found))
    assert data, "an empty stream"
    if data[-1] != "[DONE]":
        found.error = _error(json.loads(data.pop()))
    else:
        data.pop()
    heads = set()
    for number, text in enumerate(data):
        assert text != "[DONE]", "something follows [DONE]"
        raw = json.loads(text)
        chunk = ChatCompletionChunk.model_validate(raw, strict=True)
        _no_unknown_fields(chunk)
        _is_documented(raw, "CompletionChunk")
        heads.add((chunk.id, chunk.created, chunk.model))
        found.chunks += 1
        if not raw["choices"]:
            assert number == len(data) - 1, "the usage chunk is not the last"
            assert raw["usage"] is not None
        _take(found, raw, is_first=number == 0)
    assert len(heads) <= 1, f"chunks of one answer differ in their heads: {heads}"
    if found.error is None:
        assert found.finish_reason in FINISH_REASONS
        assert (found.finish_reason == "tool_calls") <= bool(found.calls)
    return found


def read_whole(body: bytes) -> dict[str, Any]:
    """The message of a whole answer; raises AssertionError where it breaks the contract."""
    raw: dict[str, Any] = json.loads(body)
    completion = ChatCompletion.model_validate(raw, strict=True)
    _no_unknown_fields(completion)
    _is_documented(raw, "Completion")
    assert len(completion.choices) == 1
    choice = raw["choices"][0]
    assert choice["index"] == 0
    assert choice["finish_reason"] in FINISH_REASONS
    calls = choice["message"].get("tool_calls")
    assert calls is None or calls, "an empty list of calls"
    assert (choice["finish_reason"] == "tool_calls") <= bool(calls)
    _distinct_ids(calls or [])
    message: dict[str, Any] = choice["message"]
    return message


def _take(found: Streamed, raw: dict[str, Any], *, is_first: bool) -> None:
    if raw.get("usage") is not None:
        assert found.usage is None, "two counts of tokens"
        found.usage = raw["usage"]
    if raw.get("toolbench") is not None:
        found.extension = raw["toolbench"]
    for choice in raw["choices"]:
        assert choice["index"] == 0
        assert found.finish_reason is None, "something follows the finish_reason"
        delta = choice["delta"]
        assert ("role" in delta) is is_first, "the role comes once, in the first chunk"
        assert delta or choice["finish_reason"], "a chunk that says nothing"
        found.content += delta.get("content") or ""
        found.reasoning += delta.get("reasoning_content") or ""
        for call in delta.get("tool_calls") or ():
            assert call["index"] == len(found.calls), "indexes of calls have gaps"
            assert call["id"]
            assert call["type"] == "function"
            assert call["function"]["name"]
            assert isinstance(call["function"]["arguments"], str)
            found.calls.append(call)
        found.finish_reason = choice["finish_reason"]
    _distinct_ids(found.calls)


def _distinct_ids(calls: list[dict[str, Any]]) -> None:
    assert len({call["id"] for call in calls}) == len(calls), "two calls have one id"


def _data_lines(body: bytes, found: Streamed) -> Iterable[str]:
    assert body.endswith(b"\n\n"), "the last event is not closed"
    for block in body.decode().split("\n\n")[:-1]:
        assert "\n" not in block, "an event of several lines"
        if block.startswith(":"):
            found.heartbeats += 1
            continue
        assert block.startswith("data: ")
        yield block.removeprefix("data: ")


def _error(raw: dict[str, Any]) -> dict[str, Any]:
    assert set(raw) == {"error"}
    assert set(raw["error"]) == {"message", "type", "param", "code"}
    assert raw["error"]["message"]
    _is_documented(raw, "ErrorEnvelope")
    error: dict[str, Any] = raw["error"]
    return error


def _no_unknown_fields(model: Any) -> None:
    extra = set(model.model_extra or ())
    assert extra <= EXTENSIONS, f"fields that OpenAI's answers do not have: {extra - EXTENSIONS}"
    for value in vars(model).values():
        for part in value if isinstance(value, list) else [value]:
            if hasattr(part, "model_extra"):
                _no_unknown_fields(part)


def _is_documented(raw: Any, name: str) -> None:
    assert http().faults(raw, {"$ref": f"#/components/schemas/{name}"}) == []
