"""Log-in attempts are counted across processes, and a Redis that is away stops nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import ProgramMissing, RedisServer
from toolbench_site.shared_cache import SharedCache


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    try:
        with RedisServer() as redis:
            yield redis
    except ProgramMissing as missing:
        pytest.skip(f"cluster: {missing}")
    finally:
        SharedCache.away_until = 0.0


def test_without_redis_a_process_counts_by_itself_and_with_it_together_again(
    redis: RedisServer,
) -> None:
    here, there = (SharedCache(redis.url(), {}) for _ in range(2))
    here.set("attempts", 1)
    assert there.incr("attempts") == 2
    redis.stop()
    assert here.get("attempts") is None
    assert here.add("attempts", 5)
    assert here.incr("attempts") == 6
    assert SharedCache.away_until > 0
    redis.start()
    SharedCache.away_until = 0.0
    here.set("attempts", 3)
    assert there.get("attempts") == 3
