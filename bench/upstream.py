"""A replay server for measurements: paced text whose every chunk says when it was sent.

`python -m bench.upstream --chunks 200 --per-second 20` prints its base URL and serves until told to
stop. A chunk's text is `<monotonic nanoseconds> `, so whoever gets it on this machine knows its
age.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from collections.abc import Iterator, Sequence
from typing import overload

from tests.replay import ReplayServer, Script, Send, Step, WaitUntil, frame, openai_like

_MARK = "@stamp@"
_BEFORE, _AFTER = frame(openai_like.text(_MARK)).split(_MARK.encode())
_USAGE = {"prompt_tokens": 12, "completion_tokens": 200, "total_tokens": 212}


class StampedSteps(Sequence[Step]):
    """The steps of one answer; each chunk is made at the moment it is sent."""

    def __init__(self, chunks: int, per_second: float) -> None:
        self._chunks = chunks
        self._per_second = per_second

    def __iter__(self) -> Iterator[Step]:
        for chunk in openai_like.start():
            yield Send(frame(chunk))
        for number in range(self._chunks):
            yield WaitUntil(number / self._per_second)
            yield Send(b"%b%d %b" % (_BEFORE, time.monotonic_ns(), _AFTER))
        yield Send(frame(openai_like.chunk({}, "stop")))
        yield Send(frame(openai_like.usage_chunk(_USAGE)))
        yield Send(b"data: [DONE]\n\n")

    def __len__(self) -> int:
        return 2 * self._chunks + 4

    @overload
    def __getitem__(self, at: int) -> Step: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Step]: ...
    def __getitem__(self, at: int | slice) -> Step | Sequence[Step]:
        raise TypeError("The steps are made while they are played.")


async def serve(chunks: int, per_second: float) -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    script = Script(steps=StampedSteps(chunks, per_second))
    async with ReplayServer(script) as server:
        print(server.base_url, flush=True)
        await stop.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=20.0)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.chunks, arguments.per_second))


if __name__ == "__main__":
    main()
