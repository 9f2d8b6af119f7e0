"""The viewers of a measurement: a websocket per person, each starting one stage and reading it.

`python -m bench.listeners --url http://127.0.0.1:8000` reads cookies as a line of JSON, connects,
says `ready`, waits for another line, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import uuid
from contextlib import AsyncExitStack
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from bench.ages import Ages, summary
from bench.bare import START_SPREAD
from tests.sockets import TERMINAL


class Listener:
    """One person's socket and what came over it."""

    def __init__(self, socket: ClientConnection, *, html: bool) -> None:
        self._socket = socket
        self._html = html
        self.ages = Ages()
        self.frames = 0
        self.html_frames = 0
        self.end = ""
        self.numbers_dense = True

    async def run(self, after: float) -> None:
        """Start a stage and read it to its end."""
        await asyncio.sleep(after)
        self.ages = Ages()
        command = {"type": "stage.start", "request_id": str(uuid.uuid4()), "mode": "chat"}
        await self._socket.send(json.dumps({**command, "prompt": "Go on.", "html": self._html}))
        last = 0
        while not self.end:
            frame: dict[str, Any] = json.loads(await self._socket.recv())
            if frame["type"] == "html":
                self.html_frames += 1
            if frame["type"] == "rejected":
                self.end = frame["message"]
            if frame["type"] != "event":
                continue
            self.frames += 1
            self.numbers_dense &= frame["sequence_number"] == last + 1
            last = frame["sequence_number"]
            if frame["event"] == "chat_completion_chunk":
                self.ages.take(frame["data"].get("content") or "")
            elif frame["event"] in TERMINAL:
                self.end = frame["event"]


async def measure(url: str, cookies: list[str], *, html: bool) -> dict[str, object]:
    """All streams side by side."""
    async with AsyncExitStack() as stack:
        listeners = [
            Listener(await stack.enter_async_context(_connect(url, cookie)), html=html)
            for cookie in cookies
        ]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(
            *(one.run(number * START_SPREAD) for number, one in enumerate(listeners))
        )
    ends = [one.end for one in listeners]
    return {
        **summary([one.ages for one in listeners]),
        "frames": sum(one.frames for one in listeners),
        "html_frames": sum(one.html_frames for one in listeners),
        "ends": {end: ends.count(end) for end in ends},
        "dense": all(one.numbers_dense for one in listeners),
    }


def _connect(url: str, cookie: str) -> connect:
    return connect(
        url.replace("http", "ws", 1) + "/ws/",
        additional_headers={"Cookie": cookie},
        origin=url,  # type: ignore[arg-type]
        max_size=None,
        compression=None,
    )


def main() -> None:
    """Read the command line and the cookies, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--html", action="store_true")
    arguments = parser.parse_args()
    cookies: list[str] = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(measure(arguments.url, cookies, html=arguments.html))))


if __name__ == "__main__":
    main()
