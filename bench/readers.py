"""A viewer over all its connections, and one that stops reading."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed

from bench.rig import Rig
from tests.sockets import Folded

TINY_BUFFER = 4096
ESTABLISHED = "01"


@dataclass
class Reader:
    """One viewer over all its connections: what it has of each stage."""

    stages: dict[str, Folded] = field(default_factory=dict)
    reconnects: int = 0
    abrupt: int = 0
    catch_up_ms: list[float] = field(default_factory=list)

    def open_stages(self, stage_ids: list[str]) -> list[str]:
        """Those of which it has not yet seen the end."""
        return [one for one in stage_ids if self.stages.setdefault(one, Folded()).terminal is None]


@dataclass
class Silence:
    """What became of a reader that stopped reading."""

    reader: Reader = field(default_factory=Reader)
    closed_code: int | None = None
    connection_gone_after: float | None = None
    had: int = 0
    kernel_kib: float = 0.0


async def stop_reading(rig: Rig, stage_id: str, seconds: float, server: int = 0) -> Silence:
    """Subscribe with tiny buffers, read nothing for so long, look what is left, come back."""
    port = rig.servers[server].port
    silence = Silence()
    plug = socket.socket()
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY_BUFFER)
    plug.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", port))
    client = rig.client(server=server, sock=plug, max_queue=1)
    await client.__aenter__()
    client.stages = silence.reader.stages
    await client.send(type="stage.subscribe", stage_id=stage_id, after=0)
    await client.reply("subscribed")
    begin = time.monotonic()
    watching = asyncio.create_task(_until_gone(silence, port, plug))
    await asyncio.sleep(seconds)
    if watching.done():
        silence.connection_gone_after = watching.result() - begin
    watching.cancel()
    try:
        # What had arrived before the server gave up may still be read.
        while not client.stages.get(stage_id, Folded()).terminal:
            await client.receive()
    except ConnectionClosed as closed:
        silence.closed_code = closed.rcvd.code if closed.rcvd else None
    silence.had = client.stages.setdefault(stage_id, Folded()).last
    await client.__aexit__()
    if client.stages[stage_id].terminal is None:
        async with rig.client(server=server) as again:
            again.stages = silence.reader.stages
            await again.send(type="stage.subscribe", stage_id=stage_id, after=silence.had)
            await again.until_end(stage_id, 120)
    return silence


async def _until_gone(silence: Silence, port: int, plug: socket.socket) -> float:
    """When the server's end of the connection was gone, as the kernel tells."""
    own = plug.getsockname()[1]
    while (held := _held_by_kernel(port, own)) is not None:
        silence.kernel_kib = max(silence.kernel_kib, held / 1024)
        await asyncio.sleep(0.1)
    return time.monotonic()


def _held_by_kernel(port: int, client_port: int) -> int | None:
    """Bytes that the server's end has handed over and the client's has not taken; None if gone."""
    wanted = (f":{port:04X}", f":{client_port:04X}")
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            local, remote, state, queues = line.split()[1:5]
            if local.endswith(wanted[0]) and remote.endswith(wanted[1]):
                return int(queues.split(":")[0], 16) if state == ESTABLISHED else None
    return None
