"""Hours of what people, networks and machines do, and whether anything is lost or leaks.

`python -m bench.soak --minutes 30 --streams 100` keeps so many stages going on PostgreSQL, Redis
and two processes (`--layout`), with reconnects, stops, retries, second tabs, readers that stop
reading, and a `kill -9` of a random part every few minutes. It ends with a status that is not
zero where something was lost or has leaked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.history import RESULTS, keep, markdown_table
from bench.loop import raise_open_files
from bench.loop import run as run_loop
from bench.report import Report
from bench.setups import Ground, MeasuredServer, Setup, ground
from bench.soak_checks import bugs, check_stored, late_interruptions, lose_an_event
from bench.soak_people import LONGEST, PER_SECOND, Crowd
from bench.soak_states import Change, State, compare
from bench.stored import Database

REST_SECONDS = 150.0
AWAY_SECONDS = (0.5, 4.0)
CONNECTIONS = 20
"""TOOLBENCH_DATABASE_CONNECTIONS: the most that a process opens."""


@dataclass
class Soak:
    """The state of one soak."""

    made: Ground
    crowd: Crowd
    chance: random.Random
    began: float = field(default_factory=time.monotonic)
    kills: list[tuple[float, str]] = field(default_factory=list)
    minutes: list[dict[str, Any]] = field(default_factory=list)
    first: dict[int, State] = field(default_factory=dict)
    stages_before: int = 0
    latest: float = 0.0
    """The longest time from the kill of a process to the end of one of its stages."""

    @property
    def seconds(self) -> float:
        """Since its beginning."""
        return time.monotonic() - self.began


def run(arguments: argparse.Namespace) -> int:
    """Soak, check, print and keep."""
    report = Report(f"{arguments.minutes:g} minutes at {arguments.streams} streams")
    setup = Setup.named(arguments.layout)
    environment = {"TOOLBENCH_USER_SOCKETS": "100", "TOOLBENCH_USER_STAGES": "8"}
    with ground(
        setup,
        people=arguments.streams,
        chunks=100,
        per_second=PER_SECOND,
        environment=environment,
    ) as made:
        urls = [server.url for server in made.servers]
        soak, changes = run_loop(_soak(made, urls, arguments))
        _say("checking what is stored")
        if arguments.lose:
            lose_an_event(made.database)
        lost, counts = check_stored(made.database, soak.crowd.stages)
        report.promise_none(soak.crowd.faults)
        report.promise_none(lost)
        late, soak.latest = late_interruptions(soak.crowd.stages, soak.kills)
        report.promise_none(late)
        for server in made.servers:
            report.promise_none(bugs(server))
    for url, found in changes.items():
        report.promise_none(f"{url} leaks {change}" for change in found if change.is_leak)
    body = written(setup, soak, changes, counts, report)
    report.line(body)
    status = report.finish()
    if arguments.results is not None:
        faults = len(report.broken)
        summary = (
            f"{setup.name}, {arguments.minutes:g} min at {arguments.streams} streams: "
            f"{sum(counts.values())} stages, {len(soak.kills)} kills, {faults} faults"
        )
        kept = {
            "setup": setup.name,
            "minutes": soak.minutes,
            "kills": [[round(at - soak.began, 1), victim] for at, victim in soak.kills],
            "did": dict(soak.crowd.did),
            "ends": counts,
            "faults": report.broken,
            "changes": {url: [asdict(one) for one in found] for url, found in changes.items()},
        }
        print(f"Kept in {keep('soak', summary, body, kept, arguments.results)}", file=sys.stderr)
    return status


FAULTS_TOLD = 5
"""Of those new in a minute; the report has them all."""


async def _soak(
    made: Ground, urls: list[str], arguments: argparse.Namespace
) -> tuple[Soak, dict[str, list[Change]]]:
    crowd = Crowd(urls, made.cookies, arguments.seed, arguments.longest)
    soak = Soak(made, crowd, random.Random(arguments.seed))
    crowd.begin(arguments.streams)
    minutes = asyncio.create_task(_tell_minutes(soak, arguments.every), name="minutes")
    try:
        last = await _go_through(soak, arguments)
    finally:
        minutes.cancel()
        await crowd.leave()
    ended = len(crowd.stages) - soak.stages_before
    changes = {
        server.url: compare(soak.first[at], last[at], ended)
        for at, server in enumerate(made.servers)
        if last[at].pid == soak.first[at].pid
    }
    await asyncio.to_thread(_check_ends, soak)
    return soak, changes


async def _go_through(soak: Soak, arguments: argparse.Namespace) -> dict[int, State]:
    """Warm up, a quiet state, the long time with its kills, and the last quiet state."""
    seconds, crowd = arguments.minutes * 60, soak.crowd
    await asyncio.sleep(min(60.0, seconds / 5))
    _say("the first quiet state")
    soak.first = await _quiet(soak, arguments.settle)
    soak.stages_before = len(crowd.stages)
    crowd.go_on()
    end = soak.seconds + seconds
    while soak.seconds < end:
        await asyncio.sleep(min(arguments.kill_every, max(0.0, end - soak.seconds)))
        if soak.seconds < end:
            await _kill(soak)
    _say("the last quiet state")
    return await _quiet(soak, arguments.settle)


def _check_ends(soak: Soak) -> None:
    """Nothing may be open any more: requests upstream, stages, more connections than the pools."""
    made, faults = soak.made, soak.crowd.faults
    with urllib.request.urlopen(f"{made.base_url}/counts", timeout=10) as answer:
        still_open = int(json.load(answer)["open"])
    if still_open:
        faults.append(f"{still_open} requests are still open at the model server")
    if active := made.database.active():
        faults.append(f"{len(active)} stages have not ended")
    connections = _connections(made)
    if connections is not None and connections > CONNECTIONS * len(made.servers):
        faults.append(f"{connections} database connections are open")


async def _quiet(soak: Soak, settle: float) -> dict[int, State]:
    """Everybody rests, every socket is closed: what each process holds then."""
    try:
        async with asyncio.timeout(REST_SECONDS + 120):
            await soak.crowd.rest()
    except TimeoutError:
        soak.crowd.faults.append("people did not come to rest")
    await asyncio.sleep(settle)
    return {
        at: await asyncio.to_thread(State.of, server) for at, server in enumerate(soak.made.servers)
    }


# --- what happens to it ---


async def _kill(soak: Soak) -> None:
    """`kill -9` to a random part, which is started again a moment later."""
    made = soak.made
    # The first process is spared: its age is what shows a leak.
    victims: list[Any] = [*made.servers[1:]]
    victims += [part for part in (made.postgres, made.redis) if part is not None]
    if not victims:
        return
    victim = soak.chance.choice(victims)
    name = victim.url if isinstance(victim, MeasuredServer) else victim.name
    _say(f"{soak.seconds:.0f} s: kill -9 of {name}")
    soak.kills.append((time.monotonic(), name))
    await asyncio.to_thread(victim.kill)
    await asyncio.sleep(soak.chance.uniform(*AWAY_SECONDS))
    try:
        await asyncio.to_thread(victim.start)
    except RuntimeError as error:
        soak.crowd.faults.append(f"{name} did not start again: {error}")
        await asyncio.sleep(AWAY_SECONDS[1])
        await asyncio.to_thread(victim.start)


async def _tell_minutes(soak: Soak, every: float) -> None:
    """Print and keep, every so many seconds, what the processes hold."""
    while True:
        await asyncio.sleep(every)
        try:
            await _tell_minute(soak)
        except (OSError, RuntimeError, psycopg.Error) as error:
            # A part has just been killed.
            _say(f"{soak.seconds / 60:.1f} min: no figures ({type(error).__name__})")


async def _tell_minute(soak: Soak) -> None:
    states = [await asyncio.to_thread(State.of, server) for server in soak.made.servers]
    rows = await asyncio.to_thread(_rows, soak.made.database)
    minute = {
        "minutes": round(soak.seconds / 60, 2),
        "stages": len(soak.crowd.stages),
        "viewing": soak.crowd.viewing,
        "mib": [round(state.resident_mib, 1) for state in states],
        "files": [sum(state.files.values()) for state in states],
        "tasks": [sum(state.tasks.values()) for state in states],
        "threads": [len(state.threads) for state in states],
        "sockets": [state.sockets for state in states],
        "rows": rows,
        "connections": await asyncio.to_thread(_connections, soak.made),
        "kills": len(soak.kills),
        "faults": len(soak.crowd.faults),
    }
    told = soak.minutes[-1]["faults"] if soak.minutes else 0
    for fault in soak.crowd.faults[told : told + FAULTS_TOLD]:
        _say(f"fault: {fault}")
    soak.minutes.append(minute)
    _say(", ".join(f"{name} {_short(value)}" for name, value in minute.items()))


def _rows(database: Database) -> dict[str, int]:
    tables = ("chat_stage", "chat_stageevent", "chat_message", "django_session")
    return {
        table: int(database.query(f"SELECT count(*) AS n FROM {table}")[0]["n"]) for table in tables
    }


def _connections(made: Ground) -> int | None:
    """Open connections of serving processes to PostgreSQL."""
    if made.postgres is None:
        return None
    sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'toolbench'"
    return int(made.postgres.execute(sql)[0][0])


def written(
    setup: Setup,
    soak: Soak,
    changes: dict[str, list[Change]],
    counts: dict[str, int],
    report: Report,
) -> str:
    """What happened, as Markdown."""
    head = (
        *("minute", "stages", "viewing", "MiB", "files", "tasks", "threads", "sockets"),
        *("events stored", "database connections", "kills", "faults"),
    )
    rows = [
        (
            minute["minutes"],
            minute["stages"],
            minute["viewing"],
            *(_short(minute[name]) for name in ("mib", "files", "tasks", "threads", "sockets")),
            minute["rows"]["chat_stageevent"],
            minute["connections"] if minute["connections"] is not None else "–",
            minute["kills"],
            minute["faults"],
        )
        for minute in soak.minutes
    ]
    kills = ", ".join(f"{victim} at {at - soak.began:.0f} s" for at, victim in soak.kills)
    ends = ", ".join(f"{count} {end}" for end, count in counts.items())
    parts = [
        f"On {setup.name}: {sum(counts.values())} stages ended ({ends}). kill -9: "
        f"{kills or 'nothing'}; stages of a killed process ended at most {soak.latest:.1f} s "
        "later.\n",
        "People did: " + ", ".join(f"{n} {what}" for what, n in sorted(soak.crowd.did.items())),
        "",
        markdown_table(head, rows),
        "",
    ]
    for server in soak.made.servers:
        found = changes.get(server.url)
        if found is None:
            parts.append(f"{server.url} was killed after the first quiet state; not compared.\n")
            continue
        parts.append(f"{server.url}, first quiet state to last:\n")
        parts += [f"- {'**leak** ' if one.is_leak else ''}{one}" for one in found] or [
            "- as before"
        ]
        parts.append("")
    faults = f"**{len(report.broken)} faults**" if report.broken else "Nothing was lost or leaked."
    return "\n".join([*parts, faults, *(f"- {fault}" for fault in report.broken[:20])])


def _short(value: Any) -> str:
    match value:
        case list():
            return "+".join(f"{one:g}" for one in value)
        case dict():
            return "/".join(str(one) for one in value.values())
    return str(value)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Read the command line and soak; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--layout", default="postgres-daphne-2")
    parser.add_argument("--kill-every", type=float, default=180.0, help="seconds")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between figures")
    parser.add_argument("--settle", type=float, default=20.0, help="seconds of quiet before a look")
    parser.add_argument("--longest", type=int, default=LONGEST, help="chunks of an answer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the run is kept")
    parser.add_argument("--discard", action="store_const", const=None, dest="results")
    # For the test that a loss is seen.
    parser.add_argument("--lose", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    raise_open_files()
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
