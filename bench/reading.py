"""One person who reads stages one after the other, and what that cost the server."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.listeners import TERMINAL
from bench.raw_socket import RawSocket, first_of
from bench.setups import MeasuredServer

STAGE_SECONDS = 900


@dataclass
class Seen:
    """One stage as its reader saw it."""

    asked_at: float
    first_ms: float | None = None
    characters: int = 0
    frames: int = 0
    html_frames: int = 0
    html_bytes: int = 0
    end: str = ""
    marks: list[tuple[int, float]] = field(default_factory=list)
    """Characters seen, and the server's CPU seconds at that moment."""


class OneReader:
    """A socket on which stages are started and read to their end."""

    def __init__(self, server: MeasuredServer) -> None:
        self._server = server
        self._seen = Seen(0.0)
        self._ended: asyncio.Future[None]
        self._marks: list[int] = []
        self.socket: RawSocket

    async def connect(self, cookie: str) -> None:
        """Open the socket."""
        self.socket = await RawSocket.connect(self._server.url, cookie, self._take)

    async def read(
        self,
        prompt: str,
        *,
        html: bool = False,
        conversation_id: str | None = None,
        marks: list[int] | None = None,
    ) -> Seen:
        """Start a stage and read it to its end; looks at the server's CPU when so many characters
        (`marks`, ascending) have come."""
        self._seen = Seen(time.monotonic())
        self._marks = list(marks or [])
        self._ended = asyncio.get_running_loop().create_future()
        self.socket.send(
            type="stage.start",
            request_id=str(uuid.uuid4()),
            mode="chat",
            prompt=prompt,
            html=html,
            conversation_id=conversation_id,
        )
        async with asyncio.timeout(STAGE_SECONDS):
            await first_of(self._ended, self.socket.closed)
        if self._seen.end != "done":
            raise RuntimeError(f"A stage ended with {self._seen.end or 'its socket'}.")
        return self._seen

    def _take(self, text: bytes) -> None:
        frame: dict[str, Any] = orjson.loads(text)
        seen = self._seen
        if frame["type"] == "html":
            seen.html_frames += 1
            seen.html_bytes += len(text)
        elif frame["type"] == "rejected":
            self._end(frame["message"])
        elif frame["type"] == "event":
            seen.frames += 1
            if frame["event"] == "chat_completion_chunk":
                if seen.first_ms is None:
                    seen.first_ms = (time.monotonic() - seen.asked_at) * 1000
                seen.characters += len(frame["data"].get("content") or "")
                while self._marks and seen.characters >= self._marks[0]:
                    seen.marks.append((seen.characters, self._server.cpu_seconds()))
                    self._marks.pop(0)
            elif frame["event"] in TERMINAL:
                self._end(frame["event"])

    def _end(self, how: str) -> None:
        self._seen.end = how
        if not self._ended.done():
            self._ended.set_result(None)
