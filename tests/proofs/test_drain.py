"""SIGTERM: starts are refused, stages end by themselves or are stopped, sockets close with 4503."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest
from websockets.exceptions import ConnectionClosed

from bench.promises import faults_of, lost_or_changed
from bench.rig import ROUTE, Rig

pytestmark = pytest.mark.slow

GRACE_SECONDS = 2.0
ALLOWED_SECONDS = 5.0


async def test_a_drain_ends_stages_tells_viewers_and_exits_cleanly() -> None:
    with Rig(environment={"TOOLBENCH_GRACE_SECONDS": str(GRACE_SECONDS)}) as rig:
        rig.log_in()
        async with rig.client() as client, rig.client() as other:
            endless = (await client.start("text 4000 40", model_route=ROUTE))["stage_id"]
            short = (await client.start("text 40 40", model_route=ROUTE))["stage_id"]
            silent = (await client.start("headers", model_route=ROUTE))["stage_id"]
            while client.stages.get(short) is None or client.stages[short].last < 4:
                await client.receive()
            process = rig.server.process
            assert process is not None
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            # The short one ends within the grace time; a start after SIGTERM is refused.
            await client.until_end(short)
            refused = await other.start("text 3", model_route=ROUTE)
            code = await closing_code(client)
            assert await closing_code(other) == 4503
        exit_code = await asyncio.to_thread(process.wait, 15)
        took = time.monotonic() - begin
        assert code == 4503
        assert (refused["type"], refused["code"]) == ("rejected", "going_down")
        assert client.stages[short].names[-1] == "done"
        for stage_id in (endless, silent):
            end = client.stages[stage_id].terminal
            assert end is not None
            assert (end["event"], end["data"]["by"]) == ("cancel", "shutdown")
            assert isinstance(end["data"]["upstream_closed_ms"], int)
        assert exit_code == 0, rig.log_tail()
        assert GRACE_SECONDS <= took < GRACE_SECONDS + ALLOWED_SECONDS
        for stage in rig.database.stages():
            assert faults_of(stage) == []
            assert lost_or_changed(stage, client.stages[stage.stage_id].events) == []


async def closing_code(client: object) -> int | None:
    """Read on until the server closes; its code."""
    try:
        async with asyncio.timeout(20):
            while True:
                await client.receive()  # type: ignore[attr-defined]
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
