"""Reading HTTP/1.1 requests out of a byte stream."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    # time.monotonic(), which is one clock for all processes of a Linux machine.
    received_at: float
    http_version: str = "HTTP/1.1"

    @property
    def json(self) -> Any:
        """The parsed body; an empty dict where there is none."""
        return orjson.loads(self.body) if self.body else {}

    @property
    def path_only(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open after the answer (RFC 9112, section 9.3)."""
        options = self.headers.get("connection", "").lower()
        if self.http_version == "HTTP/1.0":
            return "keep-alive" in options
        return "close" not in options


class BadRequest(Exception):
    """What came is not an HTTP/1.1 request."""


class RequestReader:
    """Bytes in, requests out: bodies by length or chunked, pipelined requests kept in order."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what the socket gave."""
        self._buffer += data

    def next_request(self) -> Request | None:
        """The next complete request; None while more bytes are needed."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        method, path, version, headers = _parse_head(bytes(self._buffer[:end]))
        start = end + 4
        if "chunked" in headers.get("transfer-encoding", "").lower():
            decoded = _decode_chunks(self._buffer, start)
            if decoded is None:
                return None
            body, stop = decoded
        else:
            stop = start + int(headers.get("content-length", "0"))
            if len(self._buffer) < stop:
                return None
            body = bytes(self._buffer[start:stop])
        del self._buffer[:stop]
        return Request(method, path, headers, body, time.monotonic(), version)

    @property
    def expects_continue(self) -> bool:
        """Whether a head is here whose sender waits before it sends the body."""
        end = self._buffer.find(b"\r\n\r\n")
        return end >= 0 and b"100-continue" in self._buffer[:end].lower()


def _parse_head(head: bytes) -> tuple[str, str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, path, version = first.split(" ")
    except ValueError:
        raise BadRequest(f"The request line is {first!r}.") from None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(f"A header line is {line!r}.")
        headers[name.strip().lower()] = value.strip()
    return method, path, version, headers


def _decode_chunks(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    """The body and where it ends; None while it is incomplete. Trailers are not read."""
    body = bytearray()
    at = start
    while True:
        line_end = buffer.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(bytes(buffer[at:line_end]).partition(b";")[0], 16)
        at = line_end + 2
        if len(buffer) < at + size + 2:
            return None
        body += buffer[at : at + size]
        at += size + 2
        if size == 0:
            return bytes(body), at
