"""Several serving processes on one PostgreSQL and one Redis."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.fernet import Fernet

from tests.backing import MIGRATED
from tests.cluster.nginx import Nginx
from tests.cluster.postgres import PostgresServer
from tests.cluster.redis import RedisServer
from tests.cluster.signals import sigterm_exits, undisturbed
from tests.serving import ServerProcess, free_port

DATABASE = "toolbench"


class Cluster:
    """PostgreSQL, Redis, serving processes and, where asked for, nginx; a context manager.

    `postgres` and `redis` may be passed in: then they are shared and stay. `server` names one
    server program for all processes or one each. Each process has a data directory of its own
    (`share_data` gives them one), all have the same keys.
    """

    def __init__(
        self,
        processes: int = 2,
        *,
        server: str | Sequence[str] = "daphne",
        nginx: bool = False,
        environment: Mapping[str, str] | None = None,
        postgres: PostgresServer | None = None,
        redis: RedisServer | None = None,
        database: str | None = None,
        fsync: bool = True,
        share_data: bool = False,
        start_servers: bool = True,
    ) -> None:
        self._programs = [server] * processes if isinstance(server, str) else list(server)
        self._environment = dict(environment or {})
        self._wants_nginx = nginx
        self._given = (postgres, redis)
        self._fsync = fsync
        self._share_data = share_data
        self._start_servers = start_servers
        self._stack = contextlib.ExitStack()
        self.database = database or DATABASE
        self.servers: list[ServerProcess] = []
        self.postgres: PostgresServer
        self.redis: RedisServer
        self.nginx: Nginx | None = None
        self.directory: Path

    def __enter__(self) -> Self:
        self._stack.enter_context(sigterm_exits())
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            for server in self.servers:
                print(f"--- end of the log of {server.url}\n{server.log_tail()}")
        self.close()

    @property
    def url(self) -> str:
        """Where people go: nginx, or else the first process."""
        return self.nginx.url if self.nginx is not None else self.servers[0].url

    @property
    def database_url(self) -> str:
        """The processes' DATABASE_URL."""
        return self.postgres.url(self.database)

    def close(self) -> None:
        """Stop all that was started here, the serving processes first."""
        with undisturbed():
            self._stack.close()

    def _build(self) -> None:
        postgres, redis = self._given
        self.directory = Path(tempfile.mkdtemp(prefix="toolbench-cluster-"))
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.postgres = postgres or self._stack.enter_context(PostgresServer(fsync=self._fsync))
        self.redis = redis or self._stack.enter_context(RedisServer())
        migrated_database(self.postgres)
        self.postgres.create_database(self.database, MIGRATED)
        if postgres is not None:
            self._stack.callback(self._drop_database)
        if self._wants_nginx:
            ports = [free_port() for _ in self._programs]
            self.nginx = self._stack.enter_context(Nginx(ports))
        else:
            ports = [free_port() for _ in self._programs]
        keys = {
            "SECRET_KEY": Fernet.generate_key().decode() * 2,
            "TOOLBENCH_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
        for at, (program, port) in enumerate(zip(self._programs, ports, strict=True)):
            server = ServerProcess(
                self._data_dir(at),
                port,
                {
                    "DATABASE_URL": self.database_url,
                    "REDIS_URL": self.redis.url(),
                    "TOOLBENCH_SERVER": program,
                    **keys,
                    **self._environment,
                },
                log_name=f"serve-{at + 1}.log",
                own_session=True,
            )
            self.servers.append(server)
        self._stack.callback(self.stop_servers)
        if self._start_servers:
            for server in self.servers:
                server.launch()
            for server in self.servers:
                server.wait_until_ready()

    def stop_servers(self) -> None:
        """Stop all serving processes at once."""
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            server.stop()

    def _drop_database(self) -> None:
        if self.postgres.is_running:
            self.postgres.drop_database(self.database)

    def _data_dir(self, at: int) -> Path:
        data = self.directory / ("data" if self._share_data else f"data-{at + 1}")
        if not data.exists():
            data.mkdir()
            (data / "static").symlink_to(collected_static(), target_is_directory=True)
        return data


def migrated_database(postgres: PostgresServer) -> str:
    """The name of a migrated database to copy, made once per PostgreSQL."""
    if not postgres.has_database(MIGRATED):
        with tempfile.TemporaryDirectory(prefix="toolbench-migrating-") as scratch:
            half = f"{MIGRATED}_half"
            postgres.drop_database(half)
            url = postgres.create_database(half)
            ServerProcess(Path(scratch), 0, {"DATABASE_URL": url}).manage("migrate", "-v", "0")
            postgres.execute(f"ALTER DATABASE {half} RENAME TO {MIGRATED}")
    return MIGRATED


@functools.cache
def collected_static() -> Path:
    """The collected static files, made once per process."""
    directory = Path(tempfile.mkdtemp(prefix="toolbench-collected-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    server = ServerProcess(directory, 0, {"DATABASE_URL": ""})
    server.manage("collectstatic", "--noinput", "-v", "0")
    return directory / "static"
