"""One bad row among many stages: first a single row that is refused, then every row of a stage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bench.layout import SINGLE, Layout
from bench.report import Report
from bench.rig import ROUTE, Rig
from bench.stored import key_of
from bench.viewers import Viewer, check_stages, start_stages, two_viewers

STREAM_SECONDS = 6
LEASE_AND_REAP_SECONDS = 20


def prove(
    count: int = 50, kinds: Sequence[str] = ("one row", "every row"), layout: Layout = SINGLE
) -> Report:
    """So many stages, one of them with rows that the database refuses."""
    report = Report(f"The journal under fire: one bad row among {count} stages; {layout}")
    with Rig(layout=layout) as rig:
        rig.log_in()
        for kind in kinds:
            asyncio.run(_refuse(rig, kind, count, report))
    return report


async def _refuse(rig: Rig, kind: str, count: int, report: Report) -> None:
    pieces = STREAM_SECONDS * 10
    start = {"prompt": f"text {pieces} 10", "mode": "chat"}
    starts = [(f"{number}", start) for number in range(count)]
    async with two_viewers(rig) as (starter, tab):
        before = len(rig.replay.completions)
        stage_ids = await start_stages(starter, tab, starts)
        bad = stage_ids[count // 2]
        good = [one for one in stage_ids if one != bad]
        await _until_streaming(starter, stage_ids)
        where = f"NEW.stage_id = '{key_of(bad)}'"
        if kind == "one row":
            # Every row but those already there and the next few: exactly one number is refused.
            where += f" AND NEW.sequence_number = {starter.last_of(bad) + 5}"
        with rig.database.refusing(where):
            refused_at = time.monotonic()
            ended = await starter.until_all_end(good, 60) and await tab.until_all_end(good, 60)
            report.promise(ended, f"{kind}: a viewer did not get the end of every good stage")
            while bad not in starter.unavailable and time.monotonic() < refused_at + 30:
                await asyncio.sleep(0.05)
            while_bad = starter.end_of(bad)
            exchanges = rig.replay.completions[before:]
            early = sum(exchange.closed_early for exchange in exchanges)
            report.promise(early == 1, f"{kind}: {early} upstreams were closed early, not 1")
            if kind == "every row":
                other = await _reaped_beside(rig, bad)
                report.promise(
                    other, f"{kind}: another lost stage is not ended while this one fails"
                )
        freed_at = time.monotonic()
        for viewer in (starter, tab):
            came = await viewer.until_all_end([bad], LEASE_AND_REAP_SECONDS)
            report.promise(came, f"{kind}: a viewer did not get the end of the bad stage")
        lost = check_stages(rig, stage_ids, (starter, tab), report)
        _tell(rig, kind, bad, good, (starter, tab), lost, refused_at, freed_at, pieces, report)
        report.line(f"  The bad stage while its rows were refused: {while_bad}.")


def _tell(
    rig: Rig,
    kind: str,
    bad: str,
    good: list[str],
    viewers: tuple[Viewer, Viewer],
    lost: dict[str, int],
    refused_at: float,
    freed_at: float,
    pieces: int,
    report: Report,
) -> None:
    for stage_id in good:
        stored = rig.database.stage(stage_id)
        whole = stored.text.count("·") == pieces
        report.promise(stored.status == "done" and whole, f"{kind}: a good stage lacks text")
    for viewer in viewers:
        told = [one for one in good if one in viewer.unavailable]
        report.promise(not told, f"{kind}: {len(told)} good stages were told unavailable")
        times = len(viewer.unavailable.get(bad, []))
        report.promise(times == 1, f"{kind}: the bad stage was told unavailable {times} times")
        end = viewer.end_of(bad)
        report.promise(end == "error interrupted", f"{kind}: the bad stage ended {end}")
    report.line(f"Refused: {kind} of one stage.")
    done = sum(viewers[0].end_of(one) == "done" for one in good)
    gap = max(viewer.longest_gap(one) for viewer in viewers for one in good)
    stored = rig.database.stage(bad)
    told_at = viewers[0].unavailable.get(bad, [float("nan")])[0] - refused_at
    ended_at = viewers[0].arrivals[bad][-1] - freed_at
    report.table(
        ("  who", "stages", "ended", "events lost", "what viewers got"),
        [
            (
                "  the others",
                len(good),
                f"{done} done",
                sum(lost[one] for one in good),
                f"every event, no unavailable; longest gap {gap:.2f} s",
            ),
            (
                "  the bad one",
                1,
                viewers[0].end_of(bad),
                lost[bad],
                f"{len(stored.events)} events, unavailable after {told_at:.2f} s, "
                f"the end {ended_at:+.1f} s after the row was good again",
            ),
        ],
    )


async def _until_streaming(viewer: Viewer, stage_ids: list[str]) -> None:
    async with asyncio.timeout(30):
        while any(viewer.last_of(one) < 4 for one in stage_ids):
            await asyncio.sleep(0.02)


async def _reaped_beside(rig: Rig, bad: str) -> bool:
    """Whether another lost stage is ended although the reaper meets the bad one first."""
    rig.database.execute(
        "UPDATE chat_stage SET lease_expires_at = '2026-01-01 00:00:00' WHERE id = ?",
        (key_of(bad),),
    )
    async with rig.client() as client:
        accepted = await client.start("text 3 10", model_route=ROUTE)
        stage_id = accepted["stage_id"]
        await client.until_end(stage_id)
    # The stage as a killed process would have left it: no end, a lease that has passed.
    key = key_of(stage_id)
    rig.database.execute("DELETE FROM chat_message WHERE stage_id = ?", (key,))
    rig.database.execute(
        "DELETE FROM chat_stageevent WHERE stage_id = ? AND event = 'done'", (key,)
    )
    rig.database.execute(
        "UPDATE chat_stage SET status = 'running', ended_at = NULL, lease_owner = 'gone', "
        "lease_expires_at = '2026-01-01 00:00:00', created_at = '2099-01-01 00:00:00' "
        "WHERE id = ?",
        (key,),
    )
    deadline = time.monotonic() + LEASE_AND_REAP_SECONDS
    while time.monotonic() < deadline:
        if rig.database.stage(stage_id).status == "error":
            return True
        await asyncio.sleep(0.2)
    return False
