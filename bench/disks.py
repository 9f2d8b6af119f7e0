"""Places for data that can be made to take no more: a full disk, or a PostgreSQL that is gone."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from bench.rig import Rig

TMPFS_MIB = 96


class Disk(Protocol):
    """A place for data that can be made to take no more."""

    kind: str
    outage: str
    data_dir: Path | None

    def fill(self, rig: Rig) -> None:
        """Take all room."""

    def free(self, rig: Rig) -> None:
        """Give it back."""


class StoppedPostgres:
    """A PostgreSQL that is gone for a while: killed, or shut down with its sessions ended."""

    outage = "gone"
    data_dir: Path | None = None

    def __init__(self, *, killed: bool) -> None:
        self.kind = "PostgreSQL, kill -9" if killed else "PostgreSQL, fast shutdown"
        self._killed = killed

    def fill(self, rig: Rig) -> None:
        """End it."""
        postgres = rig.parts.postgres
        if self._killed:
            postgres.kill()
        else:
            postgres.stop()

    def free(self, rig: Rig) -> None:
        """Start it again on the same data."""
        rig.parts.postgres.start()


class SmallDisk:
    """A tmpfs of its own, filled with one file."""

    kind = f"tmpfs of {TMPFS_MIB} MiB"
    outage = "full"

    def __init__(self, directory: Path) -> None:
        self.data_dir: Path | None = directory

    @property
    def _ballast(self) -> Path:
        assert self.data_dir is not None
        return self.data_dir / "ballast"

    def fill(self, rig: Rig) -> None:
        """Write until there is no room for another page."""
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            for size in (1024 * 1024, 4096):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self, rig: Rig) -> None:
        """Remove the file."""
        self._ballast.unlink()


class ShortFiles:
    """Without the right to mount: the server's files may not grow (RLIMIT_FSIZE, set from here)."""

    kind = "file size limit (nothing can be mounted here)"
    outage = "full"
    data_dir: Path | None = None

    def fill(self, rig: Rig) -> None:
        """No file may be written beyond its first 4 KiB."""
        resource.prlimit(rig.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    def free(self, rig: Rig) -> None:
        """Any size again."""
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(rig.pid, resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def small_disk(*, may_mount: bool = True) -> Iterator[Disk]:
    """The best disk that this machine allows us to fill."""
    directory = Path(tempfile.mkdtemp(prefix="toolbench-small-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MIB}m", "tmpfs", str(directory)]
    mounted = (
        may_mount
        and os.geteuid() == 0
        and shutil.which("mount") is not None
        and subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    )
    try:
        yield SmallDisk(directory) if mounted else ShortFiles()
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(directory)], capture_output=True, timeout=10)
        directory.rmdir()
