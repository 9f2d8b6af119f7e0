"""The demo models served by a command for itself: it may run where nothing serves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from django.core.asgi import get_asgi_application

from chat.demo.address import DEMO_PATH, serve_at

STOP_SECONDS = 2

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class _Server(uvicorn.Server):
    """A server beside a program's own work: signals stay the program's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def demo_served() -> AsyncIterator[str]:
    """The demo models answer on a free port of this machine, and this process asks them there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        config = uvicorn.Config(
            _demo_alone(),
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="demo")
        try:
            yield serve_at(f"http://127.0.0.1:{port}")
        finally:
            server.should_exit = True
            await asyncio.shield(asyncio.wait({serving}, timeout=2 * STOP_SECONDS))


def _demo_alone() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    site = get_asgi_application()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{DEMO_PATH}/"):
            await site(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    return application
