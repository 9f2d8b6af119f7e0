"""A PostgreSQL of one's own."""

from __future__ import annotations

import atexit
import functools
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests.cluster.part import Part
from tests.cluster.programs import give_to, program, unprivileged
from tests.databases import create_database, drop_database, execute, has_database

SUPERUSER = "toolbench"
SYSTEM_USER = "postgres"
MAX_CONNECTIONS = 300
INITDB_SECONDS = 120


class PostgresServer(Part):
    """A PostgreSQL on loopback, without passwords; `fsync=False` where durability is no matter."""

    name = "postgres"
    # Fast shutdown: sessions are ended, what was committed is written.
    stop_signal = signal.SIGINT

    def __init__(
        self,
        *,
        fsync: bool = True,
        port: int | None = None,
        directory: Path | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        program("postgres")
        super().__init__(port=port, directory=directory)
        self._fsync = fsync
        self._max_connections = max_connections

    def url(self, database: str = "postgres") -> str:
        """The DATABASE_URL of a database."""
        return f"postgres://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.directory / "data"

    def start(self) -> None:
        """Start it, with a new data directory where there is none; returns when it answers."""
        if not (self.data / "PG_VERSION").exists():
            self._make_data()
        super().start()

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database, as a copy of another where one is named; its DATABASE_URL."""
        create_database(self.url(), name, template)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending its sessions."""
        drop_database(self.url(), name)

    def has_database(self, name: str) -> bool:
        """Whether there is a database of that name."""
        return has_database(self.url(), name)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement outside a transaction; its rows, if it has any."""
        return execute(self.url(database), statement)

    def _make_data(self) -> None:
        give_to(self.directory, SYSTEM_USER)
        # A copy keeps owner and rights, as PostgreSQL insists.
        copied = subprocess.run(["cp", "-a", str(new_data()), str(self.data)], check=False)
        if copied.returncode:
            raise RuntimeError(f"PostgreSQL's data could not be put in {self.data}.")

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": self._max_connections,
            "fsync": "on" if self._fsync else "off",
            "synchronous_commit": "on" if self._fsync else "off",
            "full_page_writes": "on" if self._fsync else "off",
            "log_min_messages": "warning",
            "timezone": "UTC",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return unprivileged([program("postgres"), "-D", str(self.data), *options], SYSTEM_USER)

    def _answers(self) -> bool:
        try:
            execute(self.url(), "SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@functools.cache
def new_data() -> Path:
    """A data directory as initdb makes it, made once per process and copied from then on."""
    directory = Path(tempfile.mkdtemp(prefix="toolbench-initdb-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    give_to(directory, SYSTEM_USER)
    data = directory / "data"
    options = ["-U", SUPERUSER, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    command = [program("initdb"), "-D", str(data), *options]
    done = subprocess.run(
        unprivileged(command, SYSTEM_USER),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INITDB_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")
    return data
