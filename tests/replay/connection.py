"""One client's connection: requests in, scripts played out, its end noticed to the millisecond."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.replay.parsing import BadRequest, Request, RequestReader
from tests.replay.script import (
    CloseNow,
    EndStream,
    Framing,
    Mark,
    Script,
    Send,
    SendRaw,
    Wait,
    WaitFor,
    WaitUntil,
)
from tests.replay.signals import Signal


@dataclass(slots=True, eq=False)
class Exchange:
    """A request, what was sent for it, and when the other side was seen to be gone.

    Times are `time.monotonic()`. `closed` comes when the connection ends, also after the answer
    was whole; `closed_early` tells a client that left before.
    """

    request: Request
    bytes_sent: int = 0
    finished_at: float | None = None
    closed_at: float | None = None
    closed_how: Literal["eof", "reset", "by us"] | None = None
    finished: Signal = field(default_factory=Signal)
    closed: Signal = field(default_factory=Signal)

    @property
    def closed_early(self) -> bool:
        """Whether the client left before the answer was whole."""
        return self.finished_at is None and self.closed_how in ("eof", "reset")

    def report(self) -> dict[str, Any]:
        """Plain values, without what was asked."""
        model = self.request.json.get("model") if self.request.body else None
        return {
            "path": self.request.path,
            "model": model,
            "received_at": self.request.received_at,
            "bytes_sent": self.bytes_sent,
            "finished_at": self.finished_at,
            "closed_at": self.closed_at,
            "closed_how": self.closed_how,
        }


class _ConnectionDropped(Exception):
    """The script ended the connection itself."""


class Connection(asyncio.Protocol):
    """Plays one script after another on one socket."""

    def __init__(
        self,
        script_for: Callable[[Request], Script],
        note: Callable[[Exchange], None],
        connections: set[Connection],
    ) -> None:
        self._script_for = script_for
        self._note = note
        self._connections = connections
        self._reader = RequestReader()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._told_to_continue = False
        self._exchanges: list[Exchange] = []
        self._how: Literal["eof", "reset", "by us"] | None = None
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # With no room in our own buffer, bytes_sent is what the kernel took.
        transport.set_write_buffer_limits(high=0)
        self._connections.add(self)
        self._task = asyncio.create_task(self._serve(), name="replay connection")

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        self._arrived.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def eof_received(self) -> bool:
        self._end("eof")
        return False

    def connection_lost(self, reason: Exception | None) -> None:
        self._end("reset" if reason is not None else self._how or "by us")
        self._connections.discard(self)

    async def drop(self) -> None:
        """End the script and the connection."""
        self._end("by us")
        self._transport.abort()
        await asyncio.wait([self._task])

    def _end(self, how: Literal["eof", "reset", "by us"]) -> None:
        now = time.monotonic()
        if self._how is None:
            self._how = how
            for exchange in self._exchanges:
                exchange.closed_at = now
                exchange.closed_how = how
                exchange.closed.set()
        if self._task is not asyncio.current_task():
            self._task.cancel()

    async def _serve(self) -> None:
        try:
            while True:
                request = await self._next_request()
                exchange = Exchange(request)
                self._exchanges.append(exchange)
                self._note(exchange)
                keep_alive = await self._play(self._script_for(request), exchange)
                exchange.finished_at = time.monotonic()
                exchange.finished.set()
                if not keep_alive:
                    break
        except _ConnectionDropped:
            return
        except BadRequest as bad:
            self._transport.write(f"HTTP/1.1 400 Bad Request\r\n\r\n{bad}".encode())
        self._how = self._how or "by us"
        self._close_exchanges()
        self._transport.close()

    async def _next_request(self) -> Request:
        while (request := self._reader.next_request()) is None:
            if self._reader.expects_continue and not self._told_to_continue:
                self._told_to_continue = True
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._arrived.clear()
            await self._arrived.wait()
        self._told_to_continue = False
        return request

    async def _play(self, script: Script, exchange: Exchange) -> bool:
        """Play the steps; whether the connection can take another request."""
        request = exchange.request
        framing: Framing = script.framing
        if framing == "chunked" and request.http_version == "HTTP/1.0":
            framing = "close"
        keep_alive = request.keep_alive and framing != "close"
        head: bytes | None = script.head(framing, keep_alive)
        if script.head_at_once and head is not None:
            await self._write(head, exchange)
            head = None
        for step in script.steps:
            match step:
                case Send(b"") if framing == "chunked":
                    pass  # An empty chunk would end the body.
                case Send(data):
                    body = b"%x\r\n%b\r\n" % (len(data), data) if framing == "chunked" else data
                    await self._write((head or b"") + body, exchange)
                    head = None
                case SendRaw(data):
                    await self._write((head or b"") + data, exchange)
                    head = None
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case WaitUntil(seconds):
                    left = request.received_at + seconds - time.monotonic()
                    if left > 0:
                        await asyncio.sleep(left)
                case WaitFor(signal):
                    await signal.waited(None)
                case Mark(signal):
                    signal.set()
                case CloseNow(reset):
                    self._drop_connection(reset)
                    raise _ConnectionDropped
                case EndStream():
                    break
        ending = b"0\r\n\r\n" if framing == "chunked" else b""
        await self._write((head or b"") + ending, exchange)
        return keep_alive

    async def _write(self, data: bytes, exchange: Exchange) -> None:
        if not data:
            return
        self._transport.write(data)
        await self._writable.wait()
        exchange.bytes_sent += len(data)

    def _drop_connection(self, reset: bool) -> None:
        if reset:
            raw = self._transport.get_extra_info("socket")
            # Closing with a linger time of zero sends RST instead of FIN (socket(7)).
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._how = "by us"
        self._close_exchanges()
        self._transport.abort()

    def _close_exchanges(self) -> None:
        now = time.monotonic()
        for exchange in self._exchanges:
            if exchange.closed_at is None:
                exchange.closed_at = now
                exchange.closed_how = self._how
                exchange.closed.set()
