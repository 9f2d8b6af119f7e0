"""`make cluster`: PostgreSQL, Redis, two serving processes and nginx, until Ctrl-C."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster.nginx import Nginx
from tests.cluster.part import Part
from tests.cluster.postgres import SYSTEM_USER, PostgresServer
from tests.cluster.prefixed import Serving, Trouble, say
from tests.cluster.programs import ProgramMissing, give_to, install_missing, unprivileged
from tests.cluster.redis import RedisServer
from tests.cluster.signals import sigterm_exits, undisturbed
from tests.serving import ROOT

PROGRAMS = ("postgres", "initdb", "redis-server", "nginx")
DATABASE = "toolbench"
PORT = 8000
PROCESSES = 2
# Beyond the time that running stages get.
DRAIN_SECONDS = 20.0
LINK_CODE = "from chat.first_admin import make_setup_link; print(make_setup_link({url!r}) or '')"


class Development:
    """A cluster on loopback whose data stays in a directory."""

    def __init__(self, data: Path, port: int) -> None:
        self._data = data
        self._port = port
        self._parts: list[Part] = []
        self._processes: list[Serving] = []
        self._environment: dict[str, str] = {}
        self._told: set[str] = set()

    @property
    def url(self) -> str:
        """Where people go."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start all; raises Trouble."""
        refuse_taken(self._port)
        if missing := install_missing(*PROGRAMS, say=say):
            raise ProgramMissing(*missing)
        self._data.mkdir(parents=True, exist_ok=True)
        postgres = self._started(PostgresServer(directory=self._place_for_postgres()))
        redis = self._started(RedisServer())
        assert isinstance(postgres, PostgresServer)
        assert isinstance(redis, RedisServer)
        if not postgres.has_database(DATABASE):
            postgres.create_database(DATABASE)
        self._environment = {
            **os.environ,
            "TOOLBENCH_DATA_DIR": str(self._data),
            "DATABASE_URL": postgres.url(DATABASE),
            "REDIS_URL": redis.url(),
            "HOST": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
        }
        say("Migrating the database and collecting static files …")
        self._manage("migrate", "--verbosity", "0")
        self._manage("collectstatic", "--noinput", "--verbosity", "0")
        for number in range(1, PROCESSES + 1):
            process = Serving(f"serve-{number}", self._environment)
            self._processes.append(process)
            process.start()
        for process in self._processes:
            process.wait_until_ready()
        self._started(Nginx([process.port for process in self._processes], port=self._port))
        self._say_where()

    def watch(self) -> None:
        """Return when no serving process is left; say what ends before that."""
        while any(process.is_running for process in self._processes):
            for part in (*self._processes, *self._parts):
                if not part.is_running and part.name not in self._told:
                    self._told.add(part.name)
                    say(f"{part.name} has ended; the other parts go on. Ctrl-C stops them.")
            time.sleep(0.3)
        say("No serving process is left.")

    def stop(self) -> None:
        """Stop all in order: the serving processes drain, then nginx, Redis and PostgreSQL."""
        if any(process.is_running for process in self._processes):
            say("Stopping: the serving processes drain …")
        for process in self._processes:
            process.tell_to_stop()
        for process in self._processes:
            process.finish(DRAIN_SECONDS + float(os.environ.get("TOOLBENCH_GRACE_SECONDS") or 5))
        some = bool(self._parts)
        while self._parts:
            self._parts.pop().close()
        if some:
            say("All parts have stopped.")

    def _started(self, part: Part) -> Part:
        self._parts.append(part)
        part.start()
        return part

    def _place_for_postgres(self) -> Path:
        place = self._data / "postgres"
        if not place.exists():
            place.mkdir()
            give_to(place, SYSTEM_USER)
        look = unprivileged(["test", "-w", str(place)], SYSTEM_USER)
        if subprocess.run(look, stdin=subprocess.DEVNULL, check=False).returncode:
            raise Trouble(
                f"PostgreSQL refuses to run as root, and the user {SYSTEM_USER} cannot write in "
                f"{place}. Choose another place: TOOLBENCH_DATA_DIR=/var/tmp/toolbench make cluster"
            )
        return place

    def _manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Trouble(f"manage.py {arguments[0]} failed; its words are above.")
        return done.stdout.strip()

    def _say_where(self) -> None:
        ports = " and ".join(str(process.port) for process in self._processes)
        say(f"Data is kept in {self._data}.")
        say(f"Toolbench serves at {self.url}/ through nginx, from ports {ports} (Ctrl-C stops it).")
        link = self._manage("shell", "-v", "0", "-c", LINK_CODE.format(url=self.url))
        if link:
            say(f"Nobody has an account yet. Make the first admin within the hour:\n  {link}")


def refuse_taken(port: int) -> None:
    """Raise Trouble where something listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Trouble(
                f"Port {port} on 127.0.0.1 is taken by another program. Pick another: "
                f"PORT={port + 1} make cluster"
            ) from None


def main() -> int:
    """Start all, wait for the end, stop all; the exit code."""
    data = Path(os.environ.get("TOOLBENCH_DATA_DIR") or ROOT / "var" / "cluster").absolute()
    cluster = Development(data, int(os.environ.get("PORT") or PORT))
    try:
        with sigterm_exits():
            try:
                cluster.start()
                cluster.watch()
            finally:
                with undisturbed():
                    cluster.stop()
    except (Trouble, ProgramMissing) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, SystemExit):
        return 0
    return 1
