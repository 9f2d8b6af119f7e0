"""The guide's upgrade: one process after the other, and keys on the way."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import ExitStack, suppress
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from websockets.exceptions import ConnectionClosed

from tests.production.browser import Browser
from tests.production.installation import Installation
from tests.production.proxies import logged_in, proxy_of
from tests.replay import ReplayServer, Signal, WaitFor, chat_stream
from tests.sockets import Folded

pytestmark = pytest.mark.slow

ROUTE = """
from chat.models import ModelRoute
ModelRoute.objects.create(slug="replay", display_name="Replay", upstream_model="replay",
    base_url="BASE")
"""


async def test_an_upgrade_loses_no_stage_and_the_keys_are_rotated(team: Installation) -> None:
    old_pids = {port: team.unit(port).pid for port in team.ports}
    rest = Signal()
    with ExitStack() as stack:
        nginx = stack.enter_context(proxy_of("nginx", team))
        replay = stack.enter_context(ReplayServer())
        halfway = chat_stream(["half", WaitFor(rest), " and whole"])
        replay.answer_with([halfway, chat_stream(["short"])])
        await asyncio.to_thread(add_route, team, replay.base_url)
        browser = await asyncio.to_thread(logged_in, team, nginx)
        async with browser.socket() as client:
            accepted = await client.start("Say it", model_route="replay")
        stage_id = accepted["stage_id"]
        seen = Folded()
        viewer = asyncio.create_task(follow_to_the_end(browser, stage_id, seen))
        owner = await asyncio.to_thread(port_of_owner, team, stage_id)
        # The new version has another key and another server program.
        team.run("rotate-add")
        team.shell(f"echo TOOLBENCH_SERVER=uvicorn >> {team.root}/etc/toolbench.env")
        rolling = team.begin(team.fill("roll"))
        await until_closed(owner)
        async with browser.socket() as fresh:
            short = await fresh.run("And now?", model_route="replay")
        assert short.text == "short"
        assert rolling.poll() is None, "it does not wait for the stage"
        assert seen.terminal is None
        rest.set()
        async with asyncio.timeout(20):
            await viewer
        assert (seen.text, seen.names[-1]) == ("half and whole", "done")
        await asyncio.to_thread(finish, rolling)
        assert stored(team, stage_id) == ("done", seen.last)
        for port in team.ports:
            unit = team.unit(port)
            assert unit.pid != old_pids[port]
            assert "uvloop" in unit.mapped_files()
        async with browser.socket() as client:
            assert (await client.run("Hello")).names[-1] == "done"
    assert "encrypted with the first key" in team.run("rotate")
    only_key = Fernet(team.settings["TOOLBENCH_ENCRYPTION_KEYS"])
    with psycopg.connect(team.database_url) as connection:
        query = "SELECT api_key FROM chat_modelroute WHERE api_key IS NOT NULL"
        tokens = [token for (token,) in connection.execute(query)]
    assert tokens
    assert all(only_key.decrypt(token) for token in tokens)


def add_route(team: Installation, base_url: str) -> None:
    code = ROUTE.replace("BASE", base_url)
    team.shell(
        f"cd -P {team.root}/srv/toolbench/current\n"
        f"as-toolbench .venv/bin/python manage.py shell -v 0 -c '{code}'"
    )


async def follow_to_the_end(browser: Browser, stage_id: str, seen: Folded) -> None:
    """A page: connects anew where it is cut off, and goes on after what it has seen."""
    while seen.terminal is None:
        with suppress(ConnectionClosed):
            async with browser.socket() as client:
                client.stages[stage_id] = seen
                await client.send(type="stage.subscribe", stage_id=stage_id, after=seen.last)
                while seen.terminal is None:
                    await client.receive()


def port_of_owner(team: Installation, stage_id: str) -> int:
    """The port of the process that runs a stage; a lease names its owner as host-pid-random."""
    with psycopg.connect(team.database_url) as connection:
        query = "SELECT lease_owner FROM chat_stage WHERE id = %s"
        (owner,) = connection.execute(query, [stage_id]).fetchone() or ("",)
    pid = int(owner.rsplit("-", 2)[1])
    return next(port for port in team.ports if team.unit(port).pid == pid)


async def until_closed(port: int) -> None:
    """Wait until nobody takes connections on a port any more."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.05)


def finish(process: subprocess.Popen[str]) -> None:
    _, wrong = process.communicate(timeout=60)
    assert process.returncode == 0, wrong


def stored(team: Installation, stage_id: str) -> tuple[Any, ...] | None:
    with psycopg.connect(team.database_url) as connection:
        query = """SELECT status, (SELECT count(*) FROM chat_stageevent WHERE stage_id = s.id)
            FROM chat_stage s WHERE id = %s"""
        return connection.execute(query, [stage_id]).fetchone()
