"""A small ASGI application behind the real servers: `python -m tests.toolbench_site.small_site`.

Arguments: daphne or uvicorn, and a port. It prints "listening" once it serves. What a websocket is
told to do it is told by its path: /frames?SIZE&SIZE, /flood?COUNT&SIZE, /close?CODE&COUNT&SIZE.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

LETTERS = "abcdefghijklmnopqrstuvwxyzäöü🌱"


def text_of(number: int, size: int) -> str:
    """A text of so many bytes that tells its number."""
    start = f"{number}:{LETTERS}:" if size > 80 else ""
    return start + "x" * (size - len(start.encode()))


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer a request, or do what a websocket's path says."""
    if scope["type"] == "http":
        await answer(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    extensions = scope["extensions"]
    numbers = [int(part) for part in scope["query_string"].decode().split("&")]
    await SITUATIONS[scope["path"]](extensions, send, numbers)
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def frames(extensions: dict[str, Any], send: Send, sizes: list[int]) -> None:
    """A text of each size, by the quick way and by `send` in turns, then two at once."""
    for number, size in enumerate(sizes):
        if number % 2:
            extensions["toolbench.send_texts"]([text_of(number, size)])
        else:
            await send({"type": "websocket.send", "text": text_of(number, size)})
    extensions["toolbench.send_texts"](["one", "two"])
    await send({"type": "websocket.close", "code": 4000})


async def flood(extensions: dict[str, Any], send: Send, numbers: list[int]) -> None:
    """More at once than the kernel takes, then the backlog at its highest and at its end."""
    count, size = numbers
    extensions["toolbench.send_texts"](text_of(number, size) for number in range(count))
    highest = extensions["toolbench.backlog"]()
    while extensions["toolbench.backlog"]():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await send({"type": "websocket.send", "text": f"highest {highest}"})


async def close(extensions: dict[str, Any], send: Send, numbers: list[int]) -> None:
    """So many texts, and a close behind them; what comes after a close is nobody's."""
    code, count, size = numbers
    for number in range(count):
        extensions["toolbench.send_texts"]([text_of(number, size)])
    await send({"type": "websocket.close", "code": code})
    extensions["toolbench.send_texts"](["too late"])
    await send({"type": "websocket.send", "text": "too late"})


SITUATIONS = {"/frames": frames, "/flood": flood, "/close": close}


async def answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """What the application is told of a request; /slow streams for a second, /tasks tells how many
    tasks there are, and /demo/ is Toolbench's own."""
    if scope["path"].startswith("/demo/"):
        from toolbench_site.asgi import http_application

        await http_application(scope, receive, send)
        return
    told: dict[str, object] = {
        name: scope[name] for name in ("method", "path", "scheme", "query_string")
    }
    told |= {"client": scope["client"][0], "server": scope["server"][0], "root": scope["root_path"]}
    if scope["path"] == "/tasks":
        told = {"tasks": len(asyncio.all_tasks())}
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/slow":
        for _ in range(10):
            await send({"type": "http.response.body", "body": b"part ", "more_body": True})
            await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": repr(told).encode()})


async def started() -> None:
    """Tell that it listens."""
    print("listening", flush=True)


async def drain() -> None:
    """Nothing is to be drained."""


def main() -> None:
    """Serve until told to stop."""
    import django

    django.setup()
    from toolbench_site.management.commands.serve import server_class

    server = server_class(sys.argv[1])(
        application, host="127.0.0.1", port=int(sys.argv[2]), started=started, drain=drain
    )
    server.run()
    if server.failure:
        sys.exit(server.failure)


if __name__ == "__main__":
    main()
