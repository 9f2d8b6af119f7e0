"""Which processes run stages on this data directory, where no Redis tells them of each other.

A serving process without neighbours ends, as it starts, all stages that it finds running: nobody
can be at work on them. A command that runs stages beside it holds a lock meanwhile; then their
leases tell which are lost, as they do between several serving processes.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


@contextmanager
def runs_stages_beside() -> Iterator[None]:
    """Hold the lock of a process that runs stages beside others; any number may."""
    with _lock_file().open("a+") as lock:
        # Waits only for a serving process that is just ending lost stages.
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextmanager
def kept_out() -> Iterator[bool]:
    """Whether no other process runs stages here; none can begin to until the block ends."""
    with _lock_file().open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _lock_file() -> Path:
    directory = Path(settings.DATA_DIR)
    directory.mkdir(parents=True, exist_ok=True)
    return directory / "stages.lock"
