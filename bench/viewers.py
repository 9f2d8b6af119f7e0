"""A viewer that remembers when what came: for proofs about outages."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

from websockets.exceptions import ConnectionClosed

from bench.promises import faults_of, lost_or_changed
from bench.report import Report
from bench.rig import OWNER, ROUTE, Rig
from bench.stored import StoredStage
from tests.sockets import Folded, SocketClient


class Viewer(SocketClient):
    """A websocket client that notes arrival times and `unavailable` frames by stage."""

    def __init__(self, url: str, cookie: str) -> None:
        super().__init__(url, cookie, ping_interval=None)
        self.arrivals: dict[str, list[float]] = defaultdict(list)
        self.unavailable: dict[str, list[float]] = defaultdict(list)
        self.words: set[str] = set()
        self.failure = ""
        self._task: asyncio.Task[None] | None = None

    async def receive(self) -> dict[str, Any]:
        """As always, and note when."""
        frame = await super().receive()
        if frame["type"] == "event":
            self.arrivals[frame["stage_id"]].append(time.monotonic())
        elif frame["type"] == "unavailable":
            self.unavailable[frame["stage_id"]].append(time.monotonic())
            self.words.add(frame["message"])
        return frame

    def read_on(self) -> None:
        """Receive in the background until the viewer is closed."""

        async def forever() -> None:
            try:
                while True:
                    await self.receive()
            except (ConnectionClosed, AssertionError) as failure:
                self.failure = f"{type(failure).__name__}: {failure}"

        self._task = asyncio.create_task(forever(), name="viewer")

    async def __aexit__(self, *details: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await super().__aexit__(*details)

    async def subscribe(self, stage_ids: Iterable[str]) -> None:
        """Follow stages from their beginning."""
        for stage_id in stage_ids:
            await self.send(type="stage.subscribe", stage_id=stage_id, after=0)

    def last_of(self, stage_id: str) -> int:
        """The number of the last event it has."""
        return self.stages.get(stage_id, Folded()).last

    def longest_gap(self, stage_id: str) -> float:
        """The longest time in seconds between two events of a stage."""
        times = self.arrivals[stage_id]
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)

    def end_of(self, stage_id: str) -> str:
        """The terminal event it got, with the code of an error."""
        end = self.stages.get(stage_id, Folded()).terminal
        return f"{end['event']} {end['data'].get('code', '')}".strip() if end else "no end"

    async def until_all_end(self, stage_ids: Iterable[str], seconds: float) -> bool:
        """Whether it got every stage's terminal event in time."""
        waiting = list(stage_ids)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            waiting = [one for one in waiting if self.end_of(one) == "no end"]
            if not waiting:
                return True
            await asyncio.sleep(0.05)
        return False


@asynccontextmanager
async def two_viewers(rig: Rig) -> AsyncIterator[tuple[Viewer, Viewer]]:
    """The one who starts stages, and a second tab: on another process where there is one."""
    cookie = rig.cookies[OWNER]
    here, elsewhere = rig.servers[0].url, rig.servers[-1].url
    async with Viewer(here, cookie) as starter, Viewer(elsewhere, cookie) as tab:
        yield starter, tab


@asynccontextmanager
async def client_per_server(rig: Rig) -> AsyncIterator[list[SocketClient]]:
    """A websocket of the owner at every server."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(rig.client(server=at)) for at in range(len(rig.servers))
        ]


async def run_watched(
    starter: SocketClient, others: Iterable[SocketClient], prompt: str, **more: Any
) -> list[Folded]:
    """Start a stage and receive all of it, here and through others; what each was told."""
    accepted = await starter.start(prompt, **more)
    assert accepted["type"] == "accepted", accepted
    stage_id = accepted["stage_id"]
    for other in others:
        await other.send(type="stage.subscribe", stage_id=stage_id, after=0)
    return await asyncio.gather(*(one.until_end(stage_id) for one in (starter, *others)))


def check_watchers(stored: StoredStage, told: Iterable[Folded]) -> list[str]:
    """What viewers lack of an ended stage or have otherwise, in words."""
    found = []
    for one in told:
        found += lost_or_changed(stored, one.events)
        if len(one.events) != len(stored.events):
            found.append(
                f"stage {stored.stage_id}: a viewer has {len(one.events)} of "
                f"{len(stored.events)} events"
            )
        if one.text != (stored.message["content"] if stored.message else ""):
            found.append(f"stage {stored.stage_id}: a viewer's text is not the stored message")
    return found


async def start_stages(
    starter: Viewer, tab: Viewer, starts: Iterable[tuple[str, dict[str, Any]]]
) -> list[str]:
    """Start stages and follow them with both viewers, who read in the background from then on."""
    stage_ids = []
    for _, start in starts:
        accepted = await starter.start(model_route=ROUTE, **start)
        stage_ids.append(accepted["stage_id"])
    await tab.subscribe(stage_ids)
    tab.read_on()
    starter.read_on()
    return stage_ids


def check_stages(
    rig: Rig, stage_ids: Iterable[str], viewers: Iterable[Viewer], report: Report
) -> dict[str, int]:
    """Hold stored stages against their promises and against what viewers saw; lost by stage."""
    lost: dict[str, int] = {}
    viewers = list(viewers)
    for viewer in viewers:
        report.promise(not viewer.failure, f"a viewer could not read on: {viewer.failure}")
    for stage_id in stage_ids:
        stored = rig.database.stage(stage_id)
        report.promise_none(faults_of(stored))
        told = [viewer.stages.get(stage_id, Folded()) for viewer in viewers]
        lost[stage_id] = sum(len(lost_or_changed(stored, one.events)) for one in told)
        report.promise_none(check_watchers(stored, told))
    return lost
