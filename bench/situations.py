"""Situations in which a person stops a stage: each waits until the stage is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bench.rig import Rig
from tests.replay import Exchange
from tests.sockets import Folded, SocketClient

COMPLETIONS = "/v1/chat/completions"
FORECAST = "/v1/forecast"
HOLDING = "/holding"


async def arrived(rig: Rig, before: int, path: str = COMPLETIONS, nth: int = 1) -> Exchange:
    """The `nth` exchange on a path since `before`; connection checks of routes come between."""
    number = before
    while True:
        number += 1
        exchange = await rig.replay.request_arrived(number)
        nth -= exchange.request.path_only == path
        if not nth:
            return exchange


async def accepted_upstream(
    client: SocketClient, stage_id: str, rig: Rig, before: int
) -> Exchange | None:
    """The upstream has the request and says nothing that the client could see."""
    return await arrived(rig, before)


async def mid_stream(client: SocketClient, stage_id: str, rig: Rig, before: int) -> Exchange | None:
    """Five chunks have arrived."""
    await until(client, stage_id, lambda told: told.names.count("chat_completion_chunk") >= 5)
    return await arrived(rig, before)


async def while_collecting(
    client: SocketClient, stage_id: str, rig: Rig, before: int
) -> Exchange | None:
    """A whole-response stage, whose upstream has sent some of the text."""
    exchange = await arrived(rig, before)
    async with asyncio.timeout(10):
        while exchange.bytes_sent < 4000:
            await asyncio.sleep(0.005)
    return exchange


async def in_synthesis(
    client: SocketClient, stage_id: str, rig: Rig, before: int
) -> Exchange | None:
    """The synthesis has begun to stream."""
    await until(client, stage_id, lambda told: told.events[-1]["data"].get("phase") == "synthesis")
    return await arrived(rig, before, nth=2)


async def in_tool(client: SocketClient, stage_id: str, rig: Rig, before: int) -> Exchange | None:
    """The tool has sent its own request and waits for the answer."""
    exchange = await arrived(rig, before, FORECAST)
    await until(client, stage_id, lambda told: "tool_call" in told.names)
    return exchange


async def in_blocking_tool(
    client: SocketClient, stage_id: str, rig: Rig, before: int
) -> Exchange | None:
    """The tool has told that it runs, and now holds its thread."""
    await arrived(rig, before, HOLDING)
    await until(client, stage_id, lambda told: "tool_call" in told.names)
    return None


async def demo_mid_stream(
    client: SocketClient, stage_id: str, rig: Rig, before: int
) -> Exchange | None:
    """The demo model streams; its end of the connection is in the server itself."""
    await until(client, stage_id, lambda told: told.names.count("chat_completion_chunk") >= 5)
    return None


async def until(client: SocketClient, stage_id: str, reached: Callable[[Folded], bool]) -> None:
    """Receive until the stage has come so far."""
    async with asyncio.timeout(20):
        while (told := client.stages.get(stage_id)) is None or not reached(told):
            await client.receive()
