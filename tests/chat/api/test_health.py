"""/healthz answers at once, whatever the model servers do."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from bench.contract_client import HttpClient
from bench.contract_ground import HttpGround
from tests.chat.conftest import within

pytestmark = pytest.mark.slow

HOLES = 20
SECONDS = 0.25
"""A check takes seconds to give up; a machine that does much else takes some milliseconds more."""


async def test_it_waits_for_no_model_server(ground: HttpGround, http: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole:
        # The kernel takes the connections, and nobody ever answers on them.
        address = f"http://127.0.0.1:{hole.getsockname()[1]}/v1"
        ground.rig.server.manage(
            *("shell", "-v", "0", "-c"),
            "from chat.models import ModelRoute; [ModelRoute.objects.create(slug=f'hole-{n}', "
            f"display_name='Hole', upstream_model='m', base_url='{address}') "
            f"for n in range({HOLES})]",
        )
        hole.settimeout(10)
        asked, _ = await asyncio.to_thread(hole.accept)
        with asked:
            times = []
            for _ in range(10):
                begin = time.monotonic()
                answer = await within(http.ask("GET", "/healthz"))
                times.append(time.monotonic() - begin)
            told = answer.json
    assert told["status"] == "ready"
    assert sum(slug.startswith("hole-") for slug in told["model_servers"]) == HOLES
    assert all(set(server) == {"status"} for server in told["model_servers"].values())
    assert sorted(times)[len(times) // 2] < SECONDS
