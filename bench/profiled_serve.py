"""`manage.py serve` with a window: SIGUSR1 writes what the process has counted so far.

`python -m bench.profiled_serve COUNTS.json [--sample]`; with `--sample` its threads are sampled by
the CPU they use (bench.sampling). For measurements only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import re
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import Any

from bench.costs import TICKS
from bench.sampling import Sampler

OURS = ("chat", "tools", "toolbench_site")
DEPTH = 5
SIZED = (dict, set, list, deque)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


def counts(sampler: Sampler | None) -> dict[str, Any]:
    """Commits, threads, tasks, and how much the process's own containers hold."""
    # Asked by a signal, perhaps in the midst of an import: nothing may be imported here.
    process: Any = getattr(sys.modules.get("chat.lifecycle"), "_process", None)
    if process is None:
        return {"commits": 0, "threads": {}, "tasks": {}, "containers": {}, "samples": []}
    if sampler is not None:
        sampler.look_for_threads()
    return {
        "commits": process.runner.journal.commits,
        "threads": {thread.name: thread_cpu(thread) for thread in threading.enumerate()},
        "tasks": tasks(),
        "containers": dict(sorted(containers(process))),
        "objects": len(gc.get_objects()),
        "samples": sampler.as_lines() if sampler is not None else [],
    }


def thread_cpu(thread: threading.Thread) -> float:
    """CPU that a thread of this process has used."""
    try:
        stat = Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2]
    except OSError:
        return 0.0
    fields = stat.split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def tasks() -> dict[str, int]:
    """The tasks that are not done, by name without the ids in it."""
    # Run by a signal, so perhaps outside any task; the loop is the running one all the same.
    loop = asyncio._get_running_loop()
    found = Counter(
        _ID.sub("#", task.get_name().removeprefix("Task-")) for task in asyncio.all_tasks(loop)
    )
    return dict(sorted(found.items()))


def containers(process: object) -> Iterator[tuple[str, int]]:
    """The sizes of what our modules and the parts of the process hold, by name."""
    for name, module in sys.modules.copy().items():
        if name.partition(".")[0] not in OURS:
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, SIZED) and not key.isupper() and not key.startswith("__"):
                yield f"{name}.{key}", len(value)
            elif isinstance(value, _lru_cache_wrapper) and value.__module__ == name:
                yield f"{name}.{key} (cache)", value.cache_info().currsize
    yield from _held_by(process, "process", DEPTH, set())


def _held_by(thing: object, path: str, depth: int, seen: set[int]) -> Iterator[tuple[str, int]]:
    if id(thing) in seen or not depth:
        return
    seen.add(id(thing))
    names = list(getattr(thing, "__dict__", ()))
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    for name in names:
        value = getattr(thing, name, None)
        if isinstance(value, SIZED):
            yield f"{path}.{name}", len(value)
        elif type(value).__module__.partition(".")[0] in OURS:
            yield from _held_by(value, f"{path}.{name}", depth - 1, seen)


def write(path: Path, found: dict[str, Any]) -> None:
    """Write it so that no reader sees half a file."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found))
    part.rename(path)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", type=Path)
    parser.add_argument("--sample", action="store_true")
    arguments = parser.parse_args()
    sampler = Sampler() if arguments.sample else None
    signal.signal(signal.SIGUSR1, lambda *_: write(arguments.counts, counts(sampler)))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toolbench_site.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(["manage.py", "serve"])
    finally:
        if sampler is not None:
            sampler.stop()


if __name__ == "__main__":
    main()
