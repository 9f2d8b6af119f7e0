"""Taking a route's key out of what a server said."""

from __future__ import annotations

import re
from functools import lru_cache

REMOVED = "[key removed]"


def redact(text: str, secret: str) -> str:
    """The text without the secret: servers quote keys back, whole or with their middle left out."""
    if len(secret) < 6:
        return text
    text = text.replace(secret, REMOVED)
    return _shortened(secret[:3]).sub(REMOVED, text) if secret[:3] in text else text


@lru_cache(maxsize=64)
def _shortened(start: str) -> re.Pattern[str]:
    word = r"[^\s\"'<>,;()\[\]{}*]{0,64}"
    return re.compile(
        rf"(?<!\w){re.escape(start)}{word}?(?:\*+|\.{{3}}|…)[^\s\"'<>,;()\[\]{{}}]{{0,64}}"
    )
