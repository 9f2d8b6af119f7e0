"""What the gateway adds: milliseconds to the first token, and server CPU per chunk.

`python -m bench.gateway` reads the same paced replay server with the same official SDK, first bare,
then through a Toolbench that journals every chunk on disk. `--profile` says where the time goes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.groups import hottest, shares
from bench.history import RESULTS, keep, markdown_table
from bench.loop import raise_open_files
from bench.report import Report, percentile
from bench.setups import Ground, Setup, ground
from bench.upstream import wish
from tests.serving import ROOT

STREAMS = (1, 20, 100)
LAYOUTS = ("sqlite-daphne-1", "sqlite-uvicorn-1")
FIRST_TOKENS = 60
"""Requests that are timed to their first token, at the least, for each number of streams."""
SHORT = 4
"""Chunks of an answer of which only the first is of interest."""
ENVIRONMENT = {
    "TOOLBENCH_USER_STAGES": "200",
    "TOOLBENCH_KEY_REQUESTS_PER_MINUTE": "1000000",
    "TOOLBENCH_USER_REQUESTS_PER_MINUTE": "1000000",
}
HEAD = (
    *("streams", "SDK µs/chunk", "gateway µs/chunk", "ratio"),
    *("first token SDK p50/p99 ms", "through the gateway", "added", "added delay p50/p99 ms"),
    *("CPU per request ms", "lost"),
)


@dataclass(frozen=True)
class Side:
    """What the SDK's loop saw of one side."""

    us_per_chunk: float
    """CPU of the loop itself."""
    chunks: int
    first_p50_ms: float
    first_p99_ms: float
    delay_p50_ms: float
    delay_p99_ms: float


@dataclass(frozen=True)
class Line:
    """One number of streams on one setup."""

    setup: str
    streams: int
    bare: Side
    through: Side
    server_us: float
    """CPU of the server per chunk."""
    request_ms: float
    """CPU of the server for a request of few chunks."""
    lost_chunks: int

    @property
    def ratio(self) -> float:
        """How many times the bare loop's CPU the server uses for a chunk."""
        return self.server_us / self.bare.us_per_chunk

    def as_row(self) -> tuple[object, ...]:
        """For the table."""
        bare, through = self.bare, self.through
        return (
            self.streams,
            f"{bare.us_per_chunk:.0f}",
            f"{self.server_us:.0f}",
            f"{self.ratio:.2f}",
            f"{bare.first_p50_ms:.1f}/{bare.first_p99_ms:.1f}",
            f"{through.first_p50_ms:.1f}/{through.first_p99_ms:.1f}",
            f"{through.first_p50_ms - bare.first_p50_ms:.1f}/"
            f"{through.first_p99_ms - bare.first_p99_ms:.1f}",
            f"{through.delay_p50_ms - bare.delay_p50_ms:.1f}/"
            f"{through.delay_p99_ms - bare.delay_p99_ms:.1f}",
            f"{self.request_ms:.2f}",
            self.lost_chunks,
        )


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and keep what was found."""
    report = Report("What the gateway adds to the official SDK")
    lines: list[Line] = []
    parts: list[str] = []
    for name in arguments.layout:
        with ground(
            Setup.named(name),
            people=1,
            chunks=SHORT,
            per_second=arguments.per_second,
            environment=ENVIRONMENT,
            is_sampled=arguments.profile,
        ) as made:
            # Its threads are there now, and are sampled from the first time it is asked.
            made.servers[0].counts()
            client = Client(made)
            client.through(1, wish(SHORT, arguments.per_second), 3)
            of_setup = []
            for streams in arguments.streams:
                print(f"{name}: {streams} streams", file=sys.stderr, flush=True)
                of_setup.append(measure(client, streams, arguments))
            lines += of_setup
            parts += [f"**{name}**\n", markdown_table(HEAD, [line.as_row() for line in of_setup])]
            parts.append("")
            if arguments.profile:
                parts += profiled(made.servers[0].counts()["samples"])
    report.promise_none(faults(lines))
    body = "\n".join(parts)
    report.line(body)
    status = report.finish()
    if arguments.results is not None and not arguments.profile:
        summary = "; ".join(
            f"{line.setup} {line.streams}: {line.ratio:.2f} × the SDK loop's CPU, "
            f"{line.through.first_p50_ms - line.bare.first_p50_ms:+.1f} ms"
            for line in lines
        )
        found = {"lines": [{**asdict(line), "ratio": line.ratio} for line in lines]}
        print(f"Kept in {keep('gateway', summary, body, found, arguments.results)}")
    return status


def profiled(samples: list[list[Any]]) -> Iterator[str]:
    """What the server's CPU went into, of all that was asked of it."""
    for head, found in (("what for", shares(samples).items()), ("place", hottest(samples, 40))):
        yield markdown_table((head, "share"), [(f"`{n}`", f"{s * 100:.1f} %") for n, s in found])
        yield ""


def faults(lines: Sequence[Line]) -> Iterator[str]:
    """What must not be."""
    for line in lines:
        if line.lost_chunks:
            yield f"{line.setup}, {line.streams} streams: {line.lost_chunks} chunks were lost"


class Client:
    """The SDK's loop, as a process of its own, on either side."""

    def __init__(self, made: Ground) -> None:
        self.ground = made
        self._url = f"{made.servers[0].url}/v1"
        printed = made.servers[0].manage("create_api_key", "person-0", "--name", "bench")
        self._key = printed.strip().splitlines()[-1]

    def bare(self, streams: int, prompt: str, rounds: int = 1) -> dict[str, Any]:
        """Straight from the model server."""
        return _read(self.ground.base_url, "none", streams, prompt, rounds)

    def through(self, streams: int, prompt: str, rounds: int = 1) -> tuple[dict[str, Any], float]:
        """Through the gateway; and the CPU seconds that the server used."""
        before = self.ground.cpu()["server"]
        found = _read(self._url, self._key, streams, prompt, rounds)
        return found, self.ground.cpu()["server"] - before


def measure(client: Client, streams: int, arguments: argparse.Namespace) -> Line:
    """First tokens of many short answers, then the CPU of long ones; each side in turn."""
    chunks, per_second = arguments.chunks, arguments.per_second
    rounds = max(2, -(-arguments.first_tokens // streams))
    short, long = wish(SHORT, per_second), wish(chunks, per_second)
    bare_first = client.bare(streams, short, rounds)
    through_first, request_cpu = client.through(streams, short, rounds)
    bare = client.bare(streams, long)
    through, cpu = client.through(streams, long)
    request = request_cpu / (streams * rounds + 1)
    return Line(
        setup=client.ground.setup.name,
        streams=streams,
        bare=_side(bare, bare_first),
        through=_side(through, through_first),
        # The short stream that warms the client up is the server's work too.
        server_us=(cpu - request) / through["chunks"] * 1e6,
        request_ms=request * 1e3,
        lost_chunks=streams * chunks - through["chunks"],
    )


def _side(long: dict[str, Any], short: dict[str, Any]) -> Side:
    return Side(
        us_per_chunk=long["cpu_seconds"] / long["chunks"] * 1e6,
        chunks=long["chunks"],
        first_p50_ms=percentile(short["first_token_ms"], 50),
        first_p99_ms=percentile(short["first_token_ms"], 99),
        delay_p50_ms=percentile(long["delays_ms"], 50),
        delay_p99_ms=percentile(long["delays_ms"], 99),
    )


def _read(base_url: str, key: str, streams: int, prompt: str, rounds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.bare", "--base-url", base_url, "--key", key]
    done = subprocess.run(
        [*command, "--streams", str(streams), "--prompt", prompt, "--rounds", str(rounds)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def main(words: Sequence[str] | None = None) -> int:
    """Read the command line and measure; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=_numbers, default=list(STREAMS))
    parser.add_argument("--layout", type=lambda text: text.split(","), default=list(LAYOUTS))
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=20.0)
    parser.add_argument("--first-tokens", type=int, default=FIRST_TOKENS, help="timed, at least")
    parser.add_argument("--profile", action="store_true", help="where the server's CPU goes")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the run is kept")
    parser.add_argument("--discard", action="store_const", const=None, dest="results")
    arguments = parser.parse_args(words)
    raise_open_files()
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
