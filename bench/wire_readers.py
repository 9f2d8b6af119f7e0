"""One way of reading a model server's streams, in a process of its own.

`python -m bench.wire_readers KIND --base-url URL --shape text --chunks 200 --per-second 20
--streams 10` prints one line of JSON: CPU seconds, chunks, and the characters that were read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

PATIENCE = 300.0

Read = Callable[[str], Awaitable[int]]
"""Reads one answer to a prompt; how many characters it held."""


def body_of(prompt: str) -> dict[str, Any]:
    """The request that every reader sends."""
    return {
        "model": "replay",
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@asynccontextmanager
async def toolbench(base_url: str) -> AsyncIterator[Read]:
    """Our client, as the engine uses it: HTTP, framing, JSON, deltas, time limits."""
    from chat.engine.completions import (
        CompletionRequest,
        ReasoningDelta,
        RouteSettings,
        TextDelta,
        ToolCallDelta,
    )
    from chat.engine.messages import ChatMessage
    from chat.engine.openai_client import OpenAIClient

    client = OpenAIClient(RouteSettings("bench", base_url, "replay", "none"))

    async def read(prompt: str) -> int:
        size = 0
        request = CompletionRequest(messages=(ChatMessage("user", prompt),))
        async with client.stream(request) as batches:
            async for batch in batches:
                for delta in batch:
                    if isinstance(delta, TextDelta | ReasoningDelta):
                        size += len(delta.text)
                    elif isinstance(delta, ToolCallDelta):
                        size += len(str(delta.arguments or ""))
        return size

    yield read
    await client.aclose()


@asynccontextmanager
async def sdk(base_url: str) -> AsyncIterator[Read]:
    """The openai SDK: `async for chunk in stream`."""
    import openai

    async with openai.AsyncOpenAI(
        base_url=base_url, api_key="none", max_retries=0, timeout=openai.Timeout(PATIENCE)
    ) as client:

        async def read(prompt: str) -> int:
            size = 0
            async with await client.chat.completions.create(**body_of(prompt)) as stream:
                async for chunk in stream:
                    if not chunk.choices:
                        continue
                    delta = chunk.choices[0].delta
                    size += len(delta.content or "")
                    size += len(getattr(delta, "reasoning_content", None) or "")
                    for call in delta.tool_calls or ():
                        size += len(call.function.arguments or "") if call.function else 0
            return size

        yield read


@asynccontextmanager
async def bare(base_url: str) -> AsyncIterator[Read]:
    """Our HTTP, and nothing but lines and orjson above it: the floor for our own reader."""
    from chat.engine.http.transport import build_client

    async with build_client(10.0) as client:

        async def read(prompt: str) -> int:
            size = 0
            request = client.build_request(
                "POST", f"{base_url}/chat/completions", json=body_of(prompt)
            )
            response = await client.send(request, stream=True)
            lines = BareLines()
            while data := await response.extensions["body"].read():
                size += lines.feed(data)
            await response.aclose()
            return size

        yield read


@asynccontextmanager
async def aiohttp(base_url: str) -> AsyncIterator[Read]:
    """aiohttp, and nothing but lines and orjson above it."""
    library = import_module("aiohttp")
    patience = library.ClientTimeout(total=PATIENCE)
    async with library.ClientSession(timeout=patience) as session:

        async def read(prompt: str) -> int:
            size = 0
            lines = BareLines()
            url = f"{base_url}/chat/completions"
            async with session.post(url, json=body_of(prompt)) as response:
                async for data in response.content.iter_any():
                    size += lines.feed(data)
            return size

        yield read


class BareLines:
    """The least that reads such a stream: `data:` lines, JSON, the fields that are looked for."""

    def __init__(self) -> None:
        import orjson

        self._loads = orjson.loads
        self._rest = b""

    def feed(self, data: bytes) -> int:
        """How many characters the chunks hold that are whole now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return sum(self._size(line[6:]) for line in lines if line.startswith(b"data: {"))

    def _size(self, data: bytes) -> int:
        choices = self._loads(data)["choices"]
        if not choices:
            return 0
        delta = choices[0]["delta"]
        size = len(delta.get("content") or "") + len(delta.get("reasoning_content") or "")
        for call in delta.get("tool_calls") or ():
            size += len(call["function"].get("arguments") or "")
        return size


READERS: dict[str, Callable[[str], AbstractAsyncContextManager[Read]]] = {
    "toolbench": toolbench,
    "sdk": sdk,
    "bare": bare,
    "aiohttp": aiohttp,
}


async def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """CPU of this process for all the streams, after a first one that loads everything."""
    wish = f"wire {arguments.shape} {arguments.chunks} {arguments.per_second:g}"
    async with READERS[arguments.kind](arguments.base_url) as read:
        await read(f"wire {arguments.shape} 20 0")
        before, began = _cpu_seconds(), time.monotonic()
        sizes = await asyncio.gather(*(read(wish) for _ in range(arguments.streams)))
        return {
            "cpu_seconds": _cpu_seconds() - before,
            "seconds": time.monotonic() - began,
            "chunks": arguments.chunks * arguments.streams,
            "characters": sum(sizes),
        }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Read the command line, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=READERS)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--shape", required=True)
    parser.add_argument("--chunks", type=int, required=True)
    parser.add_argument("--per-second", type=float, required=True)
    parser.add_argument("--streams", type=int, required=True)
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
