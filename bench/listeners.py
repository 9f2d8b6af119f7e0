"""The viewers of a measurement: a websocket per person, each starting one stage and reading it.

`python -m bench.listeners` reads a line of JSON, connects everybody, says `ready`, waits for
another line, lets each start at a moment of their own, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import uuid
from dataclasses import dataclass

import orjson

from bench.ages import Ages, summary
from bench.loop import run
from bench.raw_socket import RawSocket

START_SPREAD = 0.01
CONNECTING = 25
"""Connections made side by side; more would only wait in the server."""

TERMINAL = frozenset(("done", "cancel", "error"))


@dataclass(frozen=True)
class Seat:
    """Who starts a stage where, and where they read it."""

    number: int
    cookie: str
    start_url: str
    view_url: str


class Listener:
    """One person: starts a stage, reads it to its end, from the same process or from another."""

    def __init__(self, seat: Seat, prompt: str, *, html: bool) -> None:
        self._seat = seat
        self._prompt = prompt
        self._html = html
        self._viewing: RawSocket
        self._starting: RawSocket
        self._last = 0
        self.ages = Ages()
        self.frames = 0
        self.html_frames = 0
        self.numbers_dense = True
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Open what it needs."""
        seat = self._seat
        self._viewing = await RawSocket.connect(seat.view_url, seat.cookie, self._take)
        self._starting = self._viewing
        if seat.start_url != seat.view_url:
            self._starting = await RawSocket.connect(seat.start_url, seat.cookie, self._accepted)
        for socket in {self._viewing, self._starting}:
            socket.closed.add_done_callback(self._gone)

    def start(self) -> None:
        """Ask for a stage."""
        self.ages = Ages()
        self._starting.send(
            type="stage.start",
            request_id=str(uuid.uuid4()),
            mode="chat",
            prompt=self._prompt,
            html=self._html and self._starting is self._viewing,
        )

    def disconnect(self) -> None:
        """Close what is open."""
        for socket in {self._viewing, self._starting}:
            socket.closed.remove_done_callback(self._gone)
            socket.close()

    def _accepted(self, text: bytes) -> None:
        """The starting side learns the stage's id and leaves the reading to the other."""
        frame = orjson.loads(text)
        if frame["type"] == "accepted":
            stage_id = frame["stage_id"]
            self._starting.send(type="stage.unsubscribe", stage_id=stage_id)
            self._viewing.send(type="stage.subscribe", stage_id=stage_id, after=0, html=self._html)
        elif frame["type"] == "rejected":
            self._end(frame["message"])

    def _take(self, text: bytes) -> None:
        frame = orjson.loads(text)
        kind = frame["type"]
        if kind == "event":
            self.frames += 1
            self._last += 1
            self.numbers_dense &= frame["sequence_number"] == self._last
            event = frame["event"]
            if event == "chat_completion_chunk":
                self.ages.take(frame["data"].get("content") or "")
            elif event in TERMINAL:
                self._end(event)
        elif kind == "html":
            self.html_frames += 1
        elif kind in ("rejected", "unavailable"):
            self._end(frame["message"])

    def _gone(self, closed: asyncio.Future[int | None]) -> None:
        self._end(f"closed with {closed.result()}")

    def _end(self, how: str) -> None:
        if not self.ended.done():
            self.ended.set_result(how)


async def measure(
    seats: list[Seat], prompt: str, *, html: bool, seconds: float
) -> dict[str, object]:
    """All streams side by side, at most for so long."""
    loop = asyncio.get_running_loop()
    listeners = [Listener(seat, prompt, html=html) for seat in seats]
    gate = asyncio.Semaphore(CONNECTING)

    async def connect(listener: Listener) -> None:
        async with gate:
            await listener.connect()

    await asyncio.gather(*map(connect, listeners))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    began = loop.time()
    for seat, listener in zip(seats, listeners, strict=True):
        loop.call_at(began + seat.number * START_SPREAD, listener.start)
    await asyncio.wait([listener.ended for listener in listeners], timeout=seconds)
    took = loop.time() - began
    for listener in listeners:
        if not listener.ended.done():
            listener.ended.set_result("no end in time")
        listener.disconnect()
    ends = [listener.ended.result() for listener in listeners]
    return {
        **summary([listener.ages for listener in listeners]),
        "seconds": took,
        "frames": sum(listener.frames for listener in listeners),
        "html_frames": sum(listener.html_frames for listener in listeners),
        "ends": {end: ends.count(end) for end in ends},
        "dense": all(listener.numbers_dense for listener in listeners),
    }


def main() -> None:
    """Read what to do, measure, print JSON."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    task = orjson.loads(sys.stdin.readline())
    seats = [Seat(**seat) for seat in task["seats"]]
    heard = run(measure(seats, task["prompt"], html=task["html"], seconds=task["seconds"]))
    print(orjson.dumps(heard).decode(), flush=True)


if __name__ == "__main__":
    main()
