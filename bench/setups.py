"""What a measurement runs on, by a name such as `postgres-uvicorn-2`, and the servers it starts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from bench.costs import cpu_seconds, family_cpu_seconds, resident_mib
from bench.layout import SERVERS, Layout
from bench.listeners import Seat
from bench.stored import Database
from tests.cluster import Cluster, PostgresServer, RedisServer
from tests.cluster.cluster import collected_static
from tests.serving import ROOT, ServerProcess, free_port

START_SECONDS = 60
TELLING_SECONDS = 20
DATABASES = ("sqlite", "sqlite_normal", "postgres")


@dataclass(frozen=True)
class Setup:
    """A layout, and two things that only measurements vary."""

    name: str
    layout: Layout
    is_durable: bool = True
    """False: SQLite with synchronous=NORMAL, to see what FULL costs."""
    is_crosswise: bool = False
    """Whether each stage runs in one process and is viewed through the next."""

    @classmethod
    def named(cls, name: str) -> Setup:
        """`{sqlite|sqlite_normal|postgres}-{daphne|uvicorn}-{processes}`, with an x at the end for
        viewers on the other process; raises ValueError."""
        database, _, rest = name.partition("-")
        server, _, count = rest.partition("-")
        is_crosswise = count.endswith("x")
        count = count.removesuffix("x")
        known = database in DATABASES and server in SERVERS and count.isdigit() and int(count)
        is_cluster = database == "postgres"
        if not known or (not is_cluster and count != "1") or (is_crosswise and count == "1"):
            raise ValueError(
                f"{name} is no layout. Write sqlite-daphne-1, postgres-uvicorn-2 or "
                "postgres-daphne-2x (viewers on the other process); SQLite has one process."
            )
        layout = Layout(is_cluster=is_cluster, processes=int(count), server=server)
        return cls(name, layout, database != "sqlite_normal", is_crosswise)


class MeasuredServer(ServerProcess):
    """A server started through bench.profiled_serve, with a look at what it costs."""

    is_sampled = False
    start_seconds = 0.0

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def command(self) -> list[str]:
        """What runs: `serve`, which also counts."""
        arguments = [str(self._counts), *(["--sample"] if self.is_sampled else [])]
        return [sys.executable, "-m", "bench.profiled_serve", *arguments]

    def cpu_seconds(self) -> float:
        """User and system time it has used."""
        return cpu_seconds(self.pid)

    def resident_mib(self) -> float:
        """Memory it holds now."""
        return resident_mib(self.pid)

    def counts(self) -> dict[str, Any]:
        """What it has counted so far (bench.profiled_serve)."""
        self._counts.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        deadline = time.monotonic() + TELLING_SECONDS
        while not self._counts.exists():
            if time.monotonic() > deadline:
                raise RuntimeError(f"The server does not tell its counts:\n{self.log_tail()}")
            time.sleep(0.01)
        found: dict[str, Any] = json.loads(self._counts.read_text())
        return found

    @property
    def _counts(self) -> Path:
        return self.data_dir / f"{self.log.stem}-counts.json"


@dataclass
class Ground:
    """The servers of a setup, what they stand on, and the replay server behind them."""

    setup: Setup
    servers: list[MeasuredServer]
    upstream: subprocess.Popen[str]
    base_url: str
    database: Database
    postgres: PostgresServer | None = None
    redis: RedisServer | None = None
    cookies: list[str] = field(default_factory=list)

    def manage(self, code: str) -> str:
        """Run Python in a management shell; what it printed."""
        return self.servers[0].manage("shell", "-v", "0", "-c", code)

    def invite(self, people: int) -> None:
        """Put people with sessions and the route into the database."""
        code = f"from bench.people import furnish; furnish({people}, {self.base_url!r})"
        self.cookies = json.loads(self.manage(code))

    def seats(self, streams: int) -> list[Seat]:
        """Who starts a stage where and reads it where; shared evenly between the processes."""
        urls = [server.url for server in self.servers]
        shift = int(self.setup.is_crosswise)
        return [
            Seat(at, self.cookies[at], urls[at % len(urls)], urls[(at + shift) % len(urls)])
            for at in range(streams)
        ]

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far: of the serving processes together, and of each other part."""
        return {
            "server": sum(server.cpu_seconds() for server in self.servers),
            "upstream": cpu_seconds(self.upstream.pid),
            "postgres": _family(self.postgres),
            "redis": _family(self.redis),
        }


@contextmanager
def running_upstream(chunks: int, per_second: float) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The replay server as a process, and its base URL."""
    command = [sys.executable, "-m", "bench.upstream", "--chunks", str(chunks)]
    with subprocess.Popen(
        [*command, "--per-second", str(per_second)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, cast(IO[str], process.stdout).readline().strip()
        finally:
            process.terminate()


@contextmanager
def ground(
    setup: Setup,
    *,
    people: int,
    chunks: int,
    per_second: float,
    environment: Mapping[str, str] | None = None,
    is_sampled: bool = False,
    is_started: bool = True,
) -> Iterator[Ground]:
    """All that a setup needs, with people and a route; nothing is left behind."""
    variables = {
        "TOOLBENCH_DEMO": "false",
        "TOOLBENCH_SERVER": setup.layout.server,
        "DJANGO_SETTINGS_MODULE": (
            "toolbench_site.settings" if setup.is_durable else "bench.settings_normal"
        ),
        **(environment or {}),
    }
    with ExitStack() as stack:
        upstream, base_url = stack.enter_context(running_upstream(chunks, per_second))
        if setup.layout.is_cluster:
            cluster = stack.enter_context(
                Cluster(setup.layout.processes, environment=variables, start_servers=False)
            )
            servers = [
                MeasuredServer(
                    one.data_dir,
                    one.port,
                    {**one.extra_environment, "TOOLBENCH_SERVER": setup.layout.server},
                    log_name=one.log_name,
                    own_session=True,
                )
                for one in cluster.servers
            ]
            made = Ground(
                setup,
                servers,
                upstream,
                base_url,
                Database(cluster.database_url),
                cluster.postgres,
                cluster.redis,
            )
        else:
            directory = Path(tempfile.mkdtemp(prefix="toolbench-figures-"))
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            (directory / "static").symlink_to(collected_static(), target_is_directory=True)
            server = MeasuredServer(directory, free_port(), variables)
            server.manage("migrate", "-v", "0")
            database = Database.in_directory(directory)
            made = Ground(setup, [server], upstream, base_url, database)
        for server in made.servers:
            server.is_sampled = is_sampled
            stack.callback(server.stop)
        made.invite(people)
        if is_started:
            start(made.servers)
        yield made


def start(servers: list[MeasuredServer]) -> None:
    """Start all side by side; each must answer."""
    for server in servers:
        server.launch()
    for server in servers:
        server.wait_until_ready()


def seconds_to_start(server: ServerProcess) -> float:
    """From exec of `manage.py serve` to the first 200 of /healthz; the server is stopped again."""
    began = time.monotonic()
    ServerProcess.launch(server)
    assert server.process is not None
    try:
        while not _answers(server.url):
            if server.process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise RuntimeError(f"The server did not start:\n{server.log_tail()}")
            time.sleep(0.004)
        return time.monotonic() - began
    finally:
        server.stop()


def _answers(url: str) -> bool:
    with suppress(OSError):
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    return False


def _family(part: PostgresServer | RedisServer | None) -> float:
    if part is None or part.process is None:
        return 0.0
    return family_cpu_seconds(part.process.pid)
