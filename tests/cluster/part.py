"""What the parts of a cluster share: a process on a port, in a directory that goes with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.serving import free_port

READY_SECONDS = 60
STOP_SECONDS = 30


class Part(ABC):
    """A server program on 127.0.0.1; a context manager that leaves nothing behind.

    `directory` is kept where the caller gives one; otherwise it is temporary.
    """

    name: str
    stop_signal = signal.SIGTERM

    def __init__(self, *, port: int | None = None, directory: Path | None = None) -> None:
        self.port = port or free_port()
        self._temporary = directory is None
        # Not under pytest's tmp_path: another user must be able to enter it.
        self.directory = directory or Path(tempfile.mkdtemp(prefix=f"toolbench-{self.name}-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.directory / f"{self.name}.log"

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start it; returns when it answers."""
        assert not self.is_running, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C on the console is for whoever stops the parts in order.
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended early:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.name} did not answer:\n{self._log_tail()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in an orderly way; safe to call twice."""
        if self.process is None:
            return
        if self.is_running:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def restart(self) -> None:
        """Stop it and start it again on the same port and data."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """`kill -9` to it and its children; returns when all are gone."""
        if self.process is None:
            return
        family = [self.process.pid, *children_of(self.process.pid)] if self.is_running else []
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while any(lives(pid) for pid in family) and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self) -> None:
        """Stop it, and remove its directory where that was temporary."""
        try:
            self.stop()
        finally:
            if self._temporary:
                shutil.rmtree(self.directory, ignore_errors=True)

    @abstractmethod
    def _command(self) -> list[str]:
        """What runs in the foreground."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it is ready."""

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


def children_of(pid: int) -> list[int]:
    """The direct children of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
