"""What processes cost: CPU to the nanosecond and memory, as the kernel counts them."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
_SCHED_CLOCK = 2


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its threads that have ended included."""
    # The clock of another process, as clock_getcpuclockid(3) makes it.
    return time.clock_gettime((~pid << 3) | _SCHED_CLOCK)


def family_cpu_seconds(pid: int) -> float:
    """The same of a process and its direct children, those that it has already waited for too."""
    total = 0.0
    with suppress(OSError):
        total = cpu_seconds(pid)
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[13]) + int(fields[14])) / TICKS
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                with suppress(OSError):
                    total += cpu_seconds(int(child))
    return total


def resident_mib(pid: int) -> float:
    """Memory that a process holds now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("The kernel does not say how much memory the process has.")


def open_files(pid: int) -> dict[str, int]:
    """The file handles of a process by kind: sockets, pipes, anonymous ones, files by name."""
    kinds: dict[str, int] = {}
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            target = os.readlink(handle)
            kind = target.split(":", 1)[0] if not target.startswith("/") else Path(target).name
            kinds[kind] = kinds.get(kind, 0) + 1
    return dict(sorted(kinds.items()))
