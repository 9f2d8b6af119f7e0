"""The data of one event as JSON: strict where it can be, lenient where servers are not."""

from __future__ import annotations

import json
from typing import Any

import orjson

from chat.engine.repairs import RepairLog

_END = frozenset((b"DONE", b"[DONE]"))
# What servers and proxies send to keep a connection awake.
_IDLE = frozenset((b"null", b"ping", b"pong", b"heartbeat", b"keepalive", b"keep-alive"))
IDLE_EVENTS = frozenset(("ping", "pong", "heartbeat", "keepalive", "keep-alive"))
_LENIENT = json.JSONDecoder(strict=False)


class NotACompletion(ValueError):
    """A payload is no JSON object; carries the start of what came."""


def is_end(data: bytes) -> bool:
    """Whether the data is the end marker, in whatever case and quotes."""
    return len(data) <= 12 and data.strip(b"\" '").upper() in _END


def parse_payloads(data: bytes, log: RepairLog) -> list[dict[str, Any]]:
    """The JSON objects of one event: one, but for servers that join several; raises NotACompletion.

    Keep-alives give none.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_leniently(data, log)
    if type(value) is dict:
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        log.note("chunks_joined")
        return value
    if value is None or _is_idle(data):
        log.note("idle_data")
        return []
    raise _not_a_completion(data)


def _parse_leniently(data: bytes, log: RepairLog) -> list[dict[str, Any]]:
    """As above for what orjson refuses: lone surrogates, NaN, control characters, joined chunks."""
    if data.lower().strip(b'[]" .') in _IDLE:
        log.note("idle_data")
        return []
    text = data.decode("utf-8", "replace")
    if not text.startswith(("{", "[")):
        raise _not_a_completion(data)
    found: list[dict[str, Any]] = []
    at = 0
    try:
        while at < len(text):
            value, at = _LENIENT.raw_decode(text, at)
            if not isinstance(value, dict):
                raise _not_a_completion(data)
            found.append(value)
            at = _skip_between(text, at)
    except (ValueError, RecursionError):
        raise _not_a_completion(data) from None
    if len(found) > 1:
        log.note("chunks_joined")
    if not _is_utf8(data):
        log.note("invalid_utf8")
    elif len(found) == 1 and _is_loose(text):
        log.note("loose_json")
    return found


def _skip_between(text: str, at: int) -> int:
    """Where the next object begins: only blanks, or a lost line end, stand between two."""
    rest = text[at : at + 64]
    bare = rest.lstrip().removeprefix("data:").lstrip()
    if rest.strip() and not bare.startswith("{"):
        raise ValueError("something else follows")
    return at + len(rest) - len(bare)


def _is_idle(data: bytes) -> bool:
    return len(data) < 20 and data.lower().strip(b'[]" .') in _IDLE


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_loose(text: str) -> bool:
    """Whether a strict reader refuses the text; halves of a surrogate pair are no reason."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return True
    return False


def _refuse(word: str) -> None:
    raise ValueError(word)


def _not_a_completion(data: bytes) -> NotACompletion:
    return NotACompletion(data[:200].decode("utf-8", "replace"))
