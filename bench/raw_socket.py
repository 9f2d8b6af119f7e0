"""A websocket client that costs next to nothing: frames in, frames out, no tasks, no extensions."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10

OnText = Callable[[bytes], None]


class Refused(ConnectionError):
    """The server did not answer the handshake with 101."""


class RawSocket(asyncio.Protocol):
    """One websocket; `on_text` is called for every text frame, `closed` is set at the end."""

    def __init__(self, on_text: OnText) -> None:
        self.on_text = on_text
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int | None] = loop.create_future()
        """Its close code; None where the connection ended without one."""
        self.transport: asyncio.Transport
        self._code: int | None = None
        self._rest = b""
        self._parts = b""
        self._is_open = False

    @classmethod
    async def connect(cls, url: str, cookie: str, on_text: OnText) -> RawSocket:
        """Connect to a server at `url` (http://…) as the person whose Cookie header this is."""
        parts = urlsplit(url)
        _, socket = await asyncio.get_running_loop().create_connection(
            lambda: cls(on_text), parts.hostname or "", parts.port or 80
        )
        key = base64.b64encode(os.urandom(16)).decode()
        socket.transport.write(
            (
                f"GET /ws/ HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Protocol: toolbench.v1\r\nOrigin: {url}\r\nCookie: {cookie}\r\n\r\n"
            ).encode()
        )
        await socket.opened
        return socket

    def send(self, **command: Any) -> None:
        """Send a command; nothing where the connection is gone."""
        self._send(TEXT, orjson.dumps(command))

    def close(self) -> None:
        """Close in the proper way."""
        self._send(CLOSE, (1000).to_bytes(2, "big"))

    async def leave(self) -> None:
        """Close it and wait until it is gone."""
        self.close()
        await first_of(self.closed, timeout=5.0)
        self.abort()

    def abort(self) -> None:
        """Be gone without a word."""
        self.transport.abort()

    def pause(self) -> None:
        """Read nothing more."""
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TCP connection stands."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the handshake's answer, then frames."""
        if self._rest:
            data = self._rest + data
        if not self._is_open:
            head, blank, rest = data.partition(b"\r\n\r\n")
            if not blank:
                self._rest = data
                return
            if not head.startswith(b"HTTP/1.1 101"):
                status = head.split(b"\r\n", 1)[0].decode("latin-1")
                self._fail(Refused(f"The server answered the handshake with: {status}"))
                self.transport.abort()
                return
            if self.opened.done():
                # Whoever connected has waited long enough and is gone.
                self.transport.abort()
                return
            self._is_open = True
            self._rest, data = b"", rest
            self.opened.set_result(None)
        self._rest = data[self._take(data) :]

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._fail(error or ConnectionResetError("The connection ended in the handshake."))
        if not self.closed.done():
            self.closed.set_result(self._code)

    def _fail(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)

    def _take(self, data: bytes) -> int:
        """Handle all whole frames; where the rest begins."""
        at, size = 0, len(data)
        while size - at >= 2:
            length, head = data[at + 1], 2
            if length == 126:
                head, length = 4, int.from_bytes(data[at + 2 : at + 4], "big")
            elif length == 127:
                head, length = 10, int.from_bytes(data[at + 2 : at + 10], "big")
            end = at + head + length
            if size < end or size < at + head:
                break
            self._frame(data[at], data[at + head : end])
            at = end
        return at

    def _frame(self, first: int, payload: bytes) -> None:
        opcode, is_final = first & 15, first & 128
        if opcode <= TEXT:
            payload = self._parts + payload if self._parts else payload
            self._parts = b"" if is_final else payload
            if is_final:
                self.on_text(payload)
        elif opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            self._code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
            self._send(CLOSE, payload[:2])
            self.transport.close()

    def _send(self, opcode: int, payload: bytes) -> None:
        if self.transport.is_closing():
            return
        size = len(payload)
        if size < 126:
            head = bytes((128 | opcode, 128 | size))
        elif size < 65536:
            head = bytes((128 | opcode, 128 | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((128 | opcode, 128 | 127)) + size.to_bytes(8, "big")
        # The mask that RFC 6455 asks of clients is all zeros: it changes nothing and costs nothing.
        self.transport.write(head + b"\0\0\0\0" + payload)


async def first_of(*futures: asyncio.Future[Any], timeout: float | None = None) -> None:
    """Wait until one of them is done, or for so long; neither cancels nor raises."""
    await asyncio.wait(futures, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
