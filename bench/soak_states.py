"""What a serving process holds at one moment, and what has leaked between two quiet ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.costs import open_files
from bench.setups import MeasuredServer

MEMORY_ROOM_MIB = 20.0
"""What allocators keep and caches fill between two quiet states."""
FILES_ROOM = 12
"""Connections that pools keep: database, Redis, model servers."""
OBJECTS_ROOM = 20_000
CONTAINERS_ROOM = 3
POOLS = ("database", "rendering", "asyncio", "tools", "blocking", "pool", "ThreadPoolExecutor")
"""Threads of pools that are bounded and start their threads as they are needed."""
CACHES = ("(cache)", "_cache", "cache_", "seen_ids")
"""Containers that hold what may be forgotten, each with a bound of its own."""


@dataclass(frozen=True)
class State:
    """A serving process at one moment."""

    pid: int
    resident_mib: float
    files: dict[str, int]
    tasks: dict[str, int]
    threads: dict[str, float]
    containers: dict[str, int]
    objects: int

    @classmethod
    def of(cls, server: MeasuredServer) -> State:
        """As it is now."""
        counts = server.counts()
        return cls(
            server.pid,
            server.resident_mib(),
            open_files(server.pid),
            counts["tasks"],
            counts["threads"],
            counts["containers"],
            counts.get("objects", 0),
        )

    @property
    def sockets(self) -> int:
        """Websockets that are open."""
        return self.containers.get("process.sockets._live", 0)


@dataclass(frozen=True)
class Change:
    """Something of which there is more than before."""

    what: str
    first: float
    last: float
    is_leak: bool
    why: str = ""

    def __str__(self) -> str:
        told = f"{self.what}: {self.first:g} to {self.last:g}"
        return f"{told} ({self.why})" if self.why else told


def compare(first: State, last: State, stages: int) -> list[Change]:
    """What has grown between two quiet states of one process, `stages` ended in between; leaks
    first."""
    found = [*_memory(first, last, stages), *_files(first, last)]
    found += _grown("tasks", first.tasks, last.tasks, room=0)
    found += _threads(first, last)
    found += _containers(first, last)
    return sorted(found, key=lambda change: not change.is_leak)


def _memory(first: State, last: State, stages: int) -> Iterator[Change]:
    grown = last.resident_mib - first.resident_mib
    if grown > 0:
        room = f"{MEMORY_ROOM_MIB:g} MiB are room for caches and the allocator"
        yield Change(
            "memory in MiB",
            round(first.resident_mib, 1),
            round(last.resident_mib, 1),
            grown > MEMORY_ROOM_MIB,
            room,
        )
    objects = last.objects - first.objects
    if objects > 0:
        is_leak = objects > max(OBJECTS_ROOM, stages)
        why = f"{stages} stages ended in between"
        yield Change("objects", first.objects, last.objects, is_leak, why)


def _files(first: State, last: State) -> Iterator[Change]:
    before, after = sum(first.files.values()), sum(last.files.values())
    kinds = ", ".join(
        f"{kind} {first.files.get(kind, 0)} to {count}"
        for kind, count in last.files.items()
        if count > first.files.get(kind, 0)
    )
    if after > before:
        why = f"pools may keep {FILES_ROOM}; {kinds}"
        yield Change("file handles", before, after, after - before > FILES_ROOM, why)


def _grown(
    about: str, first: Mapping[str, int], last: Mapping[str, int], *, room: int
) -> Iterator[Change]:
    for name, count in last.items():
        if count > first.get(name, 0):
            is_leak = count - first.get(name, 0) > room
            yield Change(f"{about} {name}", first.get(name, 0), count, is_leak)


def _threads(first: State, last: State) -> Iterator[Change]:
    before, after = _by_pool(first.threads), _by_pool(last.threads)
    for change in _grown("threads", before, after, room=0):
        name = change.what.removeprefix("threads ")
        if name.startswith(POOLS):
            yield Change(change.what, change.first, change.last, False, "a bounded pool")
        else:
            yield change


def _containers(first: State, last: State) -> Iterator[Change]:
    for change in _grown("entries of", first.containers, last.containers, room=CONTAINERS_ROOM):
        if any(word in change.what for word in CACHES):
            yield Change(change.what, change.first, change.last, False, "a bounded cache")
        else:
            yield change


def _by_pool(threads: Mapping[str, float]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in threads:
        pool = name.rstrip("0123456789").rstrip("_-")
        found[pool] = found.get(pool, 0) + 1
    return found
