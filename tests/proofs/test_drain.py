"""SIGTERM: starts are refused, stages end by themselves or are stopped, sockets close with 4503."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from bench.layout import Layout
from bench.promises import faults_of, lost_or_changed
from bench.rig import ROUTE, Rig
from tests.serving import ROOT
from tests.sockets import SocketClient

pytestmark = pytest.mark.slow

GRACE_SECONDS = 2.0
ALLOWED_SECONDS = 5.0


@pytest.fixture
def draining_rig(server_kind: str) -> Iterator[Rig]:
    """A server of either kind that gives stages two seconds."""
    environment = {"TOOLBENCH_GRACE_SECONDS": str(GRACE_SECONDS)}
    with Rig(layout=Layout(server=server_kind), environment=environment) as rig:
        rig.log_in()
        yield rig


async def test_a_drain_ends_stages_tells_viewers_and_exits_cleanly(draining_rig: Rig) -> None:
    rig = draining_rig
    async with rig.client() as client, rig.client() as other:
        endless = (await client.start("text 4000 40", model_route=ROUTE))["stage_id"]
        short = (await client.start("text 40 40", model_route=ROUTE))["stage_id"]
        silent = (await client.start("headers", model_route=ROUTE))["stage_id"]
        # Who follows no stage of a process that drains is let go at once where there are others.
        await other.send(type="stage.subscribe", stage_id=endless, after=0)
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
    assert rig.errors() == []
    assert GRACE_SECONDS <= took < GRACE_SECONDS + ALLOWED_SECONDS
    for stage in rig.database.stages():
        assert faults_of(stage) == []
        assert lost_or_changed(stage, client.stages[stage.stage_id].events) == []


async def test_a_draining_process_takes_nobody_new_and_sends_its_proxy_away(
    draining_rig: Rig,
) -> None:
    rig = draining_rig
    kept = http.client.HTTPConnection("127.0.0.1", rig.server.port, timeout=5)
    idle = http.client.HTTPConnection("127.0.0.1", rig.server.port, timeout=5)
    for connection in (kept, idle):
        assert (await asyncio.to_thread(health, connection))[0] == 200
    async with rig.client() as client:
        endless = (await client.start("text 4000 40", model_route=ROUTE))["stage_id"]
        await client.reply("accepted", "event")
        process = rig.server.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(GRACE_SECONDS / 2):
            while is_open(rig.server.port):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        # What is connected goes on: the stage, and a proxy's connection for one more answer.
        before = client.stages[endless].last
        while client.stages[endless].last < before + 10:
            await client.receive()
        assert await asyncio.to_thread(health, kept) == (503, "close", {"status": "draining"})
        # http.client opens a new connection where the server closed the one it had.
        kept.auto_open = 0
        with pytest.raises(http.client.NotConnected):
            kept.request("GET", "/healthz")
        assert await closing_code(client) == 4503
    assert await asyncio.to_thread(process.wait, 15) == 0
    idle.close()
    assert rig.errors() == []


async def test_a_second_interrupt_stops_at_once(draining_rig: Rig) -> None:
    rig = draining_rig
    async with rig.client() as client:
        await client.start("text 4000 40", model_route=ROUTE)
        process = rig.server.process
        assert process is not None
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(GRACE_SECONDS):
            while is_open(rig.server.port):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        exit_code = await asyncio.to_thread(process.wait, 5)
    assert time.monotonic() - begin < GRACE_SECONDS
    assert exit_code == 128 + signal.SIGINT
    assert "Stopped at once." in rig.log_tail()


async def test_uvicorn_by_itself_ends_stages_by_lifespan() -> None:
    with Rig(environment={"TOOLBENCH_GRACE_SECONDS": "0.5"}) as rig:
        rig.log_in()
        rig.server.stop()
        uvicorn = ["-m", "uvicorn", "toolbench_site.asgi:application", "--lifespan", "on"]
        arguments = [*uvicorn, "--ws", "websockets-sansio", "--port", str(rig.server.port)]
        process = rig.server.process = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, *arguments],
            cwd=ROOT,
            env=rig.server.environment(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        rig.server.wait_until_ready()
        async with rig.client() as client:
            whole = await client.run("text 20 200", model_route=ROUTE)
            assert whole.names[-1] == "done"
            endless = (await client.start("text 4000 40", model_route=ROUTE))["stage_id"]
            while client.stages.get(endless) is None or client.stages[endless].last < 4:
                await client.receive()
            process.send_signal(signal.SIGTERM)
            # It closes sockets first, so a viewer finds out how its stage ended by coming back.
            assert await closing_code(client) == 1012
        await asyncio.to_thread(process.wait, 15)
        stage = rig.database.stage(endless)
        assert faults_of(stage) == []
        assert (stage.events[-1]["event"], stage.events[-1]["data"]["by"]) == ("cancel", "shutdown")


def health(connection: http.client.HTTPConnection) -> tuple[int, str | None, dict[str, object]]:
    """Status, the Connection header and the text of /healthz on a connection that is kept."""
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    told = json.loads(answer.read())
    told.pop("model_servers", None)
    return answer.status, answer.getheader("Connection"), told


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def closing_code(client: SocketClient) -> int | None:
    """Read on until the server closes; its code."""
    try:
        async with asyncio.timeout(20):
            while True:
                await client.receive()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
