"""`manage.py serve` with a window: SIGUSR1 writes what the journal has counted.

`python -m bench.profiled_serve COUNTS.json [PROFILE.pstats]`; with a second path the main thread
runs under cProfile, and the profile is written when the server stops. For measurements only.
"""

from __future__ import annotations

import cProfile
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path


def write_counts(path: Path) -> None:
    """The journal's commits and each thread's CPU so far; no reader sees half a file."""
    from chat import runner

    cpu = {thread.name: cpu_seconds(thread.native_id) for thread in threading.enumerate()}
    counts = {"commits": runner.current().journal.commits, "threads": cpu}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(counts))
    part.rename(path)


def cpu_seconds(thread_id: int | None) -> float:
    """CPU that a thread of this process has used."""
    stat = Path(f"/proc/self/task/{thread_id}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Serve until told to stop."""
    counts = Path(sys.argv[1])
    profile = sys.argv[2] if len(sys.argv) > 2 else None
    signal.signal(signal.SIGUSR1, lambda *_: write_counts(counts))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toolbench_site.settings")
    from django.core.management import execute_from_command_line

    if profile is None:
        execute_from_command_line(["manage.py", "serve"])
        return
    profiler = cProfile.Profile(time.thread_time)
    try:
        profiler.runcall(execute_from_command_line, ["manage.py", "serve"])
    finally:
        profiler.dump_stats(profile)


if __name__ == "__main__":
    main()
