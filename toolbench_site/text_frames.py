"""Text as websocket frames of a server: unmasked, whole, uncompressed (RFC 6455, 5.2)."""

from __future__ import annotations

from collections.abc import Iterable

_SHORT = [bytes((0x81, size)) for size in range(126)]


def text_frames(texts: Iterable[str]) -> bytes:
    """One frame per text, one after the other."""
    parts: list[bytes] = []
    for text in texts:
        payload = text.encode()
        size = len(payload)
        if size < 126:
            parts.append(_SHORT[size])
        elif size < 65536:
            parts.append(b"\x81\x7e" + size.to_bytes(2))
        else:
            parts.append(b"\x81\x7f" + size.to_bytes(8))
        parts.append(payload)
    return b"".join(parts)
