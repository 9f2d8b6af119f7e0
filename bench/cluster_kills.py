"""Proof 3 on several processes: `kill -9` of one of them, of Redis or of PostgreSQL, at random.

`python -m bench.kills --cluster --rounds 100`
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.kills import LONGEST_LIFE, SLOW_WEATHER, STARTS, end_of, kill_while_starting, read_again
from bench.layout import CLUSTER, Layout
from bench.promises import faults_of, lost_or_changed
from bench.report import Report, percentile
from bench.rig import Rig
from bench.stored import StoredStage
from bench.viewers import check_watchers
from bench.watchers import Watcher
from tests.sockets import TERMINAL

VICTIMS = ("process", "Redis", "PostgreSQL")
TABS = 2
"""Watchers per process; the first of each also starts stages."""
AWAY_SECONDS = {"Redis": (0.0, 2.0), "PostgreSQL": (0.5, 3.0)}
INTERRUPTED_SECONDS = 15
"""Within which the viewers of another process see that a killed process's stages have ended."""
ELSEWHERE_SECONDS = 5
"""Within which they see any other end after the viewers of its own process: hints may be lost."""
PATIENCE_SECONDS = 45
INTERRUPTED = "error interrupted"


@dataclass
class Tally:
    """What all rounds with one kind of victim saw."""

    kills: int = 0
    kills_while_starting: int = 0
    stages: int = 0
    seen: int = 0
    lost: int = 0
    twice: int = 0
    gaps: int = 0
    interrupted: int = 0
    never_ran: int = 0
    lost_calls: int = 0
    refused_starts: int = 0
    reconnects: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(default_factory=Counter)
    seen_elsewhere: list[float] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)


def prove(
    rounds: int = 100,
    seed: int = 1,
    start_kills_every: int = 10,
    layout: Layout = CLUSTER,
    victims: Sequence[str] = VICTIMS,
) -> Report:
    """Kill so many times on one database, each victim about as often."""
    report = Report(f"kill -9 of {', '.join(victims)}: {rounds} times during streams; {layout}")
    chance = random.Random(seed)
    chosen = [victims[number % len(victims)] for number in range(rounds)]
    chance.shuffle(chosen)
    tallies = {victim: Tally() for victim in victims}
    with Rig(routes={"/v1/forecast": SLOW_WEATHER}, layout=layout) as rig:
        rig.log_in()
        for number, victim in enumerate(chosen):
            starting = number % start_kills_every == start_kills_every - 1
            kill = Kill(rig, victim, chance, tallies[victim], report, while_starting=starting)
            asyncio.run(kill.run())
        for stage in rig.database.stages():
            # Once more, at the end of all: no later kill has touched an earlier stage.
            report.promise_none(faults_of(stage))
        report.promise(not rig.database.active(), "stages are active at the end of all")
    _tell(report, tallies)
    return report


class Kill:
    """One round: stages on every process, watchers on every process, one victim."""

    def __init__(
        self,
        rig: Rig,
        victim: str,
        chance: random.Random,
        tally: Tally,
        report: Report,
        *,
        while_starting: bool,
    ) -> None:
        self.rig = rig
        self.victim = victim
        self.server = chance.randrange(len(rig.servers)) if victim == "process" else -1
        self.chance = chance
        self.tally = tally
        self.report = report
        self.while_starting = while_starting and victim == "process"
        self.before = rig.database.last_place()
        self.watchers = [
            Watcher(rig, server) for server in range(len(rig.servers)) for _ in range(TABS)
        ]
        self.started_on: dict[str, int] = {}
        self.told_at: dict[str, float] = {}
        self.stages: list[StoredStage] = []

    async def run(self) -> None:
        """Start, kill, wait for what must be seen, start the victim again, compare."""
        following = [asyncio.create_task(one.follow()) for one in self.watchers]
        try:
            await self._start_and_kill()
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
        await asyncio.to_thread(self._check)
        shown = {stage.stage_id: stage for stage in self.stages}
        await read_again(self.rig, shown, self.report, self.chance.randrange(len(self.rig.servers)))

    async def _start_and_kill(self) -> None:
        asked = self.chance.sample(STARTS, k=len(STARTS))
        starters = self.watchers[::TABS]
        starts = [
            asyncio.create_task(self._start(starters[at % len(starters)], start))
            for at, start in enumerate(asked)
        ]
        await asyncio.sleep(self.chance.uniform(0, LONGEST_LIFE))
        killed_at = time.monotonic()
        self.tally.kills += 1
        if self.victim == "process":
            await self._kill_process(killed_at)
        else:
            await self._kill_part()
        begin = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.gather(*starts)
                while any(watcher.open_stages() for watcher in self.watchers):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            stuck = [one for watcher in self.watchers for one in watcher.open_stages()]
            unanswered = sum(not start.done() for start in starts)
            waited = time.monotonic() - begin
            self.report.promise(
                False,
                f"{self._about()}: {waited:.0f} s after the victim was back "
                f"{len(set(stuck))} stages had no end for {len(stuck)} viewers, and "
                f"{unanswered} starts no answer",
            )
        finally:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
        self._measure_elsewhere(killed_at)

    async def _start(self, starter: Watcher, start: dict[str, Any]) -> None:
        stage_id = await starter.start(start)
        self.started_on[stage_id] = starter.server
        self.told_at[stage_id] = time.monotonic()
        for watcher in self.watchers:
            if watcher is not starter:
                await watcher.watch(stage_id)

    async def _kill_process(self, killed_at: float) -> None:
        await asyncio.to_thread(self.rig.kill, self.server)
        # What the kernel still holds for a client is read by it, so it counts as seen.
        others = [one for one in self.watchers if one.server != self.server]
        while time.monotonic() < killed_at + INTERRUPTED_SECONDS:
            if not any(one.open_stages() for one in others):
                break
            await asyncio.sleep(0.02)
        late = {stage_id for one in others for stage_id in one.open_stages()}
        self.report.promise(
            not late,
            f"{self._about()}: {len(late)} stages had not ended for viewers of another process "
            f"after {INTERRUPTED_SECONDS} s",
        )
        if self.while_starting:
            await asyncio.to_thread(kill_while_starting, self.rig, self.chance, self.server)
            self.tally.kills_while_starting += 1
        self.tally.restarts.append(await asyncio.to_thread(self.rig.restart, self.server))

    async def _kill_part(self) -> None:
        parts = self.rig.parts
        part = parts.redis if self.victim == "Redis" else parts.postgres
        await asyncio.to_thread(part.kill)
        await asyncio.sleep(self.chance.uniform(*AWAY_SECONDS[self.victim]))
        begin = time.monotonic()
        await asyncio.to_thread(part.start)
        self.tally.restarts.append(time.monotonic() - begin)

    def _log_about(self, stage_id: str) -> str:
        """What the processes' logs say of a stage, and of the journal at the end."""
        lines = []
        for at, server in enumerate(self.rig.servers):
            told = server.log_tail(400).splitlines()
            about = [line for line in told if stage_id in line or "WARNING" in line]
            lines += [f"{at}: {line}" for line in about[-8:]]
        return " | ".join(lines) or "no log says why"

    def _measure_elsewhere(self, killed_at: float) -> None:
        """When viewers of another process saw the end: after the kill, or after its own viewers."""
        for stage_id, server in self.started_on.items():
            own = [one.ended_at[stage_id] for one in self._watchers_of(server, stage_id)]
            # Viewers of a killed process have to wait until it is back.
            others = [
                one
                for at in range(len(self.rig.servers))
                if at not in (server, self.server)
                for one in self._watchers_of(at, stage_id)
            ]
            if not others:
                continue
            seen_at = [one.ended_at[stage_id] for one in others]
            if server == self.server:
                # Of a stage whose start was answered after the restart nobody could know before.
                known = self.told_at[stage_id] < killed_at
                if known and end_of(others[0].stages[stage_id].events) == INTERRUPTED:
                    self.tally.seen_elsewhere.append(max(seen_at) - killed_at)
            elif own:
                delay = max(0.0, max(seen_at) - min(own))
                if self.victim != "process":
                    self.tally.seen_elsewhere.append(delay)
                self.report.promise(
                    delay <= ELSEWHERE_SECONDS,
                    f"{self._about()}: an end was seen elsewhere {delay:.1f} s later",
                )

    def _watchers_of(self, server: int, stage_id: str) -> Iterator[Watcher]:
        for watcher in self.watchers:
            if watcher.server == server and stage_id in watcher.ended_at:
                yield watcher

    def _check(self) -> None:
        """Hold what is stored against the promises, and what was seen against what is stored."""
        tally, report = self.tally, self.report
        active = self.rig.database.active()
        deadline = time.monotonic() + INTERRUPTED_SECONDS
        while active and time.monotonic() < deadline:
            # A stage whose start was stored and never answered ends when its lease has passed.
            time.sleep(0.1)
            active = self.rig.database.active()
        report.promise(not active, f"{self._about()}: {len(active)} stages are active for good")
        self.stages = self.rig.database.stages(after=self.before)
        for stage in self.stages:
            self._check_stage(stage)
        stored = {stage.stage_id: stage for stage in self.stages}
        for watcher in self.watchers:
            tally.twice += watcher.duplicates
            tally.gaps += watcher.gaps
            tally.refused_starts += watcher.refused_starts
            tally.reconnects += watcher.connections - 1
            tally.closes += watcher.closes
            report.promise(
                not watcher.failure, f"{self._about()}: a viewer could not go on: {watcher.failure}"
            )
            report.promise(
                not watcher.duplicates and not watcher.gaps,
                f"{self._about()}: {watcher.duplicates} events came twice to one viewer, and "
                f"{watcher.gaps} after a gap",
            )
            for stage_id, told in watcher.stages.items():
                tally.seen += len(told.events)
                known = report.promise(
                    stage_id in stored, f"{self._about()}: stage {stage_id} was seen and is lost"
                )
                if not known:
                    tally.lost += len(told.events)
                    continue
                tally.lost += len(lost_or_changed(stored[stage_id], told.events))
                report.promise_none(check_watchers(stored[stage_id], [told]), self._about())

    def _check_stage(self, stage: StoredStage) -> None:
        tally, report = self.tally, self.report
        tally.stages += 1
        end = end_of(stage.events)
        tally.ends[end] += 1
        tally.lost_calls += sum(run["status"] == "lost" for run in stage.runs.values())
        report.promise_none(faults_of(stage), self._about())
        ends = [event for event in stage.events if event["event"] in TERMINAL]
        report.promise(
            len(ends) == 1, f"{self._about()}: {stage.stage_id} has {len(ends)} terminal events"
        )
        if end != INTERRUPTED:
            report.promise(end == "done", f"{self._about()}: a stage ended {end}")
            return
        tally.interrupted += 1
        if stage.names == ["stage_started", "error"] and self.victim == "PostgreSQL":
            # Stored by a commit whose answer was lost with the connection: nobody could run it.
            tally.never_ran += 1
            return
        on = self.started_on.get(stage.stage_id)
        report.promise(
            self.victim == "process" and on in (None, self.server),
            f"{self._about()}: a stage of process {on} was interrupted, which nobody killed, after "
            f"{', '.join(stage.names[:-1][-3:])}; {self._log_about(stage.stage_id)}",
        )

    def _about(self) -> str:
        where = f" {self.server + 1}" if self.server >= 0 else ""
        return f"kill {self.tally.kills} of {self.victim}{where}"


def _tell(report: Report, tallies: dict[str, Tally]) -> None:
    report.table(
        (
            "victim",
            "kills",
            "stages",
            "events seen",
            "lost",
            "twice",
            "interrupted",
            "seen elsewhere p50",
            "max",
            "back after p50",
            "max",
        ),
        [
            (
                victim,
                tally.kills,
                tally.stages,
                tally.seen,
                tally.lost,
                tally.twice + tally.gaps,
                tally.interrupted,
                *_seconds(tally.seen_elsewhere),
                *_seconds(tally.restarts),
            )
            for victim, tally in tallies.items()
        ],
    )
    report.line()
    for victim, tally in tallies.items():
        ends = ", ".join(f"{count} {end}" for end, count in sorted(tally.ends.items()))
        report.line(
            f"{victim}: ended {ends}; {tally.lost_calls} tool calls closed as lost; "
            f"{tally.reconnects} reconnects of viewers{_counted(tally.closes)}; "
            f"{tally.refused_starts} starts sent again; "
            f"{tally.kills_while_starting} further kills during start-up; {tally.never_ran} "
            "interrupted since the database was killed between storing a start and saying so."
        )
    report.line(
        "seen elsewhere, s: until the viewers of another process saw the end; of a killed "
        "process's stages since the kill, of others since their own process's viewers saw it."
    )


def _counted(closes: Counter[str]) -> str:
    told = ", ".join(f"{count} {what}" for what, count in sorted(closes.items()))
    return f" ({told})" if told else ""


def _seconds(values: list[float]) -> tuple[str, str]:
    if not values:
        return "–", "–"
    return f"{percentile(values, 50):.2f}", f"{max(values):.2f}"
