"""Proof 4: how long Stop takes, from the command until the other side sees its connection closed.

`python -m bench.stops --rounds 20`
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import IO, Any

from bench.promises import faults_of, lost_or_changed
from bench.report import Report, percentile
from bench.rig import ADMIN, OWNER, ROUTE, Rig
from bench.situations import (
    FORECAST,
    HOLDING,
    accepted_upstream,
    demo_mid_stream,
    in_blocking_tool,
    in_synthesis,
    in_tool,
    mid_stream,
    while_collecting,
)
from tests.replay import Exchange, Script, never_answers, whole
from tests.serving import ROOT
from tests.sockets import Folded, SocketClient

GOAL_MS = 250
LEASE_RENEWAL_MS = 3000
ENDLESS = "text 20000 50"
# `request_cancel` as another process calls it: a stage's id per line, answered with its status.
ROW_CANCELLER = f"""
import sys
from django.contrib.auth.models import User
from chat.services import request_cancel
owner = User.objects.get(username={OWNER!r}).pk
print("ready", flush=True)
for line in sys.stdin:
    print(request_cancel(owner, line.strip()), flush=True)
"""


@dataclass(frozen=True)
class Case:
    """One situation in which a person stops a stage."""

    name: str
    start: dict[str, Any]
    ready: Callable[[SocketClient, str, Rig, int], Awaitable[Exchange | None]]
    goal_ms: float = GOAL_MS
    by: str = "user"
    results: frozenset[str] = frozenset()
    through: str = "socket"


@dataclass
class Times:
    """Milliseconds per run of one case."""

    closed: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)


CHAT = {"mode": "chat", "model_route": ROUTE}
CHAIN = {"mode": "toolchain", "model_route": ROUTE}
WHOLE = {"stream": False}
CASES = (
    Case("before headers", {**CHAT, "prompt": "headers"}, accepted_upstream),
    Case("before the first byte", {**CHAT, "prompt": "silent"}, accepted_upstream),
    Case("mid-stream", {**CHAT, "prompt": ENDLESS}, mid_stream),
    Case("whole response", {**CHAT, **WHOLE, "prompt": ENDLESS}, while_collecting),
    Case("whole, JSON upstream", {**CHAT, **WHOLE, "prompt": "late"}, accepted_upstream),
    Case(
        "synthesis",
        {**CHAIN, "synthesis": True, "prompt": "native 20000 50"},
        in_synthesis,
        results=frozenset({"ok"}),
    ),
    Case(
        "async tool",
        {**CHAIN, "synthesis": True, "prompt": "weather"},
        in_tool,
        results=frozenset({"cancelled", "ok"}),
    ),
    Case(
        "blocking tool",
        {**CHAIN, "synthesis": True, "prompt": "blocking", "tools": ["hold_a_thread"]},
        in_blocking_tool,
        results=frozenset({"cancelled"}),
    ),
    Case("demo model", {**CHAT, "model_route": "demo-endless", "prompt": "Go on"}, demo_mid_stream),
    Case("by an admin", {**CHAT, "prompt": ENDLESS}, mid_stream, by="admin", through="admin"),
    Case(
        "by a row",
        {**CHAT, "prompt": ENDLESS},
        mid_stream,
        goal_ms=LEASE_RENEWAL_MS + GOAL_MS,
        through="row",
    ),
)


def prove(rounds: int = 20) -> Report:
    """Stop every case so many times."""
    report = Report(f"Stop, {rounds} times in each situation")
    silent = never_answers()
    holding: Script = whole({})
    with Rig(routes={FORECAST: silent, HOLDING: holding}) as rig:
        rig.log_in()
        rig.log_in(ADMIN)
        rows = asyncio.run(_all(rig, rounds, report))
        report.promise_none(rig.errors())
    report.table(
        ("ms from Stop until", "n", "closed p50", "p95", "max", "end seen p50", "p95", "max"),
        [(case.name, rounds, *_figures(t.closed), *_figures(t.ended)) for case, t in rows],
    )
    report.line()
    report.line(
        f"closed: the other side saw its connection end (goal {GOAL_MS} ms; by a row: at the next "
        f"lease renewal, {LEASE_RENEWAL_MS} ms, and the goal). end seen: the terminal event was "
        "here. –: no connection of another process to close."
    )
    return report


def _figures(values: list[float]) -> tuple[str, str, str]:
    if not values:
        return "–", "–", "–"
    return tuple(f"{percentile(values, at):.1f}" for at in (50, 95, 100))  # type: ignore[return-value]


async def _all(rig: Rig, rounds: int, report: Report) -> list[tuple[Case, Times]]:
    rows = []
    with await asyncio.to_thread(_start_row_canceller, rig) as canceller:
        async with rig.client() as client, rig.client(ADMIN) as admin:
            # The first request of a route builds its client; that is not what is measured.
            await client.run("text 2", model_route=ROUTE)
            for case in CASES:
                times = Times()
                for _ in range(rounds):
                    await _stop_once(case, rig, client, admin, canceller, times, report)
                rows.append((case, times))
        # The end of its input ends it.
        _pipe(canceller.stdin).close()
    return rows


async def _stop_once(
    case: Case,
    rig: Rig,
    client: SocketClient,
    admin: SocketClient,
    canceller: subprocess.Popen[str],
    times: Times,
    report: Report,
) -> None:
    before = len(rig.replay.exchanges)
    accepted = await client.start(**case.start)
    stage_id = accepted["stage_id"]
    exchange = await case.ready(client, stage_id, rig, before)
    moment = time.monotonic()
    if case.through == "row":
        await asyncio.to_thread(_ask_by_row, canceller, stage_id)
    else:
        sender = admin if case.through == "admin" else client
        await sender.send(type="stage.cancel", stage_id=stage_id)
        if sender is admin:
            await admin.reply("accepted")
    told = await client.until_end(stage_id)
    ended = (time.monotonic() - moment) * 1000
    times.ended.append(ended)
    about = case.name
    report.promise(ended <= case.goal_ms, f"{about}: the end was seen after {ended:.0f} ms")
    if exchange is not None:
        await exchange.closed.waited(10)
        assert exchange.closed_at is not None
        closed = (exchange.closed_at - moment) * 1000
        times.closed.append(closed)
        report.promise(closed <= case.goal_ms, f"{about}: closed after {closed:.0f} ms")
        report.promise(exchange.closed_early, f"{about}: the answer was whole before Stop")
    _check_end(case, told, report)
    stored = rig.database.stage(stage_id)
    report.promise_none(faults_of(stored), about)
    report.promise_none(lost_or_changed(stored, told.events), about)


def _check_end(case: Case, told: Folded, report: Report) -> None:
    end = told.terminal
    assert end is not None
    by = f"{end['event']} by {end['data'].get('by')}"
    report.promise(by == f"cancel by {case.by}", f"{case.name}: ended {by}")
    ms = end["data"].get("upstream_closed_ms")
    if "tool" in case.name:
        report.promise(ms is None, f"{case.name}: upstream_closed_ms is {ms}, none was open")
    else:
        report.promise(isinstance(ms, int), f"{case.name}: upstream_closed_ms is {ms}")
    results = {e["data"]["status"] for e in told.events if e["event"] == "tool_result"}
    report.promise(results == case.results, f"{case.name}: tool results {results}")


def _start_row_canceller(rig: Rig) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", ROW_CANCELLER],
        cwd=ROOT,
        env=rig.server.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    _pipe(process.stdout).readline()
    return process


def _ask_by_row(canceller: subprocess.Popen[str], stage_id: str) -> None:
    pipe = _pipe(canceller.stdin)
    pipe.write(f"{stage_id}\n")
    pipe.flush()
    _pipe(canceller.stdout).readline()


def _pipe(end: IO[str] | None) -> IO[str]:
    assert end is not None
    return end


def main() -> int:
    """Read the command line, prove, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    return prove(parser.parse_args().rounds).finish()


if __name__ == "__main__":
    raise SystemExit(main())
