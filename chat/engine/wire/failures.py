"""What a server says about its own failure, in whatever shape it says it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from chat.engine.wire.text import storable

WORDS_LIMIT = 600
# How much of an error body is looked at.
BODY_LIMIT = 256 * 1024

_WORD_FIELDS = (
    "message",
    "detail",
    "error",
    "errors",
    "error_message",
    "error_msg",
    "error_description",
    "errorMessage",
    "status_msg",
    "msg",
    "title",
    "reason",
    "description",
)
_CODE_FIELDS = (
    "code",
    "status",
    "status_code",
    "error_code",
    "errorCode",
    "type",
    "error_type",
    "reason",
)
# Words that say only that there was an error: a gateway's, while the provider's stand deeper.
_EMPTY_WORDS = re.compile(
    r"(provider returned error|upstream error|internal (server )?error|error|failed"
    r"|bad request)\.?",
    re.IGNORECASE,
)
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})</title>", re.IGNORECASE)

FailureKind = Literal["rate_limited", "too_long", "rejected", "failed"]

# "exceeds the available context size" (llama.cpp), "maximum context length" (OpenAI, vLLM).
_CONTEXT = re.compile(r"context[ _-]?(size|length|window)|prompt is too long", re.IGNORECASE)
_EXCESS = re.compile(
    r"exceed|maximum|too (long|large|many)|longer|greater|not enough", re.IGNORECASE
)
_CONTEXT_CODE = re.compile(r"context_length_exceeded|exceed_context_size", re.IGNORECASE)
_RATE_CODE = re.compile(
    r"rate_?limit|too_?many_?requests|resource_?exhausted|throttl|quota|requests_limit",
    re.IGNORECASE,
)
_RATE_WORDS = re.compile(
    r"rate[ _-]?limit|too many requests|requests per (minute|second|day)|quota (was )?exceeded"
    r"|exceeded your (current )?quota|temporarily rate-limited|tokens per (minute|day)",
    re.IGNORECASE,
)
_REJECTED_CODE = re.compile(
    r"invalid|unauthori[sz]ed|authentication|permission|forbidden|not_?found|bad_?request"
    r"|badrequest|unsupported|unprocessable|validation|content_(filter|policy)|billing|payment",
    re.IGNORECASE,
)
_REJECTED_WORDS = re.compile(
    r"(invalid|incorrect|missing|no) (api|auth\w*)[ _-]?(key|token)|unauthori[sz]ed"
    r"|permission denied|access denied|invalid request|model .{0,80}(not found|does not exist)",
    re.IGNORECASE,
)
# The model's fault, not the request's, though Groq files it under invalid requests.
_MODEL_CODE = re.compile(r"tool_use_failed|json_validate_failed|output_parse_failed")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as the upstream told it: its words, bounded, and which kind they speak of."""

    words: str
    kind: FailureKind


def failure_in(payload: Any) -> Any:
    """The error inside a payload that came with a good status, or None.

    An `error` field, or a whole payload that is an error (vLLM's `object: "error"`; a message and
    a code where choices belong).
    """
    if not isinstance(payload, dict):
        return None
    error = payload.get("error")
    if error:
        return error
    # MiniMax reports the state of every answer in a field of its own; 0 is well.
    state = payload.get("base_resp")
    if isinstance(state, dict) and state.get("status_code"):
        return state
    if "choices" in payload and (payload["choices"] or "object" in payload):
        return None
    if payload.get("errors") and isinstance(payload["errors"], list | dict | str):
        return payload["errors"]
    if payload.get("object") == "error" or payload.get("type") == "error":
        return payload
    if payload.get("success") is False or payload.get("status") in ("error", "failed", "fail"):
        return payload
    if "detail" in payload or any(field in payload for field in ("error_msg", "error_message")):
        return payload
    if any(payload.get(f) and isinstance(payload[f], str) for f in ("message", "msg")) and any(
        payload.get(field) not in (None, 0, "0") for field in _CODE_FIELDS
    ):
        return payload
    return None


def read_failure(failure: Any) -> Failure:
    """The words and the kind of an error inside an answer."""
    words = failure_words(failure)
    return Failure(words, failure_kind(failure, words))


def failure_kind(failure: Any, words: str) -> FailureKind:
    """What an error speaks of: its numbers and codes go before its prose."""
    codes = " ".join(_codes(_unpacked(failure), depth=0))
    if is_too_long(words) or _CONTEXT_CODE.search(codes):
        return "too_long"
    if _MODEL_CODE.search(codes):
        return "failed"
    if _RATE_CODE.search(codes):
        return "rate_limited"
    statuses = [int(code) for code in codes.split() if re.fullmatch(r"[45]\d\d", code)]
    if statuses:
        if 429 in statuses:
            return "rate_limited"
        # Neither a request that was waited for too long, nor one that was given up, is at fault.
        return (
            "rejected" if 400 <= statuses[0] < 500 and statuses[0] not in (408, 499) else "failed"
        )
    if _RATE_WORDS.search(words):
        return "rate_limited"
    if _REJECTED_CODE.search(codes) or _REJECTED_WORDS.search(words):
        return "rejected"
    return "failed"


def is_too_long(words: str) -> bool:
    """Whether the words tell of a request that is longer than the model's context."""
    return bool(_CONTEXT.search(words) and _EXCESS.search(words))


def failure_words(failure: Any) -> str:
    """The upstream's own words about its failure, as one bounded line of text."""
    words = _find_words(_unpacked(failure), depth=0)
    if not words:
        words = failure if isinstance(failure, str) else _as_json(failure)
    return _one_line(words)


def body_words(body: bytes) -> str:
    """The words of an error body: of its JSON, a page's title, else the start of its text."""
    body = body[:BODY_LIMIT].strip()
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _text_words(body)
    return failure_words(payload) if payload else ""


def body_kind(body: bytes) -> FailureKind:
    """The kind of failure that an error body speaks of."""
    try:
        payload = orjson.loads(body[:BODY_LIMIT])
    except orjson.JSONDecodeError:
        payload = body[: 4 * WORDS_LIMIT].decode("utf-8", "replace")
    return failure_kind(payload, body_words(body))


def _text_words(body: bytes) -> str:
    if body.startswith(b"<"):
        # Of a proxy's error page only its title says something that a person can use.
        title = _TITLE.search(body)
        return _one_line(title[1].decode("utf-8", "replace")) if title else ""
    for line in body[:4096].splitlines():
        # A refusal may come as an event of the stream that was asked for.
        name, _, value = line.partition(b":")
        if name in (b"data", b"error") and value.strip().startswith((b"{", b"[")):
            try:
                return failure_words(orjson.loads(value))
            except orjson.JSONDecodeError:
                break
    return _one_line(body[: 4 * WORDS_LIMIT].decode("utf-8", "replace"))


def _one_line(words: str) -> str:
    words = " ".join(storable(words[: 4 * WORDS_LIMIT]).split())
    return words if len(words) <= WORDS_LIMIT else words[: WORDS_LIMIT - 1] + "…"


def _find_words(failure: Any, depth: int) -> str:
    if isinstance(failure, str):
        return failure
    if depth > 4:
        return ""
    if isinstance(failure, list):
        parts = (_find_words(_unpacked(item), depth + 1) for item in failure[:5])
        return "; ".join(part for part in parts if part)
    if isinstance(failure, dict):
        found = ""
        for field in _WORD_FIELDS:
            words = _find_words(_unpacked(failure.get(field)), depth + 1)
            if words:
                found = words + _place_of(failure)
                break
        if not found or _EMPTY_WORDS.fullmatch(found.strip()):
            found = _deeper_words(failure, depth) or found
        return found
    return ""


def _deeper_words(failure: dict[str, Any], depth: int) -> str:
    """What a gateway passes on of its provider's own words (OpenRouter, LiteLLM, Azure)."""
    for field in ("metadata", "innererror", "inner_error", "details", "raw", "body", "cause"):
        inner = _unpacked(failure.get(field))
        if isinstance(inner, str) and field != "raw":
            continue
        if words := _find_words(inner, depth + 1):
            return words
    return ""


def _place_of(failure: dict[str, Any]) -> str:
    """Where in the request FastAPI found a fault."""
    place = failure.get("loc")
    if not isinstance(place, list) or not place or len(place) > 8:
        return ""
    return f" ({'.'.join(str(part)[:40] for part in place)})"


def _codes(failure: Any, depth: int) -> Iterator[str]:
    if depth > 3:
        return
    if isinstance(failure, list):
        for item in failure[:5]:
            yield from _codes(_unpacked(item), depth + 1)
    if isinstance(failure, dict):
        for field in _CODE_FIELDS:
            value = failure.get(field)
            if isinstance(value, str | int) and not isinstance(value, bool):
                yield str(value)[:80].replace(" ", "_")
        for field in ("error", "errors", "detail", "metadata"):
            yield from _codes(_unpacked(failure.get(field)), depth + 1)


def _unpacked(value: Any) -> Any:
    """A value, or what it holds where it is JSON written as text."""
    if isinstance(value, str) and 1 < len(value) < BODY_LIMIT:
        start = value.find("{")
        if 0 <= start < 200 and value.rstrip().endswith(("}", "}]", '}"', "}'")):
            end = value.rfind("}") + 1
            try:
                inner = orjson.loads(value[start:end])
            except orjson.JSONDecodeError:
                return value
            # Prose before the JSON (LiteLLM) is repeated in it; an object without words is not.
            return inner if _find_words(inner, depth=3) else value
    return value


def _as_json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        return str(value)
