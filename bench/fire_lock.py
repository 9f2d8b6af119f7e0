"""The database is locked by another process while many stages stream."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from bench.layout import SINGLE, Layout
from bench.report import Report
from bench.rig import ROUTE, Rig
from bench.stored import Database, StoredStage
from bench.viewers import Viewer, check_stages, start_stages, two_viewers
from tests.sockets import SocketClient

HELD_LIMIT = 256 * 1024
ONE_READ = 64 * 1024
"""The engine is held back between two reads of the upstream, so one may come on top."""
FAST_PIECE = 2048
FAST_PER_SECOND = 60
"""120 KiB a second: more in 10 s than may wait."""
MOMENT_BEFORE = 2.0
MOMENT_AFTER = 3.0


def prove(streams: int = 20, lock_seconds: float = 10, layout: Layout = SINGLE) -> Report:
    """So many streams while another process holds the database for so long."""
    report = Report(
        f"The journal under fire: database locked for {lock_seconds:g} s during {streams} streams; "
        f"{layout}"
    )
    with Rig(layout=layout) as rig:
        rig.log_in()
        asyncio.run(_run(rig, streams, lock_seconds, report))
    return report


def hold_lock(url: str, told: Connection) -> None:
    """Hold the database until told to let go; runs in a process of its own."""
    database = Database(url)
    connection = database.connect(write=True)
    database.lock(connection)
    told.send("locked")
    told.recv()
    connection.execute("ROLLBACK")
    told.send("free")
    connection.close()


async def _run(rig: Rig, streams: int, lock_seconds: float, report: Report) -> None:
    seconds = lock_seconds + MOMENT_BEFORE + MOMENT_AFTER
    fast_count = max(1, streams // 10)
    fast = f"text {int(FAST_PER_SECOND * seconds)} {FAST_PER_SECOND} {FAST_PIECE}"
    plain = f"text {int(20 * seconds)} 20"
    starts: list[tuple[str, dict[str, Any]]] = [
        ("fast" if number < fast_count else "plain", {"mode": "chat", "prompt": prompt})
        for number in range(streams)
        for prompt in (fast if number < fast_count else plain,)
    ]
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    holder = multiprocessing.get_context("spawn").Process(
        target=hold_lock, args=(rig.database.url, theirs), daemon=True
    )
    async with two_viewers(rig) as (starter, tab):
        stage_ids = await start_stages(starter, tab, starts)
        await asyncio.sleep(MOMENT_BEFORE)
        memory_before = rig.rss_mib()
        holder.start()
        # So that a holder that dies is noticed.
        theirs.close()
        await asyncio.to_thread(ours.recv)
        locked, locked_at = datetime.now(UTC), time.monotonic()
        late = asyncio.create_task(_commands_meanwhile(rig, stage_ids[-1]))
        await asyncio.sleep(lock_seconds)
        memory_locked = rig.rss_mib()
        freed, freed_at = datetime.now(UTC), time.monotonic()
        ours.send("let go")
        for viewer in (starter, tab):
            ended = await viewer.until_all_end(stage_ids, 120)
            report.promise(ended, "a viewer did not get every end")
        commands = await late
        holder.join(10)
        lost = check_stages(rig, stage_ids, (starter, tab), report)
        kinds: dict[str, list[tuple[StoredStage, list[float]]]] = {"fast": [], "plain": []}
        for (kind, start), stage_id in zip(starts, stage_ids, strict=True):
            stored = rig.database.stage(stage_id)
            whole = stored.text.count("·") == int(start["prompt"].split()[1])
            report.promise(stored.status == "done" and whole, f"{kind} {stage_id}: text is missing")
            held = _text_between(stored, locked, freed)
            report.promise(
                held <= HELD_LIMIT + ONE_READ, f"{kind}: {held // 1024} KiB waited, not 256"
            )
            told = any(stage_id in viewer.unavailable for viewer in (starter, tab))
            report.promise(not told, f"{kind}: a viewer was told unavailable")
            gaps = [
                _events_between(viewer, stage_id, locked_at, freed_at) for viewer in (starter, tab)
            ]
            back = [_first_after(viewer, stage_id, freed_at) for viewer in (starter, tab)]
            kinds[kind].append((stored, [held / 1024, max(gaps), max(back), lost[stage_id]]))
    report.table(
        (
            "streams",
            "n",
            "ended done",
            "waiting at most, KiB",
            "seen while locked",
            "back after s",
            "lost",
        ),
        [
            (
                kind,
                len(found),
                sum(stored.status == "done" for stored, _ in found),
                f"{max(figures[0] for _, figures in found):.0f}",
                int(max(figures[1] for _, figures in found)),
                f"{max(figures[2] for _, figures in found):.2f}",
                int(sum(figures[3] for _, figures in found)),
            )
            for kind, found in kinds.items()
            if found
        ],
    )
    report.line(
        f"Server memory before {memory_before:.0f} MiB, at the end of the lock "
        f"{memory_locked:.0f} MiB."
    )
    for what, answer in commands.items():
        report.line(f"{what} while locked: {answer}")


async def _commands_meanwhile(rig: Rig, stage_id: str) -> dict[str, str]:
    """What a ping, a subscription and a start get while nothing can be written."""
    answers = {}
    async with rig.client() as client, rig.client() as other:
        # On a socket of its own: PostgreSQL's lock holds up readers, and so what comes after them.
        starting = asyncio.create_task(_start_meanwhile(other))
        for what, command, reply in (
            ("ping", {"type": "ping"}, "pong"),
            ("subscribe", {"type": "stage.subscribe", "stage_id": stage_id}, "subscribed"),
        ):
            begin = time.monotonic()
            await client.send(**command)
            await client.reply(reply)
            answers[what] = f"{reply} after {(time.monotonic() - begin) * 1000:.0f} ms"
        answers["start"] = await starting
        await client.until_end(stage_id, 120)
    return answers


async def _start_meanwhile(client: SocketClient) -> str:
    begin = time.monotonic()
    answer = await client.start("text 3", model_route=ROUTE)
    said = f"{answer['type']} {answer.get('code', '')}".strip()
    return f"{said} after {time.monotonic() - begin:.1f} s"


def _text_between(stored: StoredStage, begin: datetime, end: datetime) -> int:
    """Bytes of text that the engine handed over between two moments, by the events' own times."""
    first, last = (moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z" for moment in (begin, end))
    return sum(
        len(event["data"].get("content", ""))
        for event in stored.events
        if first <= event["ts"] <= last
    )


def _events_between(viewer: Viewer, stage_id: str, begin: float, end: float) -> int:
    # What was committed a moment before the lock may still be on its way.
    return sum(begin + 0.25 <= moment < end for moment in viewer.arrivals[stage_id])


def _first_after(viewer: Viewer, stage_id: str, moment: float) -> float:
    return min((at - moment for at in viewer.arrivals[stage_id] if at >= moment), default=-1.0)
