"""Limits of requests per key, person and address; what happens while Redis is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat import admission, rate_limits
from chat.access import Visitor
from chat.admission import ComesTooOften, NotAdmitted, admit
from chat.database import close_pool_connections, run_in_pool
from chat.key_text import make_key_text
from chat.policy import Grant
from chat.rate_limits import RateLimits, check_rate
from chat.rate_windows import TIDY_SECONDS, WindowsInMemory
from tests.chat.keys.makers import key_of, scope_with
from tests.cluster import ProgramMissing, RedisServer


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("chat.rate_windows", "chat.rate_limits"):
        monkeypatch.setattr(f"{module}.time.time", clock.time)
    return clock


async def test_so_many_a_minute_are_let_through_and_the_next_is_told_how_long_to_wait(
    clock: Clock,
) -> None:
    limits = RateLimits()
    for _ in range(3):
        assert await limits.take(3, "key", "1") is None
        clock.now += 10
    assert await limits.take(3, "key", "1") == pytest.approx(30)
    assert await limits.take(3, "key", "2") is None
    clock.now += 30
    assert await limits.take(3, "key", "1") is None
    # The window moves: the second of the first three is still in it.
    assert await limits.take(3, "key", "1") == pytest.approx(10)


async def test_looking_counts_nothing(clock: Clock) -> None:
    limits = RateLimits()
    assert await limits.wait(1, "address", "a") is None
    assert await limits.take(1, "address", "a") is None
    assert await limits.wait(1, "address", "a") == pytest.approx(60)
    clock.now += 60
    assert await limits.wait(1, "address", "a") is None


async def test_what_was_refused_is_not_counted(clock: Clock) -> None:
    limits = RateLimits()
    assert await limits.take(1, "key", "1") is None
    for _ in range(100):
        clock.now += 0.5
        assert await limits.take(1, "key", "1") is not None
    clock.now += 10
    assert await limits.take(1, "key", "1") is None


async def test_windows_that_nobody_came_back_to_are_forgotten(clock: Clock) -> None:
    windows = WindowsInMemory()
    for number in range(1000):
        await windows.acquire_entry(f"address {number}", 5, 60)
    clock.now += TIDY_SECONDS
    await windows.acquire_entry("address", 5, 60)
    assert list(windows._times) == ["address"] == list(windows._lives)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    try:
        with RedisServer() as redis:
            yield redis
    except ProgramMissing as missing:
        pytest.skip(f"cluster: {missing}")


async def test_processes_count_together_through_redis_and_alone_once_it_is_gone(
    redis: RedisServer,
) -> None:
    one, other = RateLimits(redis.url()), RateLimits(redis.url())
    try:
        assert await one.take(2, "key", "1") is None
        assert await other.take(2, "key", "1") is None
        wait = await one.take(2, "key", "1")
        assert wait is not None
        assert 50 < wait <= 60
        assert await other.wait(2, "key", "1") is not None
        assert await other.wait(2, "key", "2") is None
        await asyncio.to_thread(redis.stop)
        assert [await one.take(2, "key", "1") for _ in range(2)] == [None, None]
        assert await one.take(2, "key", "1") is not None
    finally:
        await one.close()
        await other.close()


async def test_while_redis_is_away_each_process_counts_alone_and_waits_for_it_once() -> None:
    refused = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        refused += 1
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limits = RateLimits(f"redis://127.0.0.1:{port}/0")
    try:
        assert await limits.take(2, "key", "1") is None
        tried = refused
        assert await limits.take(2, "key", "1") is None
        assert await limits.take(2, "key", "1") is not None
        assert refused == tried > 0
    finally:
        await limits.close()
        server.close()
        await server.wait_closed()


async def test_a_redis_that_says_nothing_is_not_waited_for_long() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limits = RateLimits(f"redis://127.0.0.1:{port}/0")
    begin = time.monotonic()
    try:
        assert await limits.take(2, "key", "1") is None
        assert time.monotonic() - begin < rate_limits.REDIS_SECONDS * 2
    finally:
        await limits.close()
        server.close()


# --- keys and persons ---


@pytest.fixture
async def pool(transactional_db: None) -> AsyncIterator[None]:
    """The database's threads, and nothing counted before."""
    admission._good.clear()
    yield
    admission._good.clear()
    await rate_limits.close()
    await asyncio.get_running_loop().run_in_executor(None, close_pool_connections)


async def test_a_key_and_its_person_are_limited_apart(settings: Any) -> None:
    settings.TOOLBENCH_KEY_REQUESTS_PER_MINUTE = 2
    settings.TOOLBENCH_USER_REQUESTS_PER_MINUTE = 3
    first, second, other = (
        Visitor(person, False, "", Grant(key, frozenset()))
        for person, key in ((1, 1), (1, 2), (2, 3))
    )
    assert [await check_rate(first) for _ in range(2)] == [None, None]
    assert await check_rate(first) is not None
    # What the key was refused does not count for the person.
    assert await check_rate(second) is None
    assert await check_rate(second) is not None
    assert await check_rate(other) is None
    # The person's browser counts with their keys.
    assert await check_rate(Visitor(1, False, "a-session")) is not None
    await rate_limits.close()


async def test_too_many_requests_are_refused_with_the_time_to_wait(
    pool: None, owner: User, settings: Any
) -> None:
    settings.TOOLBENCH_KEY_REQUESTS_PER_MINUTE = 2
    text = (await run_in_pool(key_of, owner)).text
    await admit(scope_with(text))
    await admit(scope_with(text))
    with pytest.raises(ComesTooOften) as caught:
        await admit(scope_with(text))
    assert 55 < caught.value.seconds <= 60


async def test_an_address_that_sends_wrong_keys_is_not_heard_but_good_keys_beside_it_are(
    pool: None, owner: User, settings: Any
) -> None:
    settings.TOOLBENCH_KEY_FAILURES_PER_MINUTE = 3
    good, later = [(await run_in_pool(key_of, owner)).text for _ in range(2)]
    await admit(scope_with(good))
    for _ in range(3):
        with pytest.raises(NotAdmitted):
            await admit(scope_with(make_key_text().text))
    for text in (make_key_text().text, "no key at all", later):
        with pytest.raises(ComesTooOften):
            await admit(scope_with(text))
    # One that was good before goes on; another address is heard.
    assert (await admit(scope_with(good))).user_id == owner.pk
    assert (await admit(scope_with(later, client=("127.0.0.2", 1)))).user_id == owner.pk


async def test_without_key_or_session_nobody_is_admitted_and_nothing_counted(
    pool: None, settings: Any
) -> None:
    settings.TOOLBENCH_KEY_FAILURES_PER_MINUTE = 1
    for _ in range(3):
        with pytest.raises(NotAdmitted):
            await admit(scope_with())
