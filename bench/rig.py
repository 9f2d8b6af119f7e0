"""What every proof stands on: a real server, a replay server behind it, people and a route."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.scripts import answer
from bench.stored import Database
from tests.replay import Answer, ReplayServer
from tests.serving import PASSWORD, ServerProcess, free_port
from tests.sockets import SocketClient, log_in

OWNER = "owner"
ADMIN = "admin"
ROUTE = "replay"

_FURNISH = f"""
from django.contrib.auth.models import User
from chat.models import ModelRoute
User.objects.create_user({OWNER!r}, "owner@example.org", {PASSWORD!r})
User.objects.create_superuser({ADMIN!r}, "admin@example.org", {PASSWORD!r})
ModelRoute.objects.create(slug={ROUTE!r}, display_name="Replay", upstream_model="replay",
    base_url="http://127.0.0.1:9/v1", is_default=True)
"""


class Rig:
    """A server on a data directory of its own; everything goes when the context is left."""

    def __init__(
        self,
        answers: Answer = answer,
        *,
        routes: Mapping[str, Answer] | None = None,
        environment: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
    ) -> None:
        self.replay = ReplayServer(answers, routes=routes)
        self._environment = dict(environment or {})
        self._own_dir = data_dir is None
        self.data_dir = data_dir or Path(tempfile.mkdtemp(prefix="toolbench-bench-"))
        self.cookies: dict[str, str] = {}
        self.server: ServerProcess
        self.database = Database(self.data_dir)

    def __enter__(self) -> Self:
        self.replay.__enter__()
        try:
            shutil.copytree(_furnished(), self.data_dir, dirs_exist_ok=True)
            self.server = ServerProcess(
                self.data_dir,
                free_port(),
                {
                    "TOOLBENCH_USER_STAGES": "200",
                    "TOOLBENCH_USER_SOCKETS": "400",
                    "TOOLBENCH_OPEN_METEO_URL": self.replay.origin,
                    "DJANGO_SETTINGS_MODULE": "tests.bench_settings",
                    **self._environment,
                },
            )
            self.database.execute(
                "UPDATE chat_modelroute SET base_url = ? WHERE slug = ?",
                (self.replay.base_url, ROUTE),
            )
            self.server.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if hasattr(self, "server"):
            self.server.stop()
            if kind is not None:
                print(f"--- end of the server's log\n{self.log_tail()}")
        self.replay.__exit__(kind, value, traceback)
        if self._own_dir:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where the server is."""
        return self.server.url

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self.server.process is not None
        return self.server.process.pid

    def log_in(self, username: str = OWNER) -> str:
        """The Cookie header of a person; logged in once, for sessions outlive the process."""
        if username not in self.cookies:
            self.cookies[username] = log_in(self.url, username, PASSWORD)
        return self.cookies[username]

    def client(self, username: str = OWNER, **options: object) -> SocketClient:
        """A websocket of a person who is logged in."""
        options.setdefault("ping_interval", None)
        return SocketClient(self.url, self.cookies[username], **options)

    def kill(self) -> None:
        """`kill -9`, and wait for the process to be gone."""
        assert self.server.process is not None
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait(10)

    def restart(self) -> float:
        """Start the server again on the same data; seconds until /healthz was ready."""
        begin = time.monotonic()
        self.server.start()
        return time.monotonic() - begin

    def rss_mib(self) -> float:
        """The server's resident memory in MiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("The kernel does not say how much memory the server has.")

    def errors(self) -> list[str]:
        """The lines of the server's log that tell of an error."""
        lines = self.server.log.read_text(errors="replace").splitlines()
        return [f"the server's log: {line}" for line in lines if " ERROR " in line]

    def log_tail(self, lines: int = 30) -> str:
        """The end of what the server printed."""
        if not self.server.log.exists():
            return ""
        return "\n".join(self.server.log.read_text(errors="replace").splitlines()[-lines:])


@functools.cache
def _furnished() -> Path:
    """A migrated data directory with people, a route and static files, made once per process."""
    import atexit

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
