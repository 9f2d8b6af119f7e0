"""What a sampled stack was for: each belongs to the first rule that its innermost frames meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

Rules = tuple[tuple[str, str], ...]

# A part of a path, and what code there works for.
RULES: Rules = (
    ("/rich/", "other"),
    ("chat/engine/wire/", "parsing"),
    ("chat/engine/http/", "upstream reading"),
    ("chat/engine/openai_client", "upstream reading"),
    ("chat/engine/request_body", "upstream requests"),
    ("chat/engine/client_pool", "upstream requests"),
    ("chat/engine/", "engine"),
    ("/openai/", "upstream reading"),
    ("/httpx2/", "upstream reading"),
    ("/httpcore2/", "upstream reading"),
    ("/h11/", "upstream reading"),
    ("chat/broadcast", "hints between processes"),
    ("chat/remote", "hints between processes"),
    ("/channels_redis/", "hints between processes"),
    ("/redis/", "hints between processes"),
    ("chat/rendering", "rendering"),
    ("chat/live_rendering", "rendering"),
    ("/markdown_it/", "rendering"),
    ("/mdit_py_plugins/", "rendering"),
    ("/pygments/", "rendering"),
    ("chat/journal.py:put", "journal put"),
    ("chat/journal.py:_put_event", "journal put"),
    ("chat/journal.py:_wake", "journal put"),
    ("chat/journal.py:_told", "journal told, frames made"),
    ("chat/stage_log", "journal told, frames made"),
    ("chat/frames", "journal told, frames made"),
    ("chat/journal", "journal"),
    ("chat/projection", "journal"),
    ("chat/pending", "journal put"),
    ("chat/delivery", "websocket sending"),
    ("chat/hub", "websocket sending"),
    ("chat/consumers", "websocket sending"),
    ("toolbench_site/server", "websocket sending"),
    ("toolbench_site/uvicorn_server", "websocket sending"),
    ("toolbench_site/text_frames", "websocket sending"),
    ("/daphne/", "websocket sending"),
    ("/autobahn/", "websocket sending"),
    ("/uvicorn/", "websocket sending"),
    ("/websockets/", "websocket sending"),
    ("/twisted/", "websocket sending"),
    ("chat/leases", "leases and starts"),
    ("chat/services/", "leases and starts"),
    ("chat/runner", "runner"),
)
# What lies outside of these frames only runs the loop.
LOOP = (
    "asyncio/events.py:_run",
    "asyncio/base_events.py:",
    "asyncio/runners.py:",
    "uvicorn/server.py:run",
)
JOURNAL_RULES: Rules = (
    ("chat/pending", "journal thread: encoding"),
    ("chat/frames", "journal thread: encoding"),
    ("chat/stage_log", "journal thread: encoding"),
    ("/transaction.py:__exit__", "journal thread: commit"),
    ("/transaction.py:__enter__", "journal thread: begin"),
    ("chat/projection.py:take_fence", "journal thread: fence"),
    ("chat/projection.py:insert_rows", "journal thread: insert"),
    ("chat/projection.py", "journal thread: rows"),
    ("chat/journal", "journal thread: waiting and telling"),
)


def group_of(thread: str, stack: Sequence[str]) -> str:
    """What a stack (innermost place first) was for."""
    if thread.startswith("database"):
        return "database pool: starts, reads, leases"
    is_journal = thread.startswith("journal")
    rules = JOURNAL_RULES if is_journal else RULES
    for place in stack:
        if any(part in place for part in LOOP):
            break
        for part, group in rules:
            if part in place:
                return group
    if is_journal:
        return "journal thread: other"
    return "event loop" if thread == "MainThread" else "other"


def shares(samples: Iterable[Sequence[Any]]) -> dict[str, float]:
    """Each group's part of all samples, largest first."""
    found: Counter[str] = Counter()
    for thread, stack, count in samples:
        found[group_of(thread, stack)] += count
    total = sum(found.values()) or 1
    return {group: count / total for group, count in found.most_common()}


def hottest(samples: Iterable[Sequence[Any]], most: int = 15) -> list[tuple[str, float]]:
    """The innermost places that used most, with their part of all samples."""
    found: Counter[str] = Counter()
    for thread, stack, count in samples:
        if stack:
            found[f"{thread.rstrip('0123456789_-')} {_short(stack[0])}"] += count
    total = sum(found.values()) or 1
    return [(place, count / total) for place, count in found.most_common(most)]


def _short(place: str) -> str:
    return "/".join(place.split("/")[-3:])
