"""Streams and chunks for tests, as servers write them."""

from __future__ import annotations

import json
from typing import Any

from chat.engine.wire.answer import WireAnswer, read_answer

DONE = b"data: [DONE]\n\n"


def event(payload: Any) -> bytes:
    """One event; bytes are its data as they stand."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return b"data: " + data + b"\n\n"


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """One chunk with a delta."""
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def call(
    index: Any = None, id: Any = None, name: Any = None, arguments: Any = None, **more: Any
) -> dict[str, Any]:
    """One fragment of a tool call; what is None is left out."""
    function = {"name": name, "arguments": arguments}
    fragment: dict[str, Any] = {
        "index": index,
        "id": id,
        "function": {key: value for key, value in function.items() if value is not None},
    }
    return {key: value for key, value in fragment.items() if value is not None} | more


def calls(*fragments: dict[str, Any]) -> dict[str, Any]:
    """One chunk with fragments of tool calls."""
    return delta(tool_calls=list(fragments))


STOP = delta("stop")
CALLED = delta("tool_calls")


def stream(*payloads: Any, end: bytes = DONE) -> bytes:
    """A whole stream."""
    return b"".join(map(event, payloads)) + end


def read(*payloads: Any, end: bytes = DONE) -> WireAnswer:
    """What is read of a stream of these payloads."""
    return read_whole(stream(*payloads, end=end))


def read_whole(data: bytes, *, whole: bool = False) -> WireAnswer:
    """What is read of these bytes, whole and byte by byte alike."""
    answer = read_answer([data], whole=whole)
    bytewise = read_answer((data[at : at + 1] for at in range(len(data))), whole=whole)
    assert bytewise == answer
    return answer


def codes(answer: WireAnswer) -> list[str]:
    """The codes of the repairs, in the order in which they were told."""
    return [repair.code for repair in answer.repairs]
