"""A viewer that remembers when what came: for proofs about outages."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

from bench.promises import faults_of, lost_or_changed
from bench.report import Report
from bench.rig import ROUTE, Rig
from tests.sockets import Folded, SocketClient


class Viewer(SocketClient):
    """A websocket client that notes arrival times and `unavailable` frames by stage."""

    def __init__(self, url: str, cookie: str) -> None:
        super().__init__(url, cookie, ping_interval=None)
        self.arrivals: dict[str, list[float]] = defaultdict(list)
        self.unavailable: dict[str, list[float]] = defaultdict(list)
        self.words: set[str] = set()
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
            while True:
                await self.receive()

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
    """The one who starts stages, and a second tab."""
    cookie = rig.cookies["owner"]
    async with Viewer(rig.url, cookie) as starter, Viewer(rig.url, cookie) as tab:
        yield starter, tab


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
    for stage_id in stage_ids:
        stored = rig.database.stage(stage_id)
        report.promise_none(faults_of(stored))
        lost[stage_id] = 0
        for viewer in viewers:
            told = viewer.stages.get(stage_id, Folded())
            faults = lost_or_changed(stored, told.events)
            lost[stage_id] += len(faults)
            report.promise_none(faults)
            report.promise(
                len(told.events) == len(stored.events),
                f"stage {stage_id}: a viewer has {len(told.events)} of {len(stored.events)} events",
            )
    return lost
