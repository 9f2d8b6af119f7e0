"""An installation after docs/production.md, in a directory of its own instead of under /."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.production.document import text_of
from tests.production.units import Unit
from tests.serving import ELSEWHERE, PASSWORD, ROOT

STEP_SECONDS = 180
FOREIGN = ("TOOLBENCH_", "DJANGO_", "PG", "MAKE")
# The packages and assets of this checkout are taken as they are: a test needs no internet.
MAKE = "make -o .venv/.requirements -o .stamps/fonts -o build/assets/.built"


class Installation:
    """Runs the guide's blocks; everything it started and wrote goes when the context is left.

    What is put in other words than the guide's is in `_places`, and nowhere else; the version that
    serves is this checkout.
    """

    def __init__(self, postgres_port: int = 0, redis_port: int = 0) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="toolbench-guide-"))
        # nginx reads its certificate as another user.
        self.root.chmod(0o755)
        self.ports = (lasting_port(), lasting_port())
        self._postgres_port = postgres_port
        self._redis_port = redis_port
        self.units_directory = self.root / "etc" / "systemd" / "system"
        self._programs = self.root / "usr" / "local" / "bin"
        for directory in (
            self.units_directory,
            self._programs,
            self.root / "srv" / "toolbench",
            self.root / "var" / "lib" / "toolbench",
            self.root / "var" / "backups",
        ):
            directory.mkdir(parents=True)
        (self.root / "srv" / "toolbench" / "current").symlink_to(ROOT)
        (self.root / "srv" / "toolbench" / ".venv").symlink_to(ROOT / ".venv")
        systemctl = self._programs / "systemctl"
        systemctl.write_text(
            f"#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m tests.production.units "
            f'{self.units_directory} "$@"\n'
        )
        systemctl.chmod(0o755)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shell(f"systemctl stop toolbench@{self.ports[0]} toolbench@{self.ports[1]}")
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def _places(self) -> dict[str, str]:
        """What the guide says, and what it is here."""
        return {
            # Everything lies below one directory, and the person who runs the test plays all parts.
            "/srv/": f"{self.root}/srv/",
            "/etc/": f"{self.root}/etc/",
            "/var/": f"{self.root}/var/",
            "/usr/local/bin/": f"{self.root}/usr/local/bin/",
            "runuser -u postgres -- ": "",
            "runuser -u toolbench -- ": "",
            # Other people's servers may have the usual ports.
            "127.0.0.1:5432": f"127.0.0.1:{self._postgres_port}",
            "127.0.0.1:6379": f"127.0.0.1:{self._redis_port}",
            "8001": str(self.ports[0]),
            "8002": str(self.ports[1]),
            "toolbench.example.org": "localhost",
            # Nobody is asked, and nothing is fetched.
            "make setup": f"{MAKE} setup",
            "createsuperuser": "createsuperuser --noinput",
        }

    def fill(self, name: str, more: Mapping[str, str] | None = None) -> str:
        """The guide's text under a name with this place's names in it."""
        places = {**self._places, **(more or {})}
        longest_first = sorted(places, key=len, reverse=True)
        pattern = re.compile("|".join(map(re.escape, longest_first)))
        return pattern.sub(lambda found: places[found.group()], text_of(name))

    def run(self, name: str, more: Mapping[str, str] | None = None) -> str:
        """Run a block as root's shell would; what it printed."""
        return self.shell(self.fill(name, more))

    def shell(self, script: str) -> str:
        """Run a script; what it printed. A command that fails fails the test."""
        with self.begin(script) as process:
            printed, wrong = process.communicate(timeout=STEP_SECONDS)
        assert process.returncode == 0, f"{script}\n--- printed\n{printed}\n--- said\n{wrong}"
        return printed

    def begin(self, script: str) -> subprocess.Popen[str]:
        """Start a script; its process."""
        return subprocess.Popen(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self, port: int) -> None:
        """Return when the process on a port answers."""
        self.shell(
            f"until curl -fs -o /dev/null http://127.0.0.1:{port}/healthz; do sleep 0.1; done"
        )

    def logs(self) -> str:
        """The ends of what the processes printed."""
        units = [self.unit(port) for port in self.ports]
        return "\n".join(
            f"--- {unit.name}, running: {unit.runs}\n{unit.log_tail()}" for unit in units
        )

    def unit(self, port: int) -> Unit:
        """The unit of the process on a port."""
        return Unit(self.units_directory, f"toolbench@{port}")

    @property
    def settings(self) -> dict[str, str]:
        """The lines of the environment file."""
        lines = (self.root / "etc" / "toolbench.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def database_url(self) -> str:
        """What the processes use."""
        return self.settings["DATABASE_URL"]

    def restored_url(self) -> str:
        """The database of the guide's restore, for the same role."""
        return urlsplit(self.database_url)._replace(path="/toolbench_restored").geturl()

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TOOLBENCH_", "DJANGO_", "PG", "MAKE"))
            and name not in ELSEWHERE
        }
        return {
            **kept,
            "PATH": f"{self._programs}:{os.environ['PATH']}:/usr/sbin:/sbin",
            "CURL_CA_BUNDLE": str(self.root / "certificate.pem"),
            # Where `runuser -u postgres` finds its server, and as whom.
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self._postgres_port),
            "PGUSER": "postgres",
            "PGDATABASE": "postgres",
            # What createsuperuser would ask.
            "DJANGO_SUPERUSER_USERNAME": "admin",
            "DJANGO_SUPERUSER_EMAIL": "admin@example.org",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }


def lasting_port() -> int:
    """A free port that nobody is given by chance while its process is stopped.

    The kernel hands out the higher ones to whoever asks for any.
    """
    while True:
        port = secrets.choice(range(20_000, 30_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
