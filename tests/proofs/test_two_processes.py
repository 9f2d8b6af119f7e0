"""Two serving processes on PostgreSQL and Redis: a stage on one, its viewers on the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from websockets.exceptions import ConnectionClosed

from tests.cluster import Cluster, PostgresServer, ProgramMissing, RedisServer
from tests.replay import ReplayServer, Signal, WaitFor, chat_stream
from tests.serving import PASSWORD, ServerProcess
from tests.sockets import Folded, SocketClient, log_in

pytestmark = pytest.mark.slow

FURNISH = f"""
from django.contrib.auth.models import User
from chat.models import ModelRoute
User.objects.create_user("owner", "owner@example.org", {PASSWORD!r})
User.objects.create_user("stranger", "stranger@example.org", {PASSWORD!r})
ModelRoute.objects.create(slug="replay", display_name="Replay", upstream_model="replay",
    base_url="BASE")
"""
HINTED_SECONDS = 0.8
"""Well below the second after which a lost hint is made up for."""


@dataclass
class Pair:
    """Two processes with the same people and route, and the model server behind them."""

    cluster: Cluster
    replay: ReplayServer
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cluster.servers[0].manage(
            "shell", "-v", "0", "-c", FURNISH.replace("BASE", self.replay.base_url)
        )

    @property
    def first(self) -> ServerProcess:
        return self.cluster.servers[0]

    @property
    def second(self) -> ServerProcess:
        return self.cluster.servers[1]

    def socket(self, server: ServerProcess, username: str = "owner") -> SocketClient:
        if username not in self.cookies:
            self.cookies[username] = log_in(self.first.url, username, PASSWORD)
        return SocketClient(server.url, self.cookies[username], ping_interval=None)

    @asynccontextmanager
    async def both(self) -> AsyncIterator[tuple[SocketClient, SocketClient]]:
        """A socket of the owner on each."""
        async with self.socket(self.first) as here, self.socket(self.second) as there:
            yield here, there

    def halfway(self) -> Signal:
        """The model says `half` and the rest after this."""
        signal = Signal()
        self.replay.answer_with(chat_stream(["half", WaitFor(signal), " and whole"]))
        return signal


@pytest.fixture(scope="module")
def parts() -> Iterator[tuple[PostgresServer, RedisServer]]:
    try:
        with PostgresServer() as postgres, RedisServer() as redis:
            yield postgres, redis
    except ProgramMissing as missing:
        pytest.skip(f"cluster: {missing}")


@pytest.fixture(scope="module")
def pair(parts: tuple[PostgresServer, RedisServer]) -> Iterator[Pair]:
    postgres, redis = parts
    with ReplayServer() as replay:
        with Cluster(postgres=postgres, redis=redis, database="two_processes") as cluster:
            yield Pair(cluster, replay)


async def begin(client: SocketClient) -> tuple[str, str]:
    """Start a stage and wait for its first text: the ids of stage and conversation."""
    accepted = await client.start("Say it", model_route="replay")
    assert accepted["type"] == "accepted", accepted
    await until_text(client, accepted["stage_id"], "half")
    return accepted["stage_id"], accepted["conversation_id"]


async def until_text(client: SocketClient, stage_id: str, text: str) -> None:
    async with asyncio.timeout(20):
        while client.stages.get(stage_id, Folded()).text != text:
            await client.receive()


async def follow(client: SocketClient, stage_id: str, **more: object) -> None:
    await client.send(type="stage.subscribe", stage_id=stage_id, after=0, **more)
    assert (await client.reply("subscribed", "rejected"))["type"] == "subscribed"


async def until_told(client: SocketClient, stage_id: str, status: str, seconds: float = 5) -> None:
    """Wait until the socket was told of a stage's status, as followers of conversations are."""
    async with asyncio.timeout(seconds):
        while not any(
            frame["type"] == "stage" and (frame["stage_id"], frame["status"]) == (stage_id, status)
            for frame in client.others
        ):
            await client.receive()


async def test_viewers_of_another_process_see_the_same_frames_at_once(pair: Pair) -> None:
    rest = pair.halfway()
    async with pair.both() as (here, there):
        stage_id, _ = await begin(here)
        await follow(there, stage_id, html=True)
        await until_text(there, stage_id, "half")
        # Later than the first look, so that only a hint can bring the rest this soon.
        await asyncio.sleep(0.05)
        asked = time.monotonic()
        rest.set()
        own = await here.until_end(stage_id)
        seen = await there.until_end(stage_id)
        assert time.monotonic() - asked < HINTED_SECONDS
    assert seen.events == own.events
    assert seen.text == "half and whole"
    html = [frame for frame in there.others if frame["type"] == "html"]
    assert "half and whole" in html[-1]["tail"] + "".join(html[-1]["blocks"])


async def test_a_stop_from_another_process_closes_the_upstream_at_once(pair: Pair) -> None:
    pair.halfway()
    requests = len(pair.replay.exchanges)
    async with pair.both() as (here, there):
        stage_id, _ = await begin(here)
        asked = time.monotonic()
        await there.send(type="stage.cancel", stage_id=stage_id)
        assert (await there.reply("accepted", "rejected"))["type"] == "accepted"
        await pair.replay.exchanges[requests].closed.waited()
        assert time.monotonic() - asked < HINTED_SECONDS
        folded = await here.until_end(stage_id)
    assert folded.terminal is not None
    assert folded.terminal["data"]["by"] == "user"


async def test_a_stranger_on_another_process_can_neither_see_nor_stop(pair: Pair) -> None:
    rest = pair.halfway()
    async with pair.socket(pair.first) as here:
        stage_id, conversation_id = await begin(here)
        async with pair.socket(pair.second, "stranger") as stranger:
            for command in (
                {"type": "stage.subscribe", "stage_id": stage_id, "after": 0},
                {"type": "stage.cancel", "stage_id": stage_id},
                {"type": "conversation.subscribe", "conversation_id": conversation_id},
            ):
                await stranger.send(**command)
                assert (await stranger.reply("rejected"))["code"] == "not_found"
        rest.set()
        assert (await here.until_end(stage_id)).text == "half and whole"


async def test_second_tabs_retries_and_pings_across(pair: Pair) -> None:
    rest = pair.halfway()
    async with pair.both() as (here, there):
        stage_id, conversation_id = await begin(here)
        await there.send(type="conversation.subscribe", conversation_id=conversation_id)
        subscribed = await there.reply("subscribed")
        assert [stage["stage_id"] for stage in subscribed["stages"]] == [stage_id]
        await follow(there, stage_id)
        await there.send(type="ping")
        assert (await there.reply("pong"))["stages"][stage_id] >= 2
        busy = await there.start("Me too", conversation_id=conversation_id, model_route="replay")
        assert (busy["type"], busy["code"]) == ("rejected", "conversation_busy")
        rest.set()
        await there.until_end(stage_id)
        await until_told(there, stage_id, "done")

        pair.replay.answer_with(chat_stream(["again"]))
        await here.send(type="conversation.subscribe", conversation_id=conversation_id)
        retried = await there.start(
            "", conversation_id=conversation_id, retry_of=stage_id, model_route="replay"
        )
        assert retried["type"] == "accepted", retried
        await until_told(here, retried["stage_id"], "running")
        await follow(here, retried["stage_id"])
        own = await there.until_end(retried["stage_id"])
        assert (await here.until_end(retried["stage_id"])).events == own.events
    assert own.text == "again"


async def test_a_start_sent_again_to_another_process_is_the_same_stage(pair: Pair) -> None:
    rest = pair.halfway()
    request_id = "7e6c7a2e-6f4e-4f0e-9a2b-0d7a5f0b9c11"
    async with pair.both() as (here, there):
        first = await here.start("Say it", model_route="replay", request_id=request_id)
        again = await there.start("Say it", model_route="replay", request_id=request_id)
        assert again["stage_id"] == first["stage_id"]
        rest.set()
        own = await here.until_end(first["stage_id"])
        assert (await there.until_end(first["stage_id"])).events == own.events


async def test_a_logout_closes_the_sockets_of_every_process(pair: Pair) -> None:
    cookie = log_in(pair.first.url, "stranger", PASSWORD)
    async with SocketClient(pair.second.url, cookie, ping_interval=None) as socket:
        key = cookie.partition("sessionid=")[2].partition(";")[0]
        code = (
            "from importlib import import_module; from django.conf import settings; "
            "from django.contrib.auth.signals import user_logged_out; "
            "store = import_module(settings.SESSION_ENGINE).SessionStore; "
            f"store({key!r}).delete(); user_logged_out.send(None, request=None, user=None)"
        )
        await asyncio.to_thread(pair.first.manage, "shell", "-v", "0", "-c", code)
        asked = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            await socket.receive()
        assert time.monotonic() - asked < HINTED_SECONDS
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


async def test_hints_that_never_come_cost_a_second_and_nothing_else(
    parts: tuple[PostgresServer, RedisServer],
) -> None:
    """Each process listens to a Redis of its own, so that no hint of the other's arrives."""
    postgres, redis = parts
    with ReplayServer() as replay, RedisServer() as deaf:
        with Cluster(
            postgres=postgres, redis=redis, database="deaf", start_servers=False
        ) as cluster:
            cluster.servers[1].extra_environment["REDIS_URL"] = deaf.url()
            for server in cluster.servers:
                server.start()
            pair = Pair(cluster, replay)
            rest = pair.halfway()
            async with pair.both() as (here, there):
                stage_id, conversation_id = await begin(here)
                await there.send(type="conversation.subscribe", conversation_id=conversation_id)
                await follow(there, stage_id)
                await until_text(there, stage_id, "half")
                rest.set()
                own = await here.until_end(stage_id)
                assert (await there.until_end(stage_id, seconds=3)).events == own.events
                await until_told(there, stage_id, "done", seconds=3)

                pair.halfway()
                stage_id, _ = await begin(here)
                await there.send(type="stage.cancel", stage_id=stage_id)
                # A row without a hint is found when the lease is renewed.
                assert (await here.until_end(stage_id, seconds=6)).names[-1] == "cancel"


async def test_a_restart_of_redis_in_mid_stream_loses_nothing(pair: Pair) -> None:
    rest = pair.halfway()
    async with pair.both() as (here, there):
        stage_id, _ = await begin(here)
        await follow(there, stage_id)
        await asyncio.to_thread(pair.cluster.redis.kill)
        rest.set()
        own = await here.until_end(stage_id)
        assert (await there.until_end(stage_id, seconds=5)).events == own.events
        await asyncio.to_thread(pair.cluster.redis.start)
        # Hints come again, by themselves.
        async with asyncio.timeout(30):
            while True:
                rest = pair.halfway()
                stage_id, _ = await begin(here)
                await follow(there, stage_id)
                await until_text(there, stage_id, "half")
                await asyncio.sleep(0.05)
                asked = time.monotonic()
                rest.set()
                await there.until_end(stage_id)
                if time.monotonic() - asked < 0.2:
                    break


async def test_a_restart_of_postgresql_in_mid_stream_loses_nothing(pair: Pair) -> None:
    rest = Signal()
    middle = [f" {word}" for word in range(50)]
    pair.replay.answer_with(chat_stream(["half", WaitFor(rest), *middle]))
    async with pair.both() as (here, there):
        stage_id, _ = await begin(here)
        await follow(there, stage_id)
        await until_text(there, stage_id, "half")
        await asyncio.to_thread(pair.cluster.postgres.kill)
        rest.set()
        await asyncio.sleep(1.0)
        await asyncio.to_thread(pair.cluster.postgres.start)
        own = await here.until_end(stage_id, seconds=20)
        seen = await there.until_end(stage_id, seconds=20)
    assert own.names[-1] == "done"
    assert own.text == "half" + "".join(middle)
    assert seen.events == own.events


async def test_a_draining_process_keeps_only_those_who_follow_its_stages(pair: Pair) -> None:
    rest = pair.halfway()
    async with pair.socket(pair.first) as here, pair.socket(pair.first) as idle:
        stage_id, _ = await begin(here)
        process = pair.first.process
        assert process is not None
        process.terminate()
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(3):
                await idle.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4503
        rest.set()
        folded = await here.until_end(stage_id, seconds=4)
        assert (folded.names[-1], folded.text) == ("done", "half and whole")
        with pytest.raises(ConnectionClosed):
            await here.receive()
    assert await asyncio.to_thread(process.wait, 15) == 0
    pair.replay.answer_with(chat_stream(["from the other"]))
    async with pair.socket(pair.second) as there:
        assert (await there.run("Say it", model_route="replay")).text == "from the other"
    pair.first.start()


async def test_stages_of_a_killed_process_end_within_15_seconds_before_viewers_eyes(
    pair: Pair,
) -> None:
    pair.halfway()
    async with pair.socket(pair.second) as there:
        async with pair.socket(pair.first) as here:
            stage_id, _ = await begin(here)
            await follow(there, stage_id)
            await until_text(there, stage_id, "half")
            assert pair.first.process is not None
            pair.first.process.kill()
            killed = time.monotonic()
            pair.first.process.wait(10)
        folded = await there.until_end(stage_id, seconds=15)
        assert time.monotonic() - killed < 15
    assert folded.terminal is not None
    assert folded.terminal["data"]["code"] == "interrupted"
    assert folded.text == "half"
    pair.first.start()
