"""A serving process whose words go to the console, each line behind its name."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO

from tests.serving import ROOT, free_port

READY_SECONDS = 60
# A process tells these with its own port; people come through nginx.
OWN_WORDS = re.compile(r"Toolbench serves at |Nobody has an account yet\.|^\s+http\S+/setup/")


class Trouble(Exception):
    """What stops the start, in words."""


class Serving:
    """A `manage.py serve` whose output goes to the console behind its name."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self._environment = {**environment, "HOST": "127.0.0.1", "PORT": str(free_port())}
        self._ready = threading.Event()
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Where it serves."""
        return int(self._environment["PORT"])

    def start(self) -> None:
        """Start it; returns at once."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,))
        self._reader.start()

    def wait_until_ready(self) -> None:
        """Return when it serves; raises Trouble where it does not."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready.wait(0.1):
            if not self.is_running:
                raise Trouble(f"{self.name} ended while it started; its words are above.")
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name} was not ready within {READY_SECONDS} s.")

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def tell_to_stop(self) -> None:
        """SIGTERM: it drains."""
        if self.process is not None and self.is_running:
            self.process.send_signal(signal.SIGTERM)

    def finish(self, seconds: float) -> None:
        """Wait for its end, which is forced after `seconds`."""
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            say(f"{self.name} did not end within {seconds:g} s and is killed.")
            self.process.kill()
            self.process.wait()
        if self._reader is not None:
            self._reader.join(timeout=5)

    def _read(self, output: IO[str]) -> None:
        for line in output:
            if line.startswith("Toolbench serves at "):
                self._ready.set()
            if not OWN_WORDS.search(line):
                say(f"{self.name} | {line.rstrip()}")


def say(text: str) -> None:
    """A line to the console, whole."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
