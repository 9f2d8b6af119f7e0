"""Server CPU per delivered chunk and what else counts, at 1 to 1,000 streams, on every setup.

`python -m bench.streams` measures the whole table (half an hour) and keeps it in bench/results/;
`--streams 1,20,100 --layout sqlite-daphne-1,postgres-uvicorn-2` a part of it. Beside each line the
bare openai-SDK loop reads the same replay server, at the same pace, just before.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.groups import hottest, shares
from bench.history import RESULTS, keep, markdown_table
from bench.line import Line, faults, measure, warm_up
from bench.loop import raise_open_files
from bench.report import Report
from bench.setups import Setup, ground, seconds_to_start, start

STREAMS = (1, 20, 100, 300, 1000)
WHOLE_TABLE = (
    *("sqlite-daphne-1", "sqlite-uvicorn-1", "postgres-daphne-1", "postgres-uvicorn-1"),
    *("postgres-daphne-2", "postgres-uvicorn-2", "postgres-daphne-2x", "postgres-uvicorn-2x"),
    "sqlite_normal-daphne-1",
)
NORMAL_STREAMS = (20, 100)
"""What FULL costs shows at these; the other numbers of streams would only take time."""
START_UPS = 5
SETTLE_SECONDS = 3.0
HEAD = (
    *("streams", "SDK µs/chunk", "Toolbench", "ratio", "first p50/p99 ms", "delay p50/p99 ms"),
    *("added p50/p99 ms", "frames/chunk", "commits/s", "lost", "MiB", "PostgreSQL µs"),
    *("Redis µs", "cores: server/clients/upstream/PostgreSQL/Redis"),
)


@dataclass(frozen=True)
class Standing:
    """What a setup needs before anybody comes."""

    setup: str
    idle_mib: list[float]
    start_seconds: list[float] = field(default_factory=list)

    @property
    def start_up(self) -> float | None:
        """Its median."""
        return statistics.median(self.start_seconds) if self.start_seconds else None


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and keep what was found."""
    report = Report("Server CPU per delivered chunk, beside a bare openai-SDK loop")
    lines: list[Line] = []
    standings: list[Standing] = []
    for name in arguments.layout:
        try:
            measure_setup(Setup.named(name), arguments, lines, standings)
        except Exception as error:
            # The others took half an hour; what fails is told, and they are kept.
            traceback.print_exc()
            report.promise_none([f"{name} could not be measured to its end: {error!r}"[:400]])
    for line in lines:
        report.promise_none(faults(line))
    body = written(lines, standings, html=arguments.html)
    report.line(body)
    if arguments.profile:
        body = profiled(lines)
        report.line(body)
    status = report.finish()
    if arguments.results is not None:
        kept = keep(
            "profile" if arguments.profile else "streams",
            summary(lines) + (" with rendered Markdown" if arguments.html else ""),
            body,
            {
                "chunks": arguments.chunks,
                "per_second": arguments.per_second,
                "html": arguments.html,
                "standings": [asdict(standing) for standing in standings],
                "lines": [line.as_json() for line in lines],
                "groups": [shares(line.samples) for line in lines],
            },
            arguments.results,
        )
        print(f"Kept in {kept}", file=sys.stderr)
    return status


def measure_setup(
    setup: Setup, arguments: argparse.Namespace, lines: list[Line], standings: list[Standing]
) -> None:
    """All numbers of streams on one setup."""
    numbers = [n for n in arguments.streams if setup.is_durable or n in NORMAL_STREAMS]
    if not numbers:
        return
    _say(f"{setup.name}: setting up {setup.layout}")
    with ground(
        setup,
        people=max(*numbers, setup.layout.processes),
        chunks=arguments.chunks - arguments.drop,
        per_second=arguments.per_second,
        is_sampled=arguments.profile,
        is_started=False,
    ) as made:
        starts = arguments.start_ups if setup.layout.processes == 1 and setup.is_durable else 0
        # The first start writes bytecode and secrets; it is not the usual one.
        seconds = [seconds_to_start(made.servers[0]) for _ in range(starts + 1 if starts else 0)]
        start(made.servers)
        time.sleep(SETTLE_SECONDS)
        idle = [server.resident_mib() for server in made.servers]
        standings.append(Standing(setup.name, idle, seconds[1:]))
        warm_up(made, arguments.per_second)
        for streams in numbers:
            _say(f"{setup.name}: {streams} streams")
            line = measure(
                made,
                streams,
                chunks=arguments.chunks,
                per_second=arguments.per_second,
                html=arguments.html,
                clients=arguments.clients,
                drop=arguments.drop,
            )
            lines.append(line)
            _say(
                f"{setup.name}: {streams} streams: ratio {line.ratio:.2f}, "
                f"{line.lost_chunks} lost, first token p99 {line.first_token_p99_ms:.0f} ms"
            )


def written(lines: Sequence[Line], standings: Sequence[Standing], *, html: bool) -> str:
    """Tables and words, as Markdown."""
    parts = ["With rendered Markdown beside the text.\n"] if html else []
    for standing in standings:
        rows = [_row(line) for line in lines if line.setup == standing.setup]
        parts += [f"**{standing.setup}**: {_standing_words(standing)}\n"]
        parts += [markdown_table(HEAD, rows), ""]
    if any(not line.bare_kept_up for line in lines):
        parts.append(
            "\\* The bare loop did not keep up: what was sent at the pace took it longer, so its "
            "delays are those of a queue and nothing is said of added delay. Its CPU per chunk "
            "stands.\n"
        )
    if any(not line.kept_up for line in lines):
        parts.append("† Toolbench did not keep up with the pace.\n")
    parts += ["Goals:", *(f"- {goal}" for goal in goals(lines, standings))]
    return "\n".join(parts)


def _row(line: Line) -> tuple[object, ...]:
    added = "–"
    if line.bare_kept_up:
        added = (
            f"{line.delay_p50_ms - line.bare_delay_p50_ms:.1f}/"
            f"{line.delay_p99_ms - line.bare_delay_p99_ms:.1f}"
        )
    cores = (line.shares[n] for n in ("server", "clients", "upstream", "postgres", "redis"))
    return (
        line.streams,
        f"{line.bare_us:.0f}{'' if line.bare_kept_up else '*'}",
        f"{line.toolbench_us:.0f}{'' if line.kept_up else '†'}",
        f"{line.ratio:.2f}",
        f"{line.first_token_p50_ms:.0f}/{line.first_token_p99_ms:.0f}",
        f"{line.delay_p50_ms:.1f}/{line.delay_p99_ms:.1f}",
        added,
        f"{line.frames_per_chunk:.2f}",
        f"{line.commits_per_second:.0f}",
        line.lost_chunks,
        "+".join(f"{mib:.0f}" for mib in line.loaded_mib),
        f"{line.postgres_us:.0f}",
        f"{line.redis_us:.0f}",
        "/".join(f"{share:.2f}" for share in cores),
    )


def _standing_words(standing: Standing) -> str:
    words = "+".join(f"{mib:.0f}" for mib in standing.idle_mib) + " MiB when idle"
    if standing.start_up is not None:
        words += (
            f"; {standing.start_up:.2f} s from exec to /healthz (median of "
            f"{len(standing.start_seconds)}, {min(standing.start_seconds):.2f} to "
            f"{max(standing.start_seconds):.2f})"
        )
    return words


def goals(lines: Sequence[Line], standings: Sequence[Standing]) -> list[str]:
    """The issue's goals and how far each measured line is from them."""
    told = [
        _goal(
            f"{line.setup}, {line.streams} streams: CPU", line.ratio, 1.0, "{:.2f} × the SDK loop"
        )
        for line in lines
        if line.streams in (20, 100) and line.setup != "sqlite_normal-daphne-1"
    ]
    for line in lines:
        about = f"{line.setup}, {line.streams} streams"
        if line.streams == 300:
            told.append(
                _goal(f"{about}: first token p99", line.first_token_p99_ms, 500, "{:.0f} ms")
            )
            told += [_goal(f"{about}: memory", mib, 250, "{:.0f} MiB") for mib in line.loaded_mib]
        if line.streams >= 300:
            told.append(_goal(f"{about}: chunks lost", line.lost_chunks, 0, "{:.0f}"))
    for standing in standings:
        if standing.start_up is not None:
            told.append(_goal(f"{standing.setup}: start-up", standing.start_up, 1.5, "{:.2f} s"))
        told.append(_goal(f"{standing.setup}: idle", max(standing.idle_mib), 130, "{:.0f} MiB"))
    return told + _cost_of_full(lines)


def _goal(about: str, value: float, limit: float, unit: str) -> str:
    if value <= limit:
        return f"{about} {unit.format(value)} (goal {unit.format(limit)}): reached"
    over = f", over it by {(value / limit - 1) * 100:.0f} %" if limit else ""
    return f"{about} {unit.format(value)} (goal {unit.format(limit)}): **missed**{over}"


def _cost_of_full(lines: Sequence[Line]) -> list[str]:
    """What synchronous=FULL costs over NORMAL, where both were measured."""
    full = {line.streams: line for line in lines if line.setup == "sqlite-daphne-1"}
    return [
        f"synchronous=FULL at {line.streams} streams: "
        f"{full[line.streams].toolbench_us - line.toolbench_us:+.0f} µs/chunk over NORMAL "
        f"({full[line.streams].toolbench_us:.0f} to {line.toolbench_us:.0f}), delay p50 "
        f"{full[line.streams].delay_p50_ms - line.delay_p50_ms:+.1f} ms"
        for line in lines
        if line.setup == "sqlite_normal-daphne-1" and line.streams in full
    ]


def profiled(lines: Sequence[Line]) -> str:
    """Where the server's CPU went, in µs per chunk."""
    parts = []
    for line in lines:
        about = f"**{line.setup}, {line.streams} streams**: {line.toolbench_us:.0f} µs/chunk"
        rows = [
            (group, f"{share * line.toolbench_us:.1f}", f"{share * 100:.0f} %")
            for group, share in shares(line.samples).items()
        ]
        threads = ", ".join(
            f"{name} {cost:.0f}"
            for name, cost in sorted(line.thread_us.items(), key=lambda item: -item[1])
            if cost >= 1
        )
        places = [
            (f"`{place}`", f"{share * line.toolbench_us:.1f}", f"{share * 100:.0f} %")
            for place, share in hottest(line.samples)
        ]
        parts += [
            f"{about}; by thread: {threads}\n",
            markdown_table(("what for", "µs/chunk", "share"), rows),
            "",
            markdown_table(("innermost place", "µs/chunk", "share"), places),
            "",
        ]
    return "\n".join(parts)


def summary(lines: Sequence[Line]) -> str:
    """A run in one line, for the history."""
    found: dict[str, list[str]] = {}
    for line in lines:
        lost = f", {line.lost_chunks} lost" if line.lost_chunks else ""
        found.setdefault(line.setup, []).append(f"{line.ratio:.2f} at {line.streams}{lost}")
    return "× the SDK loop's CPU: " + "; ".join(
        f"{name} {', '.join(ratios)}" for name, ratios in found.items()
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def _layouts(text: str) -> list[str]:
    return [Setup.named(part.strip()).name for part in text.split(",") if part.strip()]


def main(words: Sequence[str] | None = None) -> int:
    """Read the command line and measure; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=_numbers)
    parser.add_argument("--layout", type=_layouts, help=f"of {', '.join(WHOLE_TABLE)}")
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=20.0)
    parser.add_argument("--html", action="store_true", help="with rendered Markdown, as the page")
    parser.add_argument("--profile", action="store_true", help="where the server's CPU goes")
    parser.add_argument("--clients", type=int, default=1, help="processes that listen")
    parser.add_argument("--start-ups", type=int, default=START_UPS)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the run is kept")
    parser.add_argument("--discard", action="store_const", const=None, dest="results")
    # For the test that the command sees what is missing.
    parser.add_argument("--drop", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    arguments.streams = arguments.streams or ([20, 100] if arguments.profile else list(STREAMS))
    arguments.layout = arguments.layout or list(
        ("sqlite-daphne-1", "postgres-daphne-2") if arguments.profile else WHOLE_TABLE
    )
    arguments.start_ups = 0 if arguments.profile else arguments.start_ups
    raise_open_files()
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
