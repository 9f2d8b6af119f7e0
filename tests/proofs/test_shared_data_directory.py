"""With Redis, processes of either kind share a data directory, even one that is still empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import PostgresServer, ProgramMissing, RedisServer
from tests.serving import STOP_SECONDS, ServerProcess, free_port

pytestmark = pytest.mark.slow

COUNT = "from django.contrib.auth.models import User; print(User.objects.count())"
KINDS = ("daphne", "uvicorn", "daphne")


@pytest.fixture
def store() -> Iterator[dict[str, str]]:
    """A PostgreSQL and a Redis of their own."""
    with ExitStack() as stack:
        try:
            postgres = stack.enter_context(PostgresServer(fsync=False))
            redis = stack.enter_context(RedisServer())
        except ProgramMissing as missing:
            pytest.skip(f"cluster: {missing}")
        url = postgres.create_database("shared")
        yield {"DATABASE_URL": url, "REDIS_URL": redis.url()}


def test_processes_that_start_at_once_make_everything_once(
    store: dict[str, str], tmp_path: Path
) -> None:
    servers = [
        ServerProcess(
            tmp_path,
            free_port(),
            {**store, "TOOLBENCH_SERVER": kind},
            log_name=f"{number}.log",
        )
        for number, kind in enumerate(KINDS)
    ]
    servers[0].manage("migrate", "-v", "0")
    try:
        # They find neither static files nor a user.
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_until_ready()
        assert servers[0].manage("shell", "-v", "0", "-c", COUNT).split() == ["1"]
        assert (tmp_path / "static" / "staticfiles.json").exists()
        for server in servers:
            server.terminate()
        for server in servers:
            assert server.process is not None
            assert server.process.wait(STOP_SECONDS) == 0, server.log_tail()
            assert "ERROR" not in server.log_tail(100), server.log_tail(100)
    finally:
        for server in servers:
            server.stop()
