"""A tab that stays open whatever dies: it connects again and reads on after what it has."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter, deque
from contextlib import suppress
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from bench.rig import OWNER, ROUTE, Rig
from tests.sockets import Folded, SocketClient

AGAIN_SECONDS = 0.2
REPLY_SECONDS = 30


class Witness(SocketClient):
    """A client that keeps all it saw, and counts what came twice or out of order."""

    duplicates = 0
    gaps = 0

    async def receive(self) -> dict[str, Any]:
        """As always, but a number that is not the next one is counted instead of failing."""
        try:
            return await super().receive()
        except AssertionError as wrong:
            number, last = wrong.args[0] if wrong.args else (0, 0)
            self.gaps += number > last
            self.duplicates += number <= last
            return {"type": "not the next"}


class Watcher:
    """One person's tab at one server, over all its connections."""

    def __init__(self, rig: Rig, server: int) -> None:
        self.server = server
        self.stages: dict[str, Folded] = {}
        self.ended_at: dict[str, float] = {}
        self.duplicates = 0
        self.gaps = 0
        self.connections = 0
        self.refused_starts = 0
        self.closes: Counter[str] = Counter()
        self.failure = ""
        self._url = rig.servers[server].url
        self._cookie = rig.cookies[OWNER]
        self._client: Witness | None = None
        self._connected = asyncio.Event()
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._asked: deque[str] = deque()
        self._again: set[asyncio.Task[None]] = set()

    async def follow(self) -> None:
        """Connect and read until cancelled."""
        while True:
            # Whatever a dying process or a database that is away does to a connection.
            try:
                async with Witness(self._url, self._cookie, ping_interval=None) as client:
                    await self._converse(client)
            except (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError) as closed:
                code = (
                    closed.rcvd.code if isinstance(closed, ConnectionClosed) and closed.rcvd else ""
                )
                self.closes[f"{type(closed).__name__} {code}".strip()] += 1
            except Exception as failure:
                self.failure = f"{type(failure).__name__}: {failure}"
                raise
            await asyncio.sleep(AGAIN_SECONDS)

    async def watch(self, stage_id: str) -> None:
        """Follow one more stage, now and after every reconnect."""
        self.stages.setdefault(stage_id, Folded())
        if self._client is not None:
            await self._subscribe(self._client, stage_id)

    async def start(self, start: dict[str, Any]) -> str:
        """Start a stage, with the same request again until it is accepted; its id."""
        request_id = str(uuid.uuid4())
        while True:
            await self._connected.wait()
            reply = self._replies[request_id] = asyncio.get_running_loop().create_future()
            client = self._client
            if client is not None:
                with suppress(ConnectionClosed):
                    await client.send(
                        type="stage.start", request_id=request_id, model_route=ROUTE, **start
                    )
                with suppress(ConnectionClosed):
                    # A second request on the same socket would start its events again.
                    async with asyncio.timeout(REPLY_SECONDS):
                        answer = await reply
                    if answer["type"] == "accepted":
                        return str(answer["stage_id"])
                    if answer["code"] != "going_down":
                        raise RuntimeError(f"a start was refused: {answer}")
            self.refused_starts += 1
            await asyncio.sleep(AGAIN_SECONDS)

    def open_stages(self) -> list[str]:
        """Those of which it has not seen the end."""
        return [stage_id for stage_id, told in self.stages.items() if told.terminal is None]

    async def _converse(self, client: Witness) -> None:
        client.stages = self.stages
        self.connections += 1
        try:
            self._asked.clear()
            self._client = client
            self._connected.set()
            for stage_id in self.open_stages():
                await self._subscribe(client, stage_id)
            while True:
                self._take(client, await client.receive())
        finally:
            self.duplicates += client.duplicates
            self.gaps += client.gaps
            self._client = None
            self._connected.clear()
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(ConnectionClosed(None, None))
                    # Nobody may be waiting for it any more.
                    reply.exception()

    def _take(self, client: Witness, frame: dict[str, Any]) -> None:
        stage_id = frame.get("stage_id", "")
        reply = self._replies.get(frame.get("request_id", ""))
        if reply is not None and not reply.done():
            if frame["type"] == "accepted":
                self.stages.setdefault(stage_id, Folded())
            reply.set_result(frame)
        elif frame["type"] == "event" and self.stages[stage_id].terminal is not None:
            self.ended_at.setdefault(stage_id, time.monotonic())
        elif frame["type"] == "subscribed":
            self._asked.popleft()
        elif frame["type"] == "rejected" and frame["code"] == "going_down":
            # Commands are answered in their order; what is not a start was a subscription.
            again = self._asked.popleft()
            task = asyncio.create_task(self._subscribe_later(client, again))
            self._again.add(task)
            task.add_done_callback(self._again.discard)

    async def _subscribe(self, client: Witness, stage_id: str) -> None:
        if client is not self._client:
            return
        self._asked.append(stage_id)
        with suppress(ConnectionClosed):
            after = self.stages[stage_id].last
            await client.send(type="stage.subscribe", stage_id=stage_id, after=after)

    async def _subscribe_later(self, client: Witness, stage_id: str) -> None:
        await asyncio.sleep(AGAIN_SECONDS)
        await self._subscribe(client, stage_id)
