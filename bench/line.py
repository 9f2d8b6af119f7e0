"""One line of the streams table: measuring it, and what must hold of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any, cast

from bench.costs import cpu_seconds
from bench.listeners import START_SPREAD, Seat
from bench.report import percentile
from bench.setups import Ground
from bench.upstream import wish
from tests.serving import ROOT

IDLE_SECONDS = 3.0
WARM_CHUNKS = 20
LATE_SECONDS = 120
"""How much longer than the pace asks a run may take before it is given up."""


@dataclass(frozen=True)
class Line:
    """What one number of streams cost on one setup, and what the bare loop cost just before."""

    setup: str
    streams: int
    bare_us: float
    bare_seconds: float
    toolbench_us: float
    toolbench_seconds: float
    net_us: float
    paced_seconds: float
    first_token_p50_ms: float
    first_token_p99_ms: float
    delay_p50_ms: float
    delay_p99_ms: float
    bare_delay_p50_ms: float
    bare_delay_p99_ms: float
    frames_per_chunk: float
    commits_per_second: float
    expected_chunks: int
    lost_chunks: int
    loaded_mib: list[float]
    postgres_us: float
    redis_us: float
    shares: dict[str, float]
    """CPU of each party as a share of one core while the streams ran."""
    thread_us: dict[str, float]
    ends: dict[str, int]
    is_dense: bool
    samples: list[list[Any]] = field(default_factory=list, repr=False)

    @property
    def ratio(self) -> float:
        """How many times the bare loop's CPU."""
        return self.toolbench_us / self.bare_us

    @property
    def bare_kept_up(self) -> bool:
        """Whether the bare loop read as fast as it was sent to."""
        return self.bare_seconds <= self.paced_seconds * 1.03 + 0.3

    @property
    def kept_up(self) -> bool:
        """The same of Toolbench."""
        return self.toolbench_seconds <= self.paced_seconds * 1.03 + 0.5

    def as_json(self) -> dict[str, Any]:
        """For the file that is kept; stacks are for the moment only."""
        found = {name: value for name, value in asdict(self).items() if name != "samples"}
        return {name: _rounded(value) for name, value in {**found, "ratio": self.ratio}.items()}


def faults(line: Line) -> Iterator[str]:
    """What must not be: lost text, numbers with gaps, ends that are none."""
    about = f"{line.setup}, {line.streams} streams"
    if line.lost_chunks:
        yield f"{about}: {line.lost_chunks} of {line.expected_chunks} chunks were lost"
    if not line.is_dense:
        yield f"{about}: the numbers of events were not dense"
    if line.ends != {"done": line.streams}:
        yield f"{about}: ended {line.ends}"


def measure(
    ground: Ground,
    streams: int,
    *,
    chunks: int,
    per_second: float,
    html: bool = False,
    clients: int = 1,
    drop: int = 0,
) -> Line:
    """One line: the bare loop first, then Toolbench. `clients`: processes to listen with;
    `drop`: chunks that the upstream keeps to itself, so that a test sees them missed."""
    bare = _bare(ground, streams)
    idle_from = ground.cpu()["server"]
    time.sleep(IDLE_SECONDS)
    idle_per_second = (ground.cpu()["server"] - idle_from) / IDLE_SECONDS
    paced = (chunks - 1) / per_second + (streams - 1) * START_SPREAD
    prompt = "Go on. " + wish(chunks - drop, per_second)
    task = {"prompt": prompt, "html": html, "seconds": paced + LATE_SECONDS}
    with Listening(clients) as processes:
        _seat(processes, ground.seats(streams), task)
        before, cpu = [server.counts() for server in ground.servers], ground.cpu()
        client_cpu = [cpu_seconds(process.pid) for process in processes]
        began = time.monotonic()
        for process in processes:
            _tell(process, "go")
        heard = _joined([_parsed(_hear(process)) for process in processes])
        seconds = time.monotonic() - began
        used = {name: value - cpu[name] for name, value in ground.cpu().items()}
        used["clients"] = sum(
            cpu_seconds(process.pid) - was
            for process, was in zip(processes, client_cpu, strict=True)
        )
        loaded = [server.resident_mib() for server in ground.servers]
        after = [server.counts() for server in ground.servers]
    got = max(heard["chunks"], 1)
    return Line(
        setup=ground.setup.name,
        streams=streams,
        bare_us=bare["cpu_seconds"] / bare["chunks"] * 1e6,
        bare_seconds=bare["seconds"],
        toolbench_us=used["server"] / got * 1e6,
        toolbench_seconds=heard["seconds"],
        net_us=(used["server"] - idle_per_second * seconds) / got * 1e6,
        paced_seconds=paced,
        first_token_p50_ms=percentile(heard["first_token_ms"], 50),
        first_token_p99_ms=percentile(heard["first_token_ms"], 99),
        delay_p50_ms=percentile(heard["delays_ms"], 50),
        delay_p99_ms=percentile(heard["delays_ms"], 99),
        bare_delay_p50_ms=percentile(bare["delays_ms"], 50),
        bare_delay_p99_ms=percentile(bare["delays_ms"], 99),
        frames_per_chunk=heard["frames"] / got,
        commits_per_second=_grown(before, after, "commits") / seconds,
        expected_chunks=streams * chunks,
        lost_chunks=streams * chunks - heard["chunks"],
        loaded_mib=loaded,
        postgres_us=used["postgres"] / got * 1e6,
        redis_us=used["redis"] / got * 1e6,
        shares={name: value / seconds for name, value in used.items()},
        thread_us={
            name: cpu / got * 1e6 for name, cpu in _threads(before, after).items() if cpu > 0
        },
        ends=heard["ends"],
        is_dense=heard["dense"],
        samples=_samples(before, after),
    )


def warm_up(ground: Ground, per_second: float) -> None:
    """A short stage in each process, so that all that is loaded once is loaded."""
    with Listening(1) as processes:
        task = {"prompt": wish(WARM_CHUNKS, per_second), "html": True, "seconds": LATE_SECONDS}
        _seat(processes, ground.seats(len(ground.servers)), task)
        _tell(processes[0], "go")
        _hear(processes[0])


def _seat(
    processes: Sequence[subprocess.Popen[str]], seats: Sequence[Seat], task: dict[str, Any]
) -> None:
    """Tell each process who listens there; returns when all are connected."""
    for at, process in enumerate(processes):
        share = [vars(seat) for seat in seats[at :: len(processes)]]
        _tell(process, json.dumps({**task, "seats": share}))
    for process in processes:
        assert _hear(process) == "ready\n"


def _bare(ground: Ground, streams: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.bare", "--base-url", ground.base_url]
    done = subprocess.run(
        [*command, "--streams", str(streams)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Listening:
    """Listening processes; gone when the context is left."""

    def __init__(self, count: int) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "bench.listeners"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]

    def __enter__(self) -> list[subprocess.Popen[str]]:
        return self._processes

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


def _tell(process: subprocess.Popen[str], line: str) -> None:
    to = cast(IO[str], process.stdin)
    to.write(line + "\n")
    to.flush()


def _hear(process: subprocess.Popen[str]) -> str:
    line = cast(IO[str], process.stdout).readline()
    if not line:
        raise RuntimeError("A listening process ended early; its words are above.")
    return line


def _parsed(line: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError as error:
        around = f"{line[:200]!r} … {line[-200:]!r}"
        raise RuntimeError(f"{error}; {len(line)} characters: {around}") from None
    return found


def _joined(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What several listening processes heard, as if it were one."""
    ends: Counter[str] = Counter()
    for part in parts:
        ends.update(part["ends"])
    return {
        "chunks": sum(part["chunks"] for part in parts),
        "frames": sum(part["frames"] for part in parts),
        "first_token_ms": [ms for part in parts for ms in part["first_token_ms"]],
        "delays_ms": [ms for part in parts for ms in part["delays_ms"]],
        "seconds": max(part["seconds"] for part in parts),
        "ends": dict(ends),
        "dense": all(part["dense"] for part in parts),
    }


def _grown(before: list[dict[str, Any]], after: list[dict[str, Any]], name: str) -> float:
    return float(sum(b[name] - a[name] for a, b in zip(before, after, strict=True)))


def _threads(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> dict[str, float]:
    """CPU by thread, of all processes together; the threads of a pool count as one."""
    found: Counter[str] = Counter()
    for was, now in zip(before, after, strict=True):
        for name, cpu in now["threads"].items():
            found[name.rstrip("0123456789").rstrip("_-")] += cpu - was["threads"].get(name, 0.0)
    return dict(found)


def _samples(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[list[Any]]:
    """Stacks that were met in between, of all processes together."""
    found: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for was, now in zip(before, after, strict=True):
        for name, stack, count in now["samples"]:
            found[name, tuple(stack)] += count
        for name, stack, count in was["samples"]:
            found[name, tuple(stack)] -= count
    return [[name, list(stack), count] for (name, stack), count in found.items() if count]


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 2)
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list():
            return [_rounded(one) for one in value]
    return value
