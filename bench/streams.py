"""Server CPU per delivered chunk at 1, 20 and 100 streams, beside a bare openai-SDK loop.

`python -m bench.streams` prints a table and writes bench/results/streams-<date>.json. Every number
of a run comes from the same machine in the same minutes: the SDK's loop reads the same replay
server, at the same pace, just before Toolbench does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from bench.report import Report, percentile
from tests.serving import ROOT, ServerProcess, free_port

RESULTS = Path(__file__).parent / "results"
TICKS = os.sysconf("SC_CLK_TCK")
IDLE_SECONDS = 5.0


class MeasuredServer(ServerProcess):
    """A server started through bench.profiled_serve, with a look at what it costs."""

    profile: Path | None = None
    start_seconds = 0.0

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Serve; measures the time from exec to the first answer of /healthz."""
        arguments = [str(self.data_dir / "counts.json")]
        arguments += [str(self.profile)] if self.profile else []
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench.profiled_serve", *arguments],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() - began > 60:
                raise RuntimeError(f"The server did not start:\n{self.log.read_text()}")
            time.sleep(0.005)
        self.start_seconds = time.monotonic() - began

    def cpu_seconds(self) -> float:
        """User and system time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mib(self) -> float:
        """Memory it holds now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the kernel tells no VmRSS")

    def counts(self) -> dict[str, Any]:
        """Commits of its journal and CPU of its threads so far."""
        counts = self.data_dir / "counts.json"
        counts.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while not counts.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        found: dict[str, Any] = json.loads(counts.read_text())
        return found

    def _answers(self) -> bool:
        with suppress(OSError):
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        return False


@dataclass(frozen=True)
class Line:
    """What one number of streams cost, both ways."""

    streams: int
    bare_us: float
    toolbench_us: float
    toolbench_net_us: float
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
    loaded_mib: float
    thread_us: dict[str, float]
    ends: dict[str, int]
    dense: bool

    @property
    def ratio(self) -> float:
        """How many times the SDK's CPU."""
        return self.toolbench_us / self.bare_us


@contextmanager
def running_upstream(chunks: int, per_second: float) -> Any:
    """The replay server as a process; yields its base URL."""
    command = [sys.executable, "-m", "bench.upstream", "--chunks", str(chunks)]
    with subprocess.Popen(
        [*command, "--per-second", str(per_second)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield cast(IO[str], process.stdout).readline().strip()
        finally:
            process.terminate()


def measure(
    server: MeasuredServer, cookies: Sequence[str], base_url: str, chunks: int, *, html: bool
) -> Line:
    """One line: the SDK's loop first, then Toolbench."""
    streams = len(cookies)
    command = [sys.executable, "-m", "bench.bare", "--base-url", base_url]
    bare = json.loads(
        subprocess.run(
            [*command, "--streams", str(streams)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    idle_cpu = server.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    idle_per_second = (server.cpu_seconds() - idle_cpu) / IDLE_SECONDS

    command = [sys.executable, "-m", "bench.listeners", "--url", server.url]
    with subprocess.Popen(
        [*command, *(["--html"] if html else [])],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        to, of = cast(IO[str], process.stdin), cast(IO[str], process.stdout)
        to.write(json.dumps(list(cookies)) + "\n")
        to.flush()
        assert of.readline() == "ready\n"
        before, cpu, began = server.counts(), server.cpu_seconds(), time.monotonic()
        to.write("go\n")
        to.flush()
        heard = json.loads(of.readline())
        seconds = time.monotonic() - began
        used = server.cpu_seconds() - cpu
        loaded = server.resident_mib()
        after = server.counts()
    got = heard["chunks"]
    delays = heard["delays_ms"]
    return Line(
        streams=streams,
        bare_us=bare["cpu_seconds"] / bare["chunks"] * 1e6,
        toolbench_us=used / max(got, 1) * 1e6,
        toolbench_net_us=(used - idle_per_second * seconds) / max(got, 1) * 1e6,
        first_token_p50_ms=percentile(heard["first_token_ms"], 50),
        first_token_p99_ms=percentile(heard["first_token_ms"], 99),
        delay_p50_ms=percentile(delays, 50),
        delay_p99_ms=percentile(delays, 99),
        bare_delay_p50_ms=percentile(bare["delays_ms"], 50),
        bare_delay_p99_ms=percentile(bare["delays_ms"], 99),
        frames_per_chunk=heard["frames"] / max(got, 1),
        commits_per_second=(after["commits"] - before["commits"]) / seconds,
        thread_us={
            name: (cpu - before["threads"].get(name, 0.0)) / max(got, 1) * 1e6
            for name, cpu in after["threads"].items()
        },
        expected_chunks=streams * chunks,
        lost_chunks=streams * chunks - got,
        loaded_mib=loaded,
        ends=heard["ends"],
        dense=heard["dense"],
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure every number of streams, print and write what was found."""
    report = Report("Server CPU per delivered chunk, beside a bare openai-SDK loop")
    data_dir = Path(tempfile.mkdtemp(prefix="toolbench-streams-"))
    server = MeasuredServer(data_dir, free_port(), {"TOOLBENCH_DEMO": "false"})
    server.profile = arguments.profile
    lines: list[Line] = []
    try:
        with running_upstream(arguments.chunks, arguments.per_second) as base_url:
            server.manage("migrate", "-v", "0")
            code = (
                f"from bench.people import furnish; furnish({max(arguments.streams)}, {base_url!r})"
            )
            cookies = json.loads(server.manage("shell", "-v", "0", "-c", code))
            # The first start of a version gathers static files; the second is the usual one.
            server.start()
            server.stop()
            server.start()
            idle_mib = server.resident_mib()
            measure(server, cookies[:1], base_url, arguments.chunks, html=arguments.html)
            for streams in arguments.streams:
                lines.append(
                    measure(
                        server, cookies[:streams], base_url, arguments.chunks, html=arguments.html
                    )
                )
            server.stop()
    finally:
        server.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
    _tell(report, lines, idle_mib, server.start_seconds)
    print(report)
    _write(arguments, lines, idle_mib, server.start_seconds)
    return 1 if report.broken else 0


def _tell(report: Report, lines: Sequence[Line], idle_mib: float, start_seconds: float) -> None:
    report.table(
        (
            "streams",
            "SDK µs/chunk",
            "Toolbench",
            "less idle",
            "ratio",
            "first p50/p99 ms",
            "delay p50/p99 ms",
            "SDK's delay",
            "frames/chunk",
            "commits/s",
            "lost",
            "MiB",
        ),
        (
            (
                line.streams,
                f"{line.bare_us:.0f}",
                f"{line.toolbench_us:.0f}",
                f"{line.toolbench_net_us:.0f}",
                f"{line.ratio:.2f}",
                f"{line.first_token_p50_ms:.0f}/{line.first_token_p99_ms:.0f}",
                f"{line.delay_p50_ms:.1f}/{line.delay_p99_ms:.1f}",
                f"{line.bare_delay_p50_ms:.1f}/{line.bare_delay_p99_ms:.1f}",
                f"{line.frames_per_chunk:.2f}",
                f"{line.commits_per_second:.0f}",
                line.lost_chunks,
                f"{line.loaded_mib:.0f}",
            )
            for line in lines
        ),
    )
    report.line(f"{idle_mib:.0f} MiB when idle; {start_seconds:.2f} s from exec to /healthz.")
    for line in lines:
        shares = sorted(line.thread_us.items(), key=lambda share: -share[1])
        told = ", ".join(f"{name} {cost:.0f}" for name, cost in shares if cost >= 1)
        report.line(f"{line.streams} streams, µs/chunk by thread: {told}")
    for line in lines:
        about = f"{line.streams} streams"
        report.promise(line.lost_chunks == 0, f"{about}: {line.lost_chunks} chunks were lost")
        report.promise(line.dense, f"{about}: numbers were not dense")
        report.promise(line.ends == {"done": line.streams}, f"{about}: ended {line.ends}")


def _write(
    arguments: argparse.Namespace, lines: Sequence[Line], idle_mib: float, start_seconds: float
) -> None:
    if arguments.profile is not None:
        return
    now = datetime.now(UTC)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"streams-{now:%Y-%m-%d}{'-html' if arguments.html else ''}.json"
    result = {
        "at": now.isoformat(timespec="seconds"),
        "commit": commit or None,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "chunks": arguments.chunks,
        "per_second": arguments.per_second,
        "html": arguments.html,
        "idle_mib": round(idle_mib, 1),
        "start_seconds": round(start_seconds, 3),
        "lines": [
            {
                name: round(value, 2) if isinstance(value, float) else value
                for name, value in {**vars(line), "ratio": line.ratio}.items()
            }
            for line in lines
        ],
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"Written to {path.relative_to(ROOT)}")


def main() -> int:
    """Read the command line and measure; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 20, 100])
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=20.0)
    parser.add_argument("--html", action="store_true", help="with rendered Markdown, as the page")
    parser.add_argument("--profile", type=Path, help="cProfile of the serving process, to a file")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
