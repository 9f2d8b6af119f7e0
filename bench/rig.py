"""What every proof stands on: real servers, a replay server behind them, people and a route."""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bench.layout import SINGLE, Layout
from bench.scripts import answer
from bench.stored import Database
from tests.backing import is_cluster
from tests.cluster import Cluster, PostgresServer, RedisServer
from tests.databases import create_database, drop_database, with_database
from tests.replay import Answer, ReplayServer
from tests.serving import PASSWORD, ServerProcess, free_port
from tests.sockets import SocketClient, log_in

OWNER = "owner"
ADMIN = "admin"
ROUTE = "replay"
FURNISHED = "toolbench_furnished"

_names = (f"toolbench_bench_{number}" for number in itertools.count(1))

_FURNISH = f"""
from django.contrib.auth.models import User
from chat.models import ModelRoute
User.objects.create_user({OWNER!r}, "owner@example.org", {PASSWORD!r})
User.objects.create_superuser({ADMIN!r}, "admin@example.org", {PASSWORD!r})
ModelRoute.objects.create(slug={ROUTE!r}, display_name="Replay", upstream_model="replay",
    base_url="http://127.0.0.1:9/v1", is_default=True)
"""


class Rig:
    """Servers with data of their own; everything goes when the context is left.

    `data_dir` is where the SQLite layout keeps its data instead of a directory of its own.
    """

    def __init__(
        self,
        answers: Answer = answer,
        *,
        layout: Layout = SINGLE,
        routes: Mapping[str, Answer] | None = None,
        environment: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
    ) -> None:
        self.layout = layout
        self.replay = ReplayServer(answers, routes=routes)
        self.cookies: dict[str, str] = {}
        self.servers: list[ServerProcess] = []
        self.cluster: Cluster | None = None
        self.database: Database
        self._data_dir = data_dir
        self._environment = {
            "TOOLBENCH_USER_STAGES": "200",
            "TOOLBENCH_USER_SOCKETS": "400",
            "DJANGO_SETTINGS_MODULE": "tests.bench_settings",
            **(environment or {}),
        }
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._stack.enter_context(self.replay)
            self._environment.setdefault("TOOLBENCH_OPEN_METEO_URL", self.replay.origin)
            if self.layout.is_cluster:
                self._build_cluster()
            else:
                self._build_single()
            self.database.execute(
                "UPDATE chat_modelroute SET base_url = ? WHERE slug = ?",
                (self.replay.base_url, ROUTE),
            )
            for server in self.servers:
                server.launch()
            for server in self.servers:
                server.wait_until_ready()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            print(f"--- end of the servers' logs\n{self.log_tail()}")
        self._stack.close()

    @property
    def server(self) -> ServerProcess:
        """The first server."""
        return self.servers[0]

    @property
    def url(self) -> str:
        """Where the first server is."""
        return self.server.url

    @property
    def pid(self) -> int:
        """The first server's process."""
        return pid_of(self.server)

    @property
    def parts(self) -> Cluster:
        """PostgreSQL and Redis, to be killed; only where the layout has them."""
        assert self.cluster is not None, "this layout has no PostgreSQL"
        return self.cluster

    def log_in(self, username: str = OWNER) -> str:
        """The Cookie header of a person; logged in once, for sessions outlive the process."""
        if username not in self.cookies:
            self.cookies[username] = log_in(self.url, username, PASSWORD)
        return self.cookies[username]

    def client(self, username: str = OWNER, server: int = 0, **options: object) -> SocketClient:
        """A websocket of a person who is logged in."""
        options.setdefault("ping_interval", None)
        return SocketClient(self.servers[server].url, self.cookies[username], **options)

    def kill(self, server: int = 0) -> None:
        """`kill -9`, and wait for the process to be gone."""
        self.servers[server].kill()

    def restart(self, server: int = 0) -> float:
        """Start a server again on the same data; seconds until /healthz was ready."""
        begin = time.monotonic()
        self.servers[server].start()
        return time.monotonic() - begin

    def rss_mib(self) -> float:
        """The servers' resident memory in MiB, all together."""
        return sum(self.rss_mib_each())

    def rss_mib_each(self) -> list[float]:
        """Each server's resident memory in MiB."""
        return [resident_mib(pid_of(server)) for server in self.servers]

    def errors(self) -> list[str]:
        """The lines of the servers' logs that tell of an error."""
        return [
            f"a server's log: {line}"
            for server in self.servers
            for line in server.log.read_text(errors="replace").splitlines()
            if " ERROR " in line
        ]

    def log_tail(self, lines: int = 30) -> str:
        """The end of what the servers printed."""
        return "\n".join(server.log_tail(lines) for server in self.servers)

    def _build_single(self) -> None:
        data_dir = self._data_dir
        if data_dir is None:
            data_dir = Path(tempfile.mkdtemp(prefix="toolbench-bench-"))
            self._stack.callback(shutil.rmtree, data_dir, ignore_errors=True)
        shutil.copytree(_furnished(), data_dir, dirs_exist_ok=True)
        environment = {**self._environment, "TOOLBENCH_SERVER": self.layout.server}
        self.servers = [ServerProcess(data_dir, free_port(), environment)]
        self._stack.callback(self.server.stop)
        if not is_cluster():
            self.database = Database.in_directory(data_dir)
            return
        # A run of the tests on PostgreSQL, where servers get a database by their data directory.
        url, source = (
            server.environment()["DATABASE_URL"]
            for server in (self.server, ServerProcess(_furnished(), 0))
        )
        name, template = (urlsplit(one).path.strip("/") for one in (url, source))
        drop_database(source, name)
        create_database(with_database(source, "postgres"), name, template)
        self.database = Database(url)

    def _build_cluster(self) -> None:
        postgres, redis = cluster_parts()
        cluster = self.cluster = self._stack.enter_context(
            Cluster(
                self.layout.processes,
                server=self.layout.server,
                environment=self._environment,
                postgres=postgres,
                redis=redis,
                database=next(_names),
                start_servers=False,
            )
        )
        if postgres.has_database(FURNISHED):
            postgres.drop_database(cluster.database)
            postgres.create_database(cluster.database, FURNISHED)
        else:
            cluster.servers[0].manage("shell", "-v", "0", "-c", _FURNISH)
            postgres.create_database(FURNISHED, cluster.database)
        self.database = Database(cluster.database_url)
        self.servers = cluster.servers


def pid_of(server: ServerProcess) -> int:
    """The process of a server."""
    assert server.process is not None
    return server.process.pid


def resident_mib(pid: int) -> float:
    """A process's resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("The kernel does not say how much memory the server has.")


def cluster_parts() -> tuple[PostgresServer, RedisServer]:
    """PostgreSQL and Redis, running; whatever an earlier proof did to them."""
    postgres, redis = _made_parts()
    for part in (postgres, redis):
        if not part.is_running:
            part.start()
    return postgres, redis


@functools.cache
def _made_parts() -> tuple[PostgresServer, RedisServer]:
    """Made once per process, since a PostgreSQL takes seconds to make and to migrate."""
    postgres, redis = PostgresServer(), RedisServer()
    for part in (postgres, redis):
        atexit.register(part.close)
    return postgres, redis


@functools.cache
def _furnished() -> Path:
    """A migrated data directory with people, a route and static files, made once per process."""
    directory = Path(tempfile.mkdtemp(prefix="toolbench-furnished-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    server = ServerProcess(
        directory, free_port(), {"DJANGO_SETTINGS_MODULE": "tests.bench_settings"}
    )
    server.manage("migrate", "-v", "0")
    server.manage("shell", "-v", "0", "-c", _FURNISH)
    server.manage("collectstatic", "--noinput", "-v", "0")
    # The copies must not share what belongs to a running database.
    for leftover in ("toolbench.sqlite3-wal", "toolbench.sqlite3-shm", "serve.lock"):
        (directory / leftover).unlink(missing_ok=True)
    os.sync()
    return directory
