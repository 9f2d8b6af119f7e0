"""Does for the guide's units what systemd would.

`python -m tests.production.units DIRECTORY start UNIT …`; DIRECTORY holds the unit files and gets a
file with the process id, and a log, for each unit.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path


class Unit:
    """A unit and its process; a template's instance is named `name@instance`."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name.removesuffix(".service")
        stem, at, self.instance = self.name.partition("@")
        self.file = directory / f"{stem}{at}.service"
        self.pid_file = directory / f"{self.name}.pid"
        self.log = directory / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The process started last."""
        return int(self.pid_file.read_text())

    @property
    def runs(self) -> bool:
        """Whether it lives; one that waits for its parent to take note of its end does not."""
        try:
            status = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return status.rpartition(")")[2].split()[0] != "Z"

    def log_tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def mapped_files(self) -> str:
        """What its process has loaded, as the kernel lists it."""
        return Path(f"/proc/{self.pid}/maps").read_text()

    def service(self, key: str) -> list[str]:
        """The values of a key of the section [Service]."""
        section, values = "", defaultdict(list)
        for line in self.file.read_text().splitlines():
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and not line.startswith("#"):
                name, _, value = line.partition("=")
                values[name].append(value.replace("%i", self.instance))
        return values[key]

    def environment(self) -> dict[str, str]:
        """What systemd gives a process: nothing of the shell's."""
        pairs = [pair for line in self.service("Environment") for pair in shlex.split(line)]
        for name in self.service("EnvironmentFile"):
            pairs += [line for line in Path(name).read_text().splitlines() if "=" in line]
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "LANG": "C.UTF-8", **dict(pair.split("=", 1) for pair in pairs)}

    def start(self) -> None:
        """Run ExecStart; returns at once, as for Type=simple."""
        if self.runs:
            return
        (command,) = self.service("ExecStart")
        (directory,) = self.service("WorkingDirectory")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=directory,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid_file.write_text(str(process.pid))

    def begin_stop(self) -> None:
        """Send KillSignal."""
        if self.runs:
            (number,) = self.service("KillSignal")
            os.kill(self.pid, signal.Signals[number])

    def wait_stopped(self) -> None:
        """Return when it is gone; it is killed after TimeoutStopSec."""
        if not self.runs:
            return
        (seconds,) = self.service("TimeoutStopSec")
        deadline = time.monotonic() + float(seconds)
        while self.runs:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise TimeoutError(f"{self.name} had to be killed")
            time.sleep(0.05)


def main(directory: str, command: str, *arguments: str) -> None:
    """What the guide asks of systemctl."""
    units = [Unit(Path(directory), name) for name in arguments if not name.startswith("-")]
    if command in {"stop", "restart"}:
        for unit in units:
            unit.begin_stop()
        for unit in units:
            unit.wait_stopped()
    if command in {"start", "restart"} or "--now" in arguments:
        for unit in units:
            unit.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
