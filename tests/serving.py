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

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "a long pass phrase for tests"
READY_SECONDS = 30


@dataclass
class ServerProcess:
    """`manage.py serve` on a free port with a data directory of its own and a superuser."""

    data_dir: Path
    port: int
    extra_environment: dict[str, str] = field(default_factory=dict)
    username: str = "admin"
    password: str = PASSWORD
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.data_dir / "serve.log"

    def environment(self) -> dict[str, str]:
        """The variables it runs with: this shell's, without what would point it elsewhere."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TOOLBENCH_", "DJANGO_"))
            and name not in {"HOST", "PORT", "SECRET_KEY", "ALLOWED_HOSTS", "OPENAI_API_KEY"}
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
            **self.extra_environment,
        }

    def manage(self, *arguments: str) -> str:
        """Run a management command on its data; returns what was printed."""
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
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended early:\n{self.log.read_text()}")
            if self.is_ready():
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"Not ready in {READY_SECONDS} s:\n{self.log.read_text()}")

    def is_ready(self) -> bool:
        """Whether /healthz says so."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except OSError:
            return False

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=15)


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
