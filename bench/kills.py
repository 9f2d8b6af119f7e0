"""Proof 3: `kill -9` at random moments during streams; what was seen is there, and all stages end.

`python -m bench.kills --rounds 100`; with `--cluster` bench.cluster_kills chooses the victims.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed

from bench.layout import SINGLE, Layout, add_layout, chosen_layout
from bench.promises import faults_of, lost_or_changed
from bench.report import Report, percentile
from bench.rig import OWNER, ROUTE, Rig
from bench.stored import StoredStage
from bench.watchers import Witness
from tests.replay import Wait, whole
from tests.serving import ROOT
from tests.sockets import Folded, SocketClient

LONGEST_LIFE = 1.6
"""Seconds of streaming within which the kill comes."""
STARTS: tuple[dict[str, Any], ...] = (
    {"prompt": "text 60 40", "mode": "chat"},
    {"prompt": "text 400 300", "mode": "chat"},
    {"prompt": "text 10 20", "mode": "chat", "stream": False},
    {"prompt": "parallel 40 40", "mode": "toolchain"},
    {"prompt": "parallel 40 40", "mode": "toolchain", "synthesis": True},
    {"prompt": "astext 40 40", "mode": "toolchain", "synthesis": True, "stream": False},
    {"prompt": "weather 40 40", "mode": "toolchain", "synthesis": True},
    {"prompt": "weather 20 40 0 ollama", "mode": "toolchain"},
)
SLOW_WEATHER = whole({"current": {"temperature_2m": 3.5}}, after=[Wait(0.7)])


@dataclass
class Tally:
    """What all rounds together saw."""

    kills: int = 0
    stages: int = 0
    seen: int = 0
    lost: int = 0
    duplicates: int = 0
    without_end: int = 0
    several_ends: int = 0
    still_active: int = 0
    lost_calls: int = 0
    kills_while_starting: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    restarts: list[float] = field(default_factory=list)


def prove(
    rounds: int = 100, seed: int = 1, start_kills_every: int = 10, layout: Layout = SINGLE
) -> Report:
    """Kill the one server so many times on one data directory."""
    report = Report(f"kill -9 at {rounds} random moments during streams; {layout}")
    chance = random.Random(seed)
    tally = Tally()
    with Rig(routes={"/v1/forecast": SLOW_WEATHER}, layout=layout) as rig:
        rig.log_in()
        for number in range(rounds):
            before = rig.database.last_place()
            witnesses = asyncio.run(_stream_until_killed(rig, chance))
            tally.kills += 1
            if number % start_kills_every == start_kills_every - 1:
                kill_while_starting(rig, chance)
                tally.kills_while_starting += 1
            tally.restarts.append(rig.restart())
            asyncio.run(_check(rig, before, witnesses, tally, report))
        for stage in rig.database.stages():
            # Once more, at the end of all: no later start has touched an earlier stage.
            report.promise_none(faults_of(stage))
    _tell(report, tally)
    return report


async def _stream_until_killed(rig: Rig, chance: random.Random) -> list[Witness]:
    cookie = rig.cookies[OWNER]
    witnesses = [Witness(rig.url, cookie, ping_interval=None) for _ in range(3)]
    starter, second_tab, third_tab = witnesses
    for witness in witnesses:
        await witness.__aenter__()
    moment = chance.uniform(0, LONGEST_LIFE)
    asked = chance.sample(STARTS, k=len(STARTS))

    async def start_all() -> None:
        for start in asked:
            accepted = await starter.start(model_route=ROUTE, **start)
            for tab in (second_tab, third_tab):
                if accepted["type"] == "accepted":
                    command = {"type": "stage.subscribe", "after": 0}
                    await tab.send(**command, stage_id=accepted["stage_id"])
        await _read_on(starter)

    readers = [
        asyncio.create_task(work)
        for work in (start_all(), _read_on(second_tab), _read_on(third_tab))
    ]
    await asyncio.sleep(moment)
    await asyncio.to_thread(rig.kill)
    # What the kernel still holds for a client has been sent, so it counts as seen.
    done = await asyncio.gather(*readers, return_exceptions=True)
    for outcome in done:
        if not isinstance(outcome, ConnectionClosed):
            raise RuntimeError(f"a client ended otherwise than by the kill: {outcome!r}")
    return witnesses


async def _read_on(client: SocketClient) -> None:
    while True:
        await client.receive()


def kill_while_starting(rig: Rig, chance: random.Random, server: int = 0) -> None:
    """Start and kill before it is ready: between two starts, in the middle of ending stages."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=rig.servers[server].environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(chance.uniform(0.5, 2.5))
    process.kill()
    process.wait(10)


async def _check(
    rig: Rig, before: int, witnesses: list[Witness], tally: Tally, report: Report
) -> None:
    active = rig.database.active()
    deadline = time.monotonic() + 2
    while active and time.monotonic() < deadline:
        # /healthz answers as soon as the server listens; lost stages are ended right after.
        await asyncio.sleep(0.05)
        active = rig.database.active()
    tally.still_active += len(active)
    report.promise(not active, f"{len(active)} stages are active 2 s after the restart")
    stages = {stage.stage_id: stage for stage in rig.database.stages(after=before)}
    for stage in stages.values():
        ends = sum(name in ("done", "cancel", "error") for name in stage.names)
        tally.stages += 1
        tally.without_end += ends == 0
        tally.several_ends += ends > 1
        tally.ends[end_of(stage.events)] += 1
        tally.lost_calls += sum(run["status"] == "lost" for run in stage.runs.values())
        report.promise_none(faults_of(stage))
    for witness in witnesses:
        tally.duplicates += witness.duplicates
        report.promise(not witness.duplicates, f"{witness.duplicates} events came twice")
        report.promise(not witness.gaps, f"{witness.gaps} events came after a gap")
        for stage_id, told in witness.stages.items():
            tally.seen += len(told.events)
            if not report.promise(stage_id in stages, f"stage {stage_id} was seen and is lost"):
                tally.lost += len(told.events)
                continue
            faults = lost_or_changed(stages[stage_id], told.events)
            tally.lost += len(faults)
            report.promise_none(faults)
    await read_again(rig, stages, report)


async def read_again(
    rig: Rig, stages: Mapping[str, StoredStage], report: Report, server: int = 0
) -> None:
    """Through the socket the stages are what the database holds, from the start and from a cut."""
    async with rig.client(server=server) as client:
        for stage_id, stage in stages.items():
            cut = len(stage.events) // 2
            for after in (0, cut):
                await client.send(type="stage.subscribe", stage_id=stage_id, after=after)
                told: list[dict[str, Any]] = []
                client.stages[stage_id] = Folded(stage.events[:after])
                await client.until_end(stage_id)
                told = client.stages.pop(stage_id).events
                report.promise(
                    told == stage.events, f"stage {stage_id} is read otherwise than stored"
                )


def end_of(events: Sequence[dict[str, Any]]) -> str:
    """The terminal event, with the code of an error."""
    last = events[-1]
    return f"{last['event']} {last['data'].get('code', '')}".strip()


def _tell(report: Report, tally: Tally) -> None:
    restarts = tally.restarts
    report.table(
        ("what", "count"),
        [
            ("kills during streams", tally.kills),
            ("further kills during start-up", tally.kills_while_starting),
            ("stages", tally.stages),
            *((f"  ended {end}", count) for end, count in sorted(tally.ends.items())),
            ("tool calls closed as lost", tally.lost_calls),
            ("events that clients had seen (3 sockets)", tally.seen),
            ("  of them lost or changed", tally.lost),
            ("  seen twice", tally.duplicates),
            ("stages without a terminal event", tally.without_end),
            ("stages with several", tally.several_ends),
            ("stages still active after the restart", tally.still_active),
        ],
    )
    report.line(
        f"Restart to /healthz: p50 {percentile(restarts, 50):.2f} s, max {max(restarts):.2f} s."
    )


def main() -> int:
    """Read the command line, prove, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--victims", nargs="+", help="of a cluster; all by default")
    add_layout(parser)
    arguments = parser.parse_args()
    layout = chosen_layout(arguments)
    if layout.is_cluster:
        from bench import cluster_kills

        return cluster_kills.prove(
            arguments.rounds,
            arguments.seed,
            layout=layout,
            victims=arguments.victims or cluster_kills.VICTIMS,
        ).finish()
    return prove(arguments.rounds, arguments.seed, layout=layout).finish()


if __name__ == "__main__":
    raise SystemExit(main())
