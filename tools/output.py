"""A tool's return value as the text a model reads: JSON, clean, and within a cap."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
from pydantic import BaseModel

WHOLE_CAP = 4 * 1024 * 1024
"""Characters of an output that are kept at all; what a runaway tool says beyond is dropped."""

_LEFT_OUT = "\n[… {:,} characters left out …]\n"
_UNCLEAN = re.compile("[\x00\ud800-\udfff]")


def as_text(value: Any) -> str:
    """A tool's return value as text: strings as they are, everything else as JSON."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes | bytearray):
        return clean(bytes(value).decode("utf-8", "replace"))
    try:
        return clean(orjson.dumps(value, _plain, orjson.OPT_NON_STR_KEYS).decode())
    except (TypeError, ValueError, RecursionError):
        pass
    # orjson refuses integers over 64 bits and lone surrogates; the standard library does not.
    try:
        return clean(json.dumps(value, ensure_ascii=False, default=_plain))
    except (TypeError, ValueError, RecursionError):
        return clean(str(value))


def clean(text: str) -> str:
    """The text without NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    if not _UNCLEAN.search(text):
        return text
    # Through UTF-16 two halves of a pair become their character; a half alone becomes U+FFFD.
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", "\ufffd")


def capped(text: str, cap: int) -> tuple[str, str | None]:
    """The text within `cap` characters, and the whole of it where it had to be cut."""
    if len(text) <= cap:
        return text, None
    room = cap - len(_LEFT_OUT.format(len(text)))
    if room <= 0:
        return text[:cap], text[:WHOLE_CAP]
    line = _LEFT_OUT.format(len(text) - room)
    head = (room + 1) // 2
    return text[:head] + line + text[len(text) - (room - head) :], text[:WHOLE_CAP]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset):
        return list(value)
    return str(value)
