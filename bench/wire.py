"""What reading a chunk costs: our reader beside the openai SDK and bare decoders, in one run.

`python -m bench.wire` measures text, reasoning and tool arguments, each paced (a network read to a
chunk, as from a model) and all at once (many chunks to a read); a few minutes. Every reader is a
process of its own, the replay server another; readers take turns, and the median of the rounds
counts. aiohttp is no dependency: `--aiohttp PYTHON` names an interpreter that has it and orjson.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from bench.history import RESULTS, keep, markdown_table
from bench.report import Report
from bench.wire_upstream import DELTAS, WORDS
from tests.serving import ROOT

GOAL = 0.25
"""Our CPU per chunk over the SDK's, at most."""
NAMES = {
    "sdk": "openai SDK",
    "toolbench": "Toolbench",
    "bare": "bare decoder on our HTTP",
    "aiohttp": "bare decoder on aiohttp",
}


@dataclass(frozen=True)
class Pace:
    """How chunks arrive."""

    name: str
    streams: int
    chunks: int
    per_second: float


@dataclass(frozen=True)
class Figure:
    """Microseconds of CPU per chunk of one reader, round by round."""

    shape: str
    pace: str
    reader: str
    rounds: list[float]

    @property
    def median(self) -> float:
        """What counts."""
        return statistics.median(self.rounds)


def prove(
    *,
    shapes: Sequence[str],
    paces: Sequence[Pace],
    rounds: int,
    aiohttp: str | None = None,
    goal: float | None = GOAL,
) -> tuple[Report, list[Figure]]:
    """Measure everything; each promise is that every character was read, and the goal."""
    report = Report("CPU µs per chunk of a model server's stream")
    pythons = {"sdk": sys.executable, "toolbench": sys.executable, "bare": sys.executable}
    if aiohttp is not None or find_spec("aiohttp") is not None:
        pythons["aiohttp"] = aiohttp or sys.executable
    else:
        report.line("aiohttp is not installed here, so it is not measured (see --aiohttp).")
    figures: list[Figure] = []
    with upstream() as base_url:
        for pace in paces:
            for shape in shapes:
                figures += _measure(report, base_url, shape, pace, pythons, rounds)
    if goal is not None:
        for figure in figures:
            if figure.reader == "toolbench":
                ratio = figure.median / _of(figures, figure, "sdk")
                about = f"{figure.shape}, {figure.pace}: {ratio:.2f} of the SDK's CPU"
                report.promise(ratio <= goal, f"{about}, where {goal:g} is the goal")
    report.line(table(figures))
    return report, figures


def table(figures: Sequence[Figure]) -> str:
    """The figures as Markdown, a line to each shape and pace."""
    readers = [name for name in NAMES if any(figure.reader == name for figure in figures)]
    rows = []
    for figure in figures:
        if figure.reader != "toolbench":
            continue
        costs = [_of(figures, figure, reader) for reader in readers]
        ratios = [
            f"{figure.median / _of(figures, figure, reader):.2f}"
            for reader in readers
            if reader != "toolbench"
        ]
        rows.append([f"{figure.shape}, {figure.pace}", *(f"{cost:.1f}" for cost in costs), *ratios])
    ratios_of = [f"Toolbench / {NAMES[name]}" for name in readers if name != "toolbench"]
    return markdown_table(["chunks", *(NAMES[name] for name in readers), *ratios_of], rows)


@contextmanager
def upstream() -> Iterator[str]:
    """The replay server in a process of its own; its base URL."""
    words = [sys.executable, "-m", "bench.wire_upstream"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _measure(
    report: Report,
    base_url: str,
    shape: str,
    pace: Pace,
    pythons: dict[str, str],
    rounds: int,
) -> list[Figure]:
    costs: dict[str, list[float]] = {reader: [] for reader in pythons}
    for _ in range(rounds):
        for reader, python in pythons.items():
            found = _run_reader(python, reader, base_url, shape, pace)
            expected = pace.chunks * pace.streams * len(WORDS)
            report.promise(
                found["characters"] == expected,
                f"{reader}, {shape}, {pace.name}: {found['characters']} of {expected} characters",
            )
            costs[reader].append(found["cpu_seconds"] / found["chunks"] * 1e6)
    return [Figure(shape, pace.name, reader, cost) for reader, cost in costs.items()]


def _run_reader(
    python: str, reader: str, base_url: str, shape: str, pace: Pace
) -> dict[str, float]:
    words = [python, "-m", "bench.wire_readers", reader, "--base-url", base_url]
    words += ["--shape", shape, "--chunks", str(pace.chunks)]
    words += ["--per-second", str(pace.per_second), "--streams", str(pace.streams)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=_environment())
    if done.returncode:
        raise RuntimeError(f"{reader} could not be measured: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}


def _of(figures: Sequence[Figure], beside: Figure, reader: str) -> float:
    return next(
        figure.median
        for figure in figures
        if (figure.shape, figure.pace, figure.reader) == (beside.shape, beside.pace, reader)
    )


def main(words: list[str] | None = None) -> int:
    """Read the command line, measure, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.wire", description=__doc__)
    parser.add_argument("--shapes", type=lambda text: text.split(","), default=list(DELTAS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=50.0)
    parser.add_argument("--aiohttp", metavar="PYTHON", help="an interpreter with aiohttp, orjson")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the run is kept")
    parser.add_argument("--discard", action="store_const", const=None, dest="results")
    arguments = parser.parse_args(words)
    paces = [
        Pace("paced", arguments.streams, arguments.chunks, arguments.per_second),
        Pace("at once", 4, 10 * arguments.chunks, 0.0),
    ]
    report, figures = prove(
        shapes=arguments.shapes,
        paces=paces,
        rounds=arguments.rounds,
        aiohttp=arguments.aiohttp,
    )
    status = report.finish()
    if arguments.results is not None:
        paced = [f for f in figures if f.pace == "paced" and f.reader == "toolbench"]
        summary = ", ".join(
            f"{f.shape} {f.median:.1f} µs ({f.median / _of(figures, f, 'sdk'):.2f} of the SDK's)"
            for f in paced
        )
        found = {"paces": [asdict(p) for p in paces], "figures": [asdict(f) for f in figures]}
        print(keep("wire", summary, table(figures), found, arguments.results))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
