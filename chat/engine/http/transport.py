"""The SDK's HTTP client over our own connections: no limit on their number, kept for reuse."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import ssl
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2

from chat.engine.http.connection import Connection

KEPT_CONNECTIONS = 64
KEPT_SECONDS = 30.0
# How much is read of the body of a refusal: its words are among the first.
REFUSAL_LIMIT = 1024 * 1024
# As RFC 8305: how long an address is tried alone before the next one is tried beside it.
_NEXT_ADDRESS_SECONDS = 0.25
_PORTS = {"http": 80, "https": 443}
_NO_HEADER = re.compile(rb"[\x00\r\n]")


class Body(httpx2.AsyncByteStream):
    """A response's body; whoever needs speed takes it from the extension `body` and reads it."""

    def __init__(self, transport: Transport, connection: Connection, origin: Origin) -> None:
        self.read = connection.read
        """What has come since the last read; waits for some, empty at the end."""
        self._transport = transport
        self._connection: Connection | None = connection
        self._origin = origin

    @property
    def complete(self) -> bool:
        """Whether the server has sent the response's end."""
        return self._connection is None or self._connection.complete

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The reads, for httpx2. Of a refusal's body what comes well counts, up to a limit."""
        refused = self._connection is not None and self._connection.status >= 400
        size = 0
        while not refused or size < REFUSAL_LIMIT:
            try:
                data = await self.read()
            except httpx2.TransportError:
                if refused:
                    return
                raise
            if not data:
                return
            size += len(data)
            yield data

    async def aclose(self) -> None:
        """Keep the connection if the response was read to its end, else close it at once."""
        connection, self._connection = self._connection, None
        self.read = _closed
        if connection is not None:
            self._transport.give_back(connection, self._origin)


Origin = tuple[str, str, int]


class Transport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 over asyncio. Only the connect limit of httpx2's timeouts is looked at.

    Servers are judged by httpx2's usual certificates unless a context is given.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._open: set[Connection] = set()
        self._kept: dict[Origin, list[Connection]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; the response's body is still to be read."""
        head = _head(request)
        content = await request.aread()
        origin = _origin(request.url)
        connection = self._take(origin)
        if connection is not None and not await self._is_answered_on(connection, head + content):
            connection = None
        if connection is None:
            limit = request.extensions.get("timeout", {}).get("connect")
            connection = await self._connect(origin, limit)
            await self._send(connection, head + content)
        body = Body(self, connection, origin)
        return httpx2.Response(
            connection.status,
            headers=connection.headers,
            stream=body,
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": connection.reason,
                "body": body,
            },
        )

    async def _is_answered_on(self, connection: Connection, request: bytes) -> bool:
        """Send on a kept connection; False where the server was just leaving it.

        A server that closes an idle connection may do so as the request is under way: it has read
        nothing of it, so it is sent again on another (RFC 9112, 9.3.1).
        """
        try:
            await self._send(connection, request)
        except httpx2.TransportError:
            if connection.is_answered:
                raise
            return False
        return True

    async def _send(self, connection: Connection, request: bytes) -> None:
        try:
            await connection.send(request)
        except BaseException:
            connection.close()
            raise

    async def aclose(self) -> None:
        """Close every connection, whoever reads it."""
        for connection in list(self._open):
            connection.close()

    def give_back(self, connection: Connection, origin: Origin) -> None:
        """Keep a connection for the next request, if it serves for one."""
        if not connection.release():
            return
        kept = self._kept.setdefault(origin, [])
        if len(kept) >= KEPT_CONNECTIONS:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.expiry = loop.call_later(KEPT_SECONDS, connection.close)
        kept.append(connection)

    def _take(self, origin: Origin) -> Connection | None:
        kept = self._kept.get(origin, [])
        while kept:
            connection = kept.pop()
            if connection.expiry is not None:
                connection.expiry.cancel()
                connection.expiry = None
            # One that was closed a moment ago may not have told so yet.
            if connection.release():
                return connection
        return None

    async def _connect(self, origin: Origin, limit: float | None) -> Connection:
        scheme, host, port = origin
        if scheme not in _PORTS:
            raise httpx2.UnsupportedProtocol(f"There is no way to {scheme}:// here.")
        loop = asyncio.get_running_loop()
        # uvloop has no way to try addresses side by side. Where there is but one they are not tried
        # that way: asyncio leaves a socket to the garbage collector if that is cancelled too late.
        beside: dict[str, Any] = {}
        if isinstance(loop, asyncio.BaseEventLoop) and not _is_address(host):
            beside["happy_eyeballs_delay"] = _NEXT_ADDRESS_SECONDS
        try:
            async with asyncio.timeout(limit):
                connection: Connection
                _, connection = await loop.create_connection(
                    lambda: Connection(self._forget),
                    host,
                    port,
                    ssl=await self._secure() if scheme == "https" else None,
                    **beside,
                )
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(str(error)) from error
        self._open.add(connection)
        return connection

    async def _secure(self) -> ssl.SSLContext:
        if self._context is None:
            # Reads every certificate there is: tens of milliseconds.
            self._context = await asyncio.to_thread(httpx2.create_ssl_context, trust_env=False)
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        connection.close()
        for kept in self._kept.values():
            if connection in kept:
                kept.remove(connection)
                break


def build_client(connect_seconds: float) -> httpx2.AsyncClient:
    """The client to give to the SDK: nothing of the environment, no redirects, no cookies."""
    return httpx2.AsyncClient(
        transport=Transport(),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx2.Timeout(None, connect=connect_seconds),
    )


def _origin(url: httpx2.URL) -> Origin:
    return url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS.get(url.scheme, 0)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


async def _closed() -> bytes:
    raise httpx2.StreamClosed


def _head(request: httpx2.Request) -> bytes:
    """The request line and the headers."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    for name, value in request.headers.raw:
        if _NO_HEADER.search(name) or _NO_HEADER.search(value):
            raise httpx2.LocalProtocolError("A header holds what no header can.")
        lines.append(name + b": " + value)
    return b"\r\n".join((*lines, b"", b""))
