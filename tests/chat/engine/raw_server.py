"""A model server on loopback that answers with exactly the bytes a test gives it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from chat.engine.completions import RouteSettings

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass
class Exchange:
    """One connection as the server saw it; `closed` is set when the client is gone."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    headers: dict[str, str] = field(default_factory=dict)
    path: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    closed_at: float = 0.0

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            # A turn of the loop on either side, so that pieces arrive as reads of their own.
            await asyncio.sleep(0)

    async def until_closed(self) -> None:
        while await self.reader.read(4096):
            pass
        self.closed_at = asyncio.get_running_loop().time()
        self.closed.set()


Script = Callable[[Exchange], Awaitable[None]]


@dataclass
class RawServer:
    """Every connection runs the next script; the last one is used again."""

    scripts: list[Script]
    exchanges: list[Exchange] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    def route(self, **changes: Any) -> RouteSettings:
        """A route to this server, with short limits."""
        values: dict[str, Any] = {
            "slug": "local",
            "base_url": f"http://127.0.0.1:{self.port}/v1",
            "model": "tiny",
            "api_key": "sk-secret-0123456789",
            "connect_seconds": 5.0,
            "first_token_seconds": 20.0,
            "between_tokens_seconds": 20.0,
            "total_seconds": 30.0,
        }
        return RouteSettings(**{**values, **changes})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = Exchange(reader, writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            exchange.path = lines[0].split(" ")[1]
            exchange.headers = {
                name.lower(): value
                for name, value in (line.split(": ", 1) for line in lines[1:] if ": " in line)
            }
            size = int(exchange.headers.get("content-length", "0"))
            exchange.body = json.loads(await reader.readexactly(size)) if size else {}
            self.exchanges.append(exchange)
            self.asked.set()
            script = self.scripts[min(len(self.exchanges), len(self.scripts)) - 1]
            await script(exchange)
        except (ConnectionError, asyncio.IncompleteReadError):
            exchange.closed.set()
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(*scripts: Script) -> AsyncGenerator[RawServer, None]:
    """A server that runs the scripts, one per connection."""
    served = RawServer(list(scripts))
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(served._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def chunk(content: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """One `data:` event with a delta."""
    if content is not None:
        delta["content"] = content
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def answers(*pieces: bytes) -> Script:
    """Send the head, the pieces, and close."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(HEAD, *pieces)

    return script


def responds(
    status: str, body: bytes, content_type: str = "application/json", *more: str
) -> Script:
    """Send a whole response."""

    async def script(exchange: Exchange) -> None:
        lines = [
            f"HTTP/1.1 {status}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *more,
        ]
        await exchange.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return script


def holds(*pieces: bytes) -> Script:
    """Send the pieces (none: not even a status line), then wait for the client to leave."""

    async def script(exchange: Exchange) -> None:
        if pieces:
            await exchange.send(HEAD, *pieces)
        await exchange.until_closed()

    return script
