"""The body of a whole answer, read as the contract says."""

from __future__ import annotations

from typing import Any

import orjson

from chat.bench.stage_runner.collecting import as_text
from chat.bench.stage_runner.outputs import TextOutput, ToolCallOutput

EXCERPT = 200


class Unrecognized(ValueError):
    """An answer that is none of those the contract knows; its words say what came instead."""


def read_answer(body: bytes) -> TextOutput | ToolCallOutput:
    """The output that a 200 body holds. Raises Unrecognized."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unrecognized(f"The answer is not JSON: {excerpt(body)}") from None
    match answer:
        case {"type": "tool_results", "tool_results": dict(results)}:
            return ToolCallOutput(tool_results={key: as_text(one) for key, one in results.items()})
        case {"type": "text", "text": str(text)}:
            return TextOutput(text=text)
        case {"type": "error"}:
            code = answer.get("code")
            words = as_text(answer.get("message") or "")
            return TextOutput(text=words, is_error=True, error_code=as_text(code or ""))
    raise Unrecognized(f"The answer is of no known type: {excerpt(body)}")


def refusal_words(status: int, body: bytes) -> str:
    """What an answer with another status than 200 says, in one sentence."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"The endpoint answered with status {status}: {excerpt(body)}"
    words = ""
    if isinstance(answer, dict):
        told = answer.get("message") or answer.get("detail") or answer.get("error") or ""
        words = told.get("message", "") if isinstance(told, dict) else as_text(told)
    return f"The endpoint answered with status {status}: {words or excerpt(body)}"


def excerpt(body: bytes) -> str:
    """The beginning of a body in one line."""
    text = " ".join(body[: EXCERPT * 4].decode("utf-8", "replace").split())
    if not text:
        return "nothing"
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"
