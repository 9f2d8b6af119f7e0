"""Unpacking an answer that came compressed although none was asked for."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

# A few bytes may unpack to gigabytes: they are given out in pieces, and whoever reads them counts.
_PIECE = 64 * 1024
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class UnknownEncoding(ValueError):
    """The answer is packed in a way that is not known here, or its packing is broken."""


class Unpacker:
    """Unpacks gzip and deflate (zlib's or bare) as it comes; raises UnknownEncoding."""

    def __init__(self, encoding: str) -> None:
        window = _WINDOWS.get(encoding)
        if window is None:
            raise UnknownEncoding(encoding)
        self._encoding = encoding
        self._unpack = zlib.decompressobj(window)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the packed data holds, in pieces of at most 64 KiB."""
        while data:
            try:
                piece = self._unpack.decompress(data, _PIECE)
            except zlib.error:
                if self._begun or self._encoding != "deflate":
                    raise UnknownEncoding(self._encoding) from None
                # Half the servers leave zlib's head away.
                self._unpack = zlib.decompressobj(-15)
                self._begun = True
                continue
            self._begun = True
            if piece:
                yield piece
            data = self._unpack.unconsumed_tail
            if not data and self._unpack.unused_data and self._encoding != "deflate":
                # Gzip may come as several members, one after another.
                data = self._unpack.unused_data
                self._unpack = zlib.decompressobj(_WINDOWS[self._encoding])


def packing_of(header: str) -> str | None:
    """The packing that a Content-Encoding header names, None where it names none."""
    encoding = header.strip().lower()
    return None if encoding in ("", "identity", "none", "utf-8") else encoding
