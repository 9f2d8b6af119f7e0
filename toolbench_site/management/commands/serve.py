"""`manage.py serve`: the one way to serve Toolbench."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

M_ARENA_MAX = -8
"""The number of this option in glibc's malloc.h."""


class Command(BaseCommand):
    """Serve pages, sockets and stages on HOST and PORT until SIGTERM or Ctrl-C."""

    help = "Serve Toolbench on HOST:PORT (default 127.0.0.1:8000)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Check what serving needs, then serve."""
        host = settings.TOOLBENCH_HOST
        port = settings.TOOLBENCH_PORT or free_port(host)
        data_dir = Path(settings.DATA_DIR)
        share_arenas()
        lock = hold_data_directory(data_dir) if serves_alone() else None
        refuse_taken_port(host, port)
        refuse_unmigrated()
        collect_static_files(data_dir)
        from toolbench_site.asgi import application
        from toolbench_site.start import Start

        start = Start(self.stdout, host, port)
        start.prepare()
        server = server_class(settings.TOOLBENCH_SERVER)(
            application, host=host, port=port, started=start.started, drain=start.drain
        )
        server.run()
        if lock is not None:
            lock.close()
        if server.failure:
            raise CommandError(f"Toolbench could not serve on {host}:{port}. {server.failure}")


def share_arenas() -> None:
    """Have threads share two arenas of memory, where the C library is glibc.

    By default it gives each thread its own, and the database's threads of a process on PostgreSQL
    kept 40 MiB that way. Called before there are threads.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def serves_alone() -> bool:
    """Without Redis, processes hear nothing of each other, so one alone may serve."""
    backend: str = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    return backend == "channels.layers.InMemoryChannelLayer"


def server_class(name: str) -> Any:
    """The class of a server; only the one that serves is imported.

    The first import of Daphne installs the reactor, so it comes no sooner than needed.
    """
    if name == "uvicorn":
        from toolbench_site.uvicorn_server import UvicornServer

        return UvicornServer
    from toolbench_site.server import DrainingServer

    return DrainingServer


def collect_static_files(data_dir: Path) -> None:
    """Collect them on the first start; of several processes that start at once, one does."""
    collected = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if collected.exists():
        return
    data_dir.mkdir(parents=True, exist_ok=True)
    with open(data_dir / "static.lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not collected.exists():
            call_command("collectstatic", interactive=False, verbosity=0)


def hold_data_directory(data_dir: Path) -> IO[str]:
    """Lock the data directory: SQLite and in-process layers allow one serving process."""
    data_dir.mkdir(parents=True, exist_ok=True)
    handle = open(data_dir / "serve.lock", "a+")  # noqa: SIM115
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise CommandError(
            f"Another `manage.py serve` uses the data in {data_dir}. Stop it, or choose another "
            "directory with TOOLBENCH_DATA_DIR."
        ) from None
    return handle


def refuse_taken_port(host: str, port: int) -> None:
    """Say in words that a port is taken, and the line that picks another."""
    if not _is_taken(host, port):
        return
    other = next((p for p in range(port + 1, port + 50) if not _is_taken(host, p)), port + 1)
    raise CommandError(
        f"Port {port} on {host} is taken by another program. Pick another: PORT={other} make run"
    )


def refuse_unmigrated() -> None:
    """A database that does not fit the code would fail on the first request."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError(
            "The database does not fit this version yet. Run `make run`, or "
            f"`{Path(sys.argv[0]).name} migrate` and then serve again."
        )


def free_port(host: str) -> int:
    """A port that nothing listens on, for PORT=0."""
    with socket.create_server((host.strip("[]"), 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _is_taken(host: str, port: int) -> bool:
    family, kind, _, _, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM
    )[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return True
    return False
