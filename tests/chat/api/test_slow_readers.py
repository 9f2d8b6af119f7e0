"""A reader of a stream that stops reading is given up, and what it left unread is kept nowhere."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from bench.contract_client import Exchange
from bench.contract_cuts import STAY
from bench.contract_ground import HttpGround, body, http_ground, until
from bench.contract_refusals import STREAM
from bench.layout import Layout
from bench.scripts import text_for

pytestmark = pytest.mark.slow

FLOOD = "text 12000 3000 1024"
"""12 MB in 4 s: more than the kernel and the server's own limit take."""
TCP_CLOSED = 7


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def impatient(request: pytest.FixtureRequest) -> Iterator[HttpGround]:
    """A server that gives readers up after a second."""
    settings = "tests.impatient"
    with http_ground(Layout(server=request.param), DJANGO_SETTINGS_MODULE=settings) as ground:
        yield ground


@pytest.mark.parametrize("stays", [False, True])
async def test_a_reader_that_stops_is_given_up(impatient: HttpGround, stays: bool) -> None:
    headers = STAY if stays else {}
    exchange = await impatient.client().open("POST", STREAM, body(FLOOD), headers, limit=4096)
    async with exchange:
        exchange.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await _is_dropped(exchange)
        stage_id = exchange.headers["x-toolbench-stage"]
    stage = impatient.rig.database.stage
    await until(lambda: stage(stage_id).status != "running", 30)
    ended = "done" if stays else "cancel"
    assert impatient.rig.database.stage(stage_id).status == ended
    assert impatient.rig.errors() == []


async def test_one_that_pauses_for_a_moment_is_waited_for(impatient: HttpGround) -> None:
    prompt = "text 4000 4000 1024"
    async with await impatient.client().open("POST", STREAM, body(prompt)) as exchange:
        exchange.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.5)
        exchange.writer.transport.resume_reading()  # type: ignore[attr-defined]
        text = ""
        async for frame in exchange.frames():
            for choice in frame.json.get("chunk", {}).get("choices", ()):
                text += choice["delta"].get("content") or ""
        assert frame.event == "done"
    assert text == text_for(prompt)


async def _is_dropped(exchange: Exchange) -> None:
    """Wait until the kernel says that the other side has ended the connection."""
    connected = exchange.writer.get_extra_info("socket")
    await until(
        lambda: connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSED, 15
    )
