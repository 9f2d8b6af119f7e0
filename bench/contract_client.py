"""A client of the HTTP endpoints written from the wire contract alone: sockets, HTTP/1.1, SSE.

It knows nothing of Toolbench's code, and no library speaks for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

LINE_LIMIT = 8 * 1024 * 1024
TERMINAL = ("done", "cancel", "error")


@dataclass(frozen=True)
class SseFrame:
    """One server-sent event as it came."""

    id: str
    event: str
    data: str

    @property
    def json(self) -> dict[str, Any]:
        """Its data, which is one line of JSON."""
        parsed: dict[str, Any] = json.loads(self.data)
        return parsed

    @property
    def number(self) -> int:
        """Its sequence number."""
        return int(self.id.rpartition("-")[2])


@dataclass
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Its body as JSON."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class Exchange:
    """A request under way: its head has been answered, its body is read by whoever wants it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int
    headers: Mapping[str, str]
    comments: list[str] = field(default_factory=list)
    last_id: str = ""

    async def body(self) -> bytes:
        """All of the body."""
        return b"".join([part async for part in self.parts()])

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises IncompleteReadError where it breaks off."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                yield await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
        elif (length := self.headers.get("content-length")) is not None:
            yield await self.reader.readexactly(int(length))
        else:
            while part := await self.reader.read(65536):
                yield part

    async def frames(self) -> AsyncIterator[SseFrame]:
        """The body as server-sent events (WHATWG HTML, 9.2); comments are noted."""
        rest = b""
        name, data = "", []
        async for part in self.parts():
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                text = line.removesuffix(b"\r").decode()
                if not text:
                    if data:
                        yield SseFrame(self.last_id, name or "message", "\n".join(data))
                    name, data = "", []
                elif text.startswith(":"):
                    self.comments.append(text[1:].strip())
                else:
                    field_name, _, value = text.partition(":")
                    value = value.removeprefix(" ")
                    match field_name:
                        case "event":
                            name = value
                        case "data":
                            data.append(value)
                        case "id":
                            self.last_id = value

    def leave(self) -> None:
        """Be gone without a word."""
        self.writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave()


@dataclass(frozen=True)
class HttpClient:
    """Sends requests to one server, with a key or without."""

    url: str
    key: str = ""

    async def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        limit: int = LINE_LIMIT,
    ) -> Exchange:
        """Send a request; returns when the head of its answer has come.

        A body that is not bytes is sent as JSON.
        """
        reader, writer = await self.send(method, path, body, headers, limit=limit)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
        except BaseException:
            writer.transport.abort()
            raise
        first, *lines = head.strip().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        told = {name.strip().lower(): value.strip() for name, value in pairs}
        return Exchange(reader, writer, int(first.split()[1]), told)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        limit: int = LINE_LIMIT,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request and wait for nothing."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=limit)
        content = b"" if body is None else body if isinstance(body, bytes) else dumped(body)
        sent = {
            "Host": parts.netloc,
            "Connection": "close",
            "Accept": "text/event-stream, application/json",
            **({"Content-Type": "application/json"} if content else {}),
            **({"Content-Length": str(len(content))} if content or method == "POST" else {}),
            **({"Authorization": f"Bearer {self.key}"} if self.key else {}),
            **(headers or {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin1") + content)
        return reader, writer

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request and its whole answer."""
        async with await self.open(method, path, body, headers) as exchange:
            return Answer(exchange.status, exchange.headers, await exchange.body())

    async def stream(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """A request and all events of its answer."""
        async with await self.open(method, path, body, headers) as exchange:
            frames = [frame async for frame in exchange.frames()]
            return Told(exchange.status, exchange.headers, frames)


@dataclass
class Told:
    """What a stream told, added up as the contract says."""

    status: int
    headers: Mapping[str, str]
    frames: list[SseFrame]

    @property
    def end(self) -> SseFrame | None:
        """The terminal frame."""
        last = self.frames[-1] if self.frames else None
        return last if last is not None and last.event in TERMINAL else None

    @property
    def deltas(self) -> list[tuple[str, dict[str, Any]]]:
        """The deltas of all chunks, each with its completion's id."""
        found = []
        for frame in self.frames:
            data = frame.json
            chunk = data.get("chunk") or data.get("tool_results")
            if chunk is not None:
                found += [(chunk["id"], choice["delta"]) for choice in chunk["choices"]]
        return found

    @property
    def text(self) -> str:
        """What the model said, all of it."""
        return "".join(delta.get("content") or "" for _, delta in self.deltas)

    @property
    def reasoning(self) -> str:
        """What the model thought."""
        return "".join(delta.get("reasoning_content") or "" for _, delta in self.deltas)

    @property
    def calls(self) -> list[tuple[str, str, str]]:
        """Id, name and raw arguments of each tool call, in the order in which they began."""
        calls: dict[tuple[str, int], list[str]] = {}
        for completion, delta in self.deltas:
            for piece in delta.get("tool_calls") or ():
                call = calls.setdefault((completion, piece["index"]), ["", "", ""])
                call[0] += piece.get("id") or ""
                call[1] += piece["function"].get("name") or ""
                call[2] += piece["function"].get("arguments") or ""
        return [(call[0], call[1], call[2]) for call in calls.values()]

    @property
    def summaries(self) -> dict[str, str]:
        """The tools' results, by call id."""
        found: dict[str, str] = {}
        for frame in self.frames:
            if frame.event == "tool_summary":
                found |= frame.json["tool_summary"]
        return found


def dumped(body: Any) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(body, ensure_ascii=False).encode()
