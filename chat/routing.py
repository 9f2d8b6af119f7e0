"""Which websocket addresses there are: /ws/."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from chat import lifecycle
from chat.consumers import SocketConsumer

logger = logging.getLogger(__name__)


async def websocket_application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Serve /ws/; refuse every other address."""
    if scope["path"] != "/ws/":
        await receive()
        await send({"type": "websocket.close"})
        return
    process = await lifecycle.ensure_started()
    await SocketConsumer(
        scope, receive, send, process.runner, process.sockets, process.renderings
    ).run()
