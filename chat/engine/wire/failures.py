"""What a server says about its own failure, in whatever shape it says it."""

from __future__ import annotations

from typing import Any

import orjson

from chat.engine.wire.text import storable

WORDS_LIMIT = 600
_WORD_FIELDS = ("message", "detail", "error", "error_message", "msg", "title", "reason")


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
    if "choices" in payload:
        return None
    if payload.get("object") == "error" or payload.get("type") == "error":
        return payload
    if "detail" in payload or ("message" in payload and ("code" in payload or "type" in payload)):
        return payload
    return None


def failure_words(failure: Any) -> str:
    """The upstream's own words about its failure, as one bounded line of text."""
    words = _find_words(failure, depth=0)
    if not words:
        words = failure if isinstance(failure, str) else _as_json(failure)
    words = " ".join(storable(words).split())
    return words if len(words) <= WORDS_LIMIT else words[: WORDS_LIMIT - 1] + "…"


def body_words(body: bytes) -> str:
    """The words of an error body: of its JSON, else the start of its text; empty where none."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body[: 4 * WORDS_LIMIT].decode("utf-8", "replace").strip()
        # A proxy's error page says nothing that a person can use.
        return "" if text.startswith("<") else failure_words(text)
    return failure_words(payload) if payload else ""


def redact(text: str, secret: str) -> str:
    """The text without the secret: servers quote keys back, whole or with their middle starred."""
    if len(secret) < 6:
        return text
    return " ".join(
        "[key removed]" if _quotes_secret(word, secret) else word
        for word in text.replace(secret, "[key removed]").split(" ")
    )


def _quotes_secret(word: str, secret: str) -> bool:
    bare = word.strip(".,;:'\"()[]{}<>`")
    return "*" in bare and len(bare) > 6 and bare[:3] == secret[:3]


def _find_words(failure: Any, depth: int) -> str:
    if isinstance(failure, str):
        return failure
    if depth > 4:
        return ""
    if isinstance(failure, list):
        parts = (_find_words(item, depth + 1) for item in failure[:5])
        return "; ".join(part for part in parts if part)
    if isinstance(failure, dict):
        for field in _WORD_FIELDS:
            words = _find_words(failure.get(field), depth + 1)
            if words:
                return words
    return ""


def _as_json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        return str(value)
