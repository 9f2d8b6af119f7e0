"""A replay server of text, reasoning and tool arguments, paced or all at once.

`python -m bench.wire_upstream` prints its base URL and serves until told to stop. A prompt that
holds `wire SHAPE CHUNKS PER_SECOND` asks for such an answer; at 0 a second all comes at once, as
fast as it is read. Each chunk is a write of its own where it is paced.
"""

from __future__ import annotations

import asyncio
import re
import signal
from typing import Any

from bench.loop import run
from tests.replay import frame, openai_like

WORDS = "lorem ipsum "
_WISH = re.compile(rb"wire (\w+) (\d+) ([\d.]+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
# So much is written at a time where all comes at once: what a socket takes in one read.
_BURST = 200


def _first(shape: str) -> dict[str, Any]:
    if shape != "tools":
        return {"role": "assistant", "content": ""}
    function = {"name": "write_file", "arguments": ""}
    call = {"index": 0, "id": "call_0", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


DELTAS: dict[str, dict[str, Any]] = {
    "text": {"content": WORDS},
    "reasoning": {"reasoning_content": WORDS},
    "tools": {"tool_calls": [{"index": 0, "function": {"arguments": WORDS}}]},
}


def _piece(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def _end(shape: str) -> bytes:
    reason = "tool_calls" if shape == "tools" else "stop"
    usage = {"prompt_tokens": 12, "completion_tokens": 200, "total_tokens": 212}
    return (
        _piece(frame(openai_like.chunk({}, reason)))
        + _piece(frame(openai_like.usage_chunk(usage)))
        + _piece(b"data: [DONE]\n\n")
        + b"0\r\n\r\n"
    )


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: request after request, each answered as its prompt asks."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            found = _LENGTH.search(head)
            body = await reader.readexactly(int(found.group(1)) if found else 0)
            wish = _WISH.search(body)
            if wish is not None:
                await _stream(writer, wish[1].decode(), int(wish[2]), float(wish[3]))
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _stream(writer: asyncio.StreamWriter, shape: str, chunks: int, per_second: float) -> None:
    piece = _piece(frame(openai_like.chunk(DELTAS[shape])))
    writer.write(_HEAD + _piece(frame(openai_like.chunk(_first(shape)))))
    if not per_second:
        for at in range(0, chunks, _BURST):
            writer.write(piece * min(_BURST, chunks - at))
            await writer.drain()
    else:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(chunks):
            await asyncio.sleep(max(0.0, began + number / per_second - loop.time()))
            writer.write(piece)
    writer.write(_end(shape))
    await writer.drain()


async def serve() -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    run(serve())
