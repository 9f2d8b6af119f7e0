"""A replay server for measurements: paced text whose every chunk says when it was sent.

`python -m bench.upstream --chunks 200 --per-second 20` prints its base URL and serves until told to
stop. A chunk's text is `<monotonic nanoseconds> `, so whoever gets it on this machine knows its
age. A prompt that ends in `replay 400 50 256` asks for 400 chunks at 50 a second, each filled up
to 256 characters. It speaks just enough HTTP, since it shares the cores with what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import time
from dataclasses import dataclass
from typing import cast

import orjson

from bench.loop import run
from tests.replay import frame, openai_like

_MARK = "@stamp@"
_BEFORE, _AFTER = frame(openai_like.text(_MARK)).split(_MARK.encode())
_USAGE = {"prompt_tokens": 12, "completion_tokens": 200, "total_tokens": 212}
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
_WISH = re.compile(rb"replay (\d+) ([\d.]+) (\d+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STAMP_LENGTH = 30
_PARAGRAPH = 8
"""Chunks of filled text in a paragraph."""


def wish(chunks: int, per_second: float, size: int = 0) -> str:
    """The words of a prompt that ask for such an answer."""
    return f"replay {chunks} {per_second:g} {size}"


def _piece(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


_START = _HEAD + b"".join(_piece(frame(chunk)) for chunk in openai_like.start())
_END = (
    _piece(frame(openai_like.chunk({}, "stop")))
    + _piece(frame(openai_like.usage_chunk(_USAGE)))
    + _piece(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)
_MODELS = orjson.dumps(
    {"object": "list", "data": [{"id": "replay", "object": "model", "created": 0, "owned_by": ""}]}
)


@dataclass
class Counts:
    """What the server has seen."""

    open: int = 0
    started: int = 0
    finished: int = 0
    cut_off: int = 0


class Connection(asyncio.Protocol):
    """One connection; answers one request after the other."""

    def __init__(self, chunks: int, per_second: float, counts: Counts) -> None:
        self._default = (chunks, per_second, 0)
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._got = b""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self._began = 0.0
        self._sent = 0
        self._chunks = 0
        self._per_second = 1.0
        self._fillers: tuple[bytes, bytes] = (b"", b"")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer once the whole request is here."""
        self._got += data
        head, blank, body = self._got.partition(b"\r\n\r\n")
        if not blank:
            return
        found = _LENGTH.search(head)
        if len(body) < (int(found.group(1)) if found else 0):
            return
        self._got = b""
        path = head.split(b" ", 2)[1]
        if path.endswith(b"/chat/completions"):
            self._answer(body)
        elif path.endswith(b"/counts"):
            self._json(orjson.dumps(vars(self._counts)))
        else:
            self._json(_MODELS)

    def connection_lost(self, error: Exception | None) -> None:
        """The other side went away."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._counts.open -= 1
            self._counts.cut_off += 1

    def _json(self, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(body), body)
        )

    def _answer(self, body: bytes) -> None:
        wishes = _WISH.findall(body)
        self._chunks, self._per_second, size = self._default
        if wishes:
            chunks, per_second, size = wishes[-1]
            self._chunks, self._per_second, size = int(chunks), float(per_second), int(size)
        words = (b"lorem ipsum dolor " * (size // 18 + 1))[:size]
        # Two escaped line breaks and a space stand for three characters.
        self._fillers = (words, words[:-3] + b"\\n\\n " if size > _STAMP_LENGTH else words)
        self._counts.open += 1
        self._counts.started += 1
        self._sent = 0
        self._began = self._loop.time()
        self._transport.write(_START)
        self._go_on()

    def _go_on(self) -> None:
        due = int((self._loop.time() - self._began) * self._per_second + 1e-6) + 1
        count = min(due, self._chunks) - self._sent
        pieces = []
        for number in range(self._sent, self._sent + count):
            stamp = b"%d " % time.monotonic_ns()
            filler = self._fillers[(number + 1) % _PARAGRAPH == 0][len(stamp) :]
            pieces.append(_piece(b"%b%b%b%b" % (_BEFORE, stamp, filler, _AFTER)))
        self._sent += count
        if self._sent < self._chunks:
            if pieces:
                self._transport.write(b"".join(pieces))
            at = self._began + self._sent / self._per_second
            self._timer = self._loop.call_at(at, self._go_on)
            return
        self._timer = None
        self._counts.open -= 1
        self._counts.finished += 1
        pieces.append(_END)
        self._transport.write(b"".join(pieces))


async def serve(chunks: int, per_second: float) -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    counts = Counts()
    server = await loop.create_server(
        lambda: Connection(chunks, per_second, counts), "127.0.0.1", 0, backlog=4096
    )
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/v1", flush=True)
    await stop.wait()
    server.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=20.0)
    arguments = parser.parse_args()
    run(serve(arguments.chunks, arguments.per_second))


if __name__ == "__main__":
    main()
