"""`manage.py serve` as a process of its own, for tests and proofs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.backing import Store, is_cluster

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "a long pass phrase for tests"
READY_SECONDS = 30
STOP_SECONDS = 15
# What would point a server to somebody's real data, keys or servers.
ELSEWHERE = {
    "HOST",
    "PORT",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "OPENAI_API_KEY",
    "DATABASE_URL",
    "REDIS_URL",
}


@dataclass
class ServerProcess:
    """`manage.py serve` on a free port with a data directory of its own and a superuser."""

    data_dir: Path
    port: int
    extra_environment: dict[str, str] = field(default_factory=dict)
    username: str = "admin"
    password: str = PASSWORD
    process: subprocess.Popen[bytes] | None = None
    log_name: str = "serve.log"
    own_session: bool = False

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.data_dir / self.log_name

    def environment(self) -> dict[str, str]:
        """The variables it runs with: this shell's, without what would point it elsewhere."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TOOLBENCH_", "DJANGO_")) and name not in ELSEWHERE
        }
        return {
            **kept,
            "TOOLBENCH_DATA_DIR": str(self.data_dir),
            "TOOLBENCH_DISCOVER": "false",
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SUPERUSER_USERNAME": self.username,
            "DJANGO_SUPERUSER_PASSWORD": self.password,
            "DJANGO_SUPERUSER_EMAIL": "admin@example.org",
            **(self._store.environment() if self._store else {}),
            **self.extra_environment,
        }

    @property
    def _store(self) -> Store | None:
        """What it stands on in a run on PostgreSQL and Redis, unless its maker says otherwise."""
        if not is_cluster() or "DATABASE_URL" in self.extra_environment:
            return None
        return Store(self.data_dir)

    def manage(self, *arguments: str) -> str:
        """Run a management command on its data; returns what was printed."""
        if arguments[0] == "migrate" and self._store and self._store.migrate():
            return ""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def add_user(self, username: str, password: str = PASSWORD) -> None:
        """One more person, without any right."""
        code = (
            "from django.contrib.auth.models import User; "
            f"User.objects.create_user({username!r}, '{username}@example.org', {password!r})"
        )
        self.manage("shell", "-v", "0", "-c", code)

    def start(self) -> None:
        """Serve; returns when /healthz says so."""
        self.launch()
        self.wait_until_ready()

    def command(self) -> list[str]:
        """What runs."""
        return [sys.executable, "manage.py", "serve"]

    def launch(self) -> None:
        """Serve; returns at once."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=self.own_session,
            )

    def wait_until_ready(self) -> None:
        """Return when /healthz says so."""
        assert self.process is not None
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended early:\n{self.log_tail()}")
            if self.is_ready():
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"Not ready in {READY_SECONDS} s:\n{self.log_tail()}")

    def is_ready(self) -> bool:
        """Whether /healthz says so."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except OSError:
            return False

    def terminate(self) -> None:
        """SIGTERM; returns at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """`kill -9`; returns when the process is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=STOP_SECONDS)

    def log_tail(self, lines: int = 30) -> str:
        """The end of what it printed."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
