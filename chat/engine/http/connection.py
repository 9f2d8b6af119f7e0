"""One HTTP/1.1 connection: an asyncio protocol over llhttp, one exchange after another."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import cast

import httptools
import httpx2

# What waits unread above which the server is held back, in bytes.
UNREAD_LIMIT = 256 * 1024
HEADERS_LIMIT = 128 * 1024

_LOST = "The server closed the connection before the response was whole."


class Connection(asyncio.Protocol):
    """A connection and what it reads. `send` once per exchange, `read` to its end, `release`.

    Raises httpx2's TransportErrors.
    """

    def __init__(self, on_closed: Callable[[Connection], None]) -> None:
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.expiry: asyncio.TimerHandle | None = None
        """While it waits for another exchange: when it is given up."""
        self.is_answered = False
        """Whether anything at all came back for the exchange under way."""
        self._loop = asyncio.get_running_loop()
        self._on_closed = on_closed
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        # Small servers end lines with LF alone; proxies add a length to a chunked body.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_chunked_length=True, lenient_optional_cr_before_lf=True
        )
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: list[bytes] = []
        self._unread = 0
        self._paused = False
        self._headers_size = 0
        self._has_headers = False
        self._complete = True
        self._reusable = True
        self._error: httpx2.TransportError | None = None

    @property
    def complete(self) -> bool:
        """Whether the response has come to its end; it may not yet be read to it."""
        return self._complete

    async def send(self, request: bytes) -> None:
        """Send a whole request; returns when the response's status and headers are here."""
        assert self._transport is not None
        self.headers = []
        self._pieces = []
        self._unread = self._headers_size = 0
        self._has_headers = self._complete = self.is_answered = False
        if self._error is None:
            self._transport.write(request)
        while not self._has_headers:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def read(self) -> bytes:
        """What has come of the body since the last read; waits for some, empty at the end."""
        while not self._pieces:
            if self._complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait()
        pieces, self._pieces, self._unread = self._pieces, [], 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def release(self) -> bool:
        """After an exchange: whether the connection serves for another; it is closed if not."""
        if self._complete and self._reusable and not self._pieces and not self._has_news():
            return True
        self.close()
        return False

    def close(self) -> None:
        """Close at once: a polite end of TLS would leave the server writing until it answers."""
        if self.expiry is not None:
            self.expiry.cancel()
            self.expiry = None
        self._fail(httpx2.ReadError("The connection was closed here."))

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands, TLS included."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """A network read."""
        if self._complete:
            # Nothing was asked.
            self.close()
            return
        self.is_answered = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # A response that is whole stays so, whatever comes after it.
            self._fail(httpx2.RemoteProtocolError(str(error)))
        if self._unread > UNREAD_LIMIT and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._transport = None
        if error is None and self._error is None and self._ends_with_connection():
            self._complete = True
        self._fail(
            httpx2.RemoteProtocolError(_LOST) if error is None else httpx2.ReadError(str(error))
        )
        self._wake()
        self._on_closed(self)

    # --- httptools ---

    def on_message_begin(self) -> None:
        """A response begins; a second one was not asked for."""
        self._reusable = self._reusable and not self._complete

    def on_status(self, reason: bytes) -> None:
        """The words beside the status code."""
        self.reason = reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or a trailer."""
        self._headers_size += len(name) + len(value)
        if self._headers_size > HEADERS_LIMIT:
            self._fail(httpx2.RemoteProtocolError("The headers are too long."))
        elif not self._has_headers:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The headers are whole; those of an interim response (100, 103) count for nothing."""
        if self._complete:
            return
        self.status = self._parser.get_status_code()
        self._has_headers = self.status >= 200
        if not self._has_headers:
            self.headers = []

    def on_body(self, body: bytes) -> None:
        """A piece of the body, without its chunking."""
        if not self._complete:
            self._pieces.append(body)
            self._unread += len(body)

    def on_message_complete(self) -> None:
        """The response's own end."""
        if self._has_headers:
            self._complete = True
            self._reusable = self._reusable and self._parser.should_keep_alive()

    # --- inside ---

    def _ends_with_connection(self) -> bool:
        """Whether the body is one whose end is that of the connection (RFC 9112, 6.3)."""
        if not self._has_headers or self._complete:
            return False
        headers = {name.lower(): value.lower() for name, value in self.headers}
        chunked = b"chunked" in headers.get(b"transfer-encoding", b"")
        return not chunked and b"content-length" not in headers

    def _has_news(self) -> bool:
        """Whether something came that was not asked for; most often it is the server's leaving."""
        if self._transport is None or self._transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _fail(self, error: httpx2.TransportError) -> None:
        self._reusable = False
        if self._error is None:
            self._error = error
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
