"""The disk is full: shortly, and for longer than the journal tries again.

Where the database is a PostgreSQL it is stopped instead, for as long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.disks import Disk, StoppedPostgres, small_disk
from bench.layout import SINGLE, Layout
from bench.report import Report
from bench.rig import ROUTE, Rig
from bench.viewers import check_stages, start_stages, two_viewers
from tests.replay import never_answers

LEASE_AND_REAP_SECONDS = 20
STARTS = (
    ("chat, streamed", {"prompt": "text 4000 40", "mode": "chat"}),
    ("chat, fast", {"prompt": "text 20000 300", "mode": "chat"}),
    ("synthesis", {"prompt": "parallel 4000 40", "mode": "toolchain", "synthesis": True}),
    ("inside a tool", {"prompt": "weather 4000 40", "mode": "toolchain", "synthesis": True}),
)
# It collects its text and has nothing to write meanwhile, so no outage can harm it.
WHOLE = ("chat, whole", {"prompt": "text 40000 40", "mode": "chat", "stream": False})
SHORT = (
    ("chat, streamed", {"prompt": "text {n} 40", "mode": "chat"}),
    ("chat, fast", {"prompt": "text {n}0 400", "mode": "chat"}),
    ("synthesis", {"prompt": "parallel {n} 40", "mode": "toolchain", "synthesis": True}),
)


def prove(
    *,
    retry_seconds: float = 30,
    may_mount: bool = True,
    outages: Sequence[str] = ("short", "long"),
    layout: Layout = SINGLE,
) -> Report:
    """Fill the disk for a while that the journal bridges, then for longer."""
    what = "PostgreSQL gone" if layout.is_cluster else "disk full"
    report = Report(f"The journal under fire: {what}; {layout}")
    with small_disk(may_mount=may_mount and not layout.is_cluster) as disk:
        environment = {"TOOLBENCH_JOURNAL_RETRY_SECONDS": str(retry_seconds)}
        with Rig(
            routes={"/v1/forecast": never_answers()},
            environment=environment,
            data_dir=disk.data_dir,
            layout=layout,
        ) as rig:
            rig.log_in()
            report.line(f"The journal tries again for {retry_seconds:g} s.")
            killed, stopped = StoppedPostgres(killed=True), StoppedPostgres(killed=False)
            if "short" in outages:
                for short in (killed, stopped) if layout.is_cluster else (disk,):
                    asyncio.run(_short(rig, short, retry_seconds / 3, report))
            if "long" in outages:
                long = stopped if layout.is_cluster else disk
                asyncio.run(_long(rig, long, retry_seconds, report))
    return report


async def _short(rig: Rig, disk: Disk, seconds: float, report: Report) -> None:
    count = str(int(40 * (seconds + 6)))
    starts = [
        (name, {**start, "prompt": str(start["prompt"]).replace("{n}", count)})
        for name, start in SHORT
    ]
    async with two_viewers(rig) as (starter, tab):
        stage_ids = await start_stages(starter, tab, starts)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(disk.fill, rig)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(disk.free, rig)
        for viewer in (starter, tab):
            ended = await viewer.until_all_end(stage_ids, 60)
            report.promise(ended, "short: a viewer did not get every end")
        lost = check_stages(rig, stage_ids, (starter, tab), report)
        rows = []
        for (name, start), stage_id in zip(starts, stage_ids, strict=True):
            stored = rig.database.stage(stage_id)
            whole = stored.text.count("·") == int(str(start["prompt"]).split()[1])
            report.promise(whole, f"short, {name}: text is missing")
            for viewer in (starter, tab):
                end = viewer.end_of(stage_id)
                report.promise(end == "done", f"short, {name}: a viewer got {end}")
                told = viewer.unavailable.get(stage_id)
                report.promise(not told, f"short, {name}: a viewer was told unavailable")
            gap = max(viewer.longest_gap(stage_id) for viewer in (starter, tab))
            rows.append((name, stored.status, len(stored.events), lost[stage_id], f"{gap:.1f}"))
        report.line()
        report.table(
            (
                f"{disk.kind}: {disk.outage} for {seconds:.1f} s",
                "ended",
                "events",
                "lost",
                "longest gap, s",
            ),
            rows,
        )


async def _long(rig: Rig, disk: Disk, retry_seconds: float, report: Report) -> None:
    async with two_viewers(rig) as (starter, tab):
        before = len(rig.replay.exchanges)
        *stage_ids, whole = await start_stages(starter, tab, (*STARTS, WHOLE))
        await asyncio.sleep(2.0)
        await asyncio.to_thread(disk.fill, rig)
        full_at = time.monotonic()
        # What comes while a batch is tried again is the next batch, tried for as long again.
        patience = full_at + 2 * retry_seconds + 30
        while time.monotonic() < patience and not all(
            one in viewer.unavailable for one in stage_ids for viewer in (starter, tab)
        ):
            await asyncio.sleep(0.05)
        refused = await _try_to_start(rig)
        seen = {one: starter.last_of(one) for one in stage_ids}
        closed = await _closed_upstreams(rig, before, report)
        await asyncio.to_thread(disk.free, rig)
        freed_at = time.monotonic()
        for viewer in (starter, tab):
            ended = await viewer.until_all_end(stage_ids, LEASE_AND_REAP_SECONDS)
            report.promise(ended, "long: a viewer did not get every end")
        await starter.send(type="stage.cancel", stage_id=whole)
        for viewer in (starter, tab):
            await viewer.until_all_end([whole], 10)
            end = viewer.end_of(whole)
            report.promise(end == "cancel", f"long: the whole stage did not live on, but {end}")
        lost = check_stages(rig, [*stage_ids, whole], (starter, tab), report)
        rows = []
        for (name, _), stage_id in zip(STARTS, stage_ids, strict=True):
            told = [viewer.unavailable.get(stage_id, []) for viewer in (starter, tab)]
            report.promise(
                all(len(times) == 1 for times in told),
                f"long, {name}: viewers were told unavailable {[len(t) for t in told]} times",
            )
            for viewer in (starter, tab):
                end = viewer.end_of(stage_id)
                report.promise(end == "error interrupted", f"long, {name}: a viewer got {end}")
            at = f"{told[0][0] - full_at:.1f}" if told[0] else "never"
            ended_after = f"{starter.arrivals[stage_id][-1] - freed_at:.1f}"
            end = starter.end_of(stage_id)
            rows.append((name, seen[stage_id], at, end, ended_after, lost[stage_id]))
        text = rig.database.stage(whole).text
        rows.append((WHOLE[0], 1, "lived on", starter.end_of(whole), "stopped", lost[whole]))
        report.promise("·" in text, "long: the whole stage kept no text")
        report.line()
        report.table(
            (
                f"{disk.kind}: {disk.outage} for good",
                "seen before",
                "unavailable after s",
                "end",
                "after free s",
                "lost",
            ),
            rows,
        )
        if closed:
            report.line(f"The last upstream closed {max(closed) - full_at:.1f} s after that.")
        report.line(f"A start meanwhile: {refused}")
        again = await _try_to_start(rig)
        report.promise(again.startswith("accepted"), f"a start after the outage: {again}")
        report.line(f"A start afterwards: {again}")
        report.line(f"Viewers read: {' | '.join(sorted(starter.words))}")


async def _closed_upstreams(rig: Rig, before: int, report: Report) -> list[float]:
    """When the upstreams closed: all but that of the stage that lives on."""
    await asyncio.sleep(0.3)
    ours = [
        exchange
        for exchange in rig.replay.exchanges[before:]
        if exchange.request.path_only != "/v1/models"
    ]
    still_open = [one for one in ours if one.closed_at is None and one.finished_at is None]
    report.promise(len(still_open) == 1, f"long: {len(still_open)} upstreams are open, not 1")
    return [exchange.closed_at for exchange in ours if exchange.closed_at is not None]


async def _try_to_start(rig: Rig) -> str:
    begin = time.monotonic()
    try:
        async with rig.client() as client:
            answer = await client.start("text 5", model_route=ROUTE)
            said = f"{answer['type']} {answer.get('code', '')}".strip()
    except InvalidHandshake as refusal:
        said = f"refused by {refusal}"
    except ConnectionClosed as closed:
        said = f"closed with {closed.rcvd.code if closed.rcvd else 'nothing'}"
    return f"{said} after {time.monotonic() - begin:.1f} s"
