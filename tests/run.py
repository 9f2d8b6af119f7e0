"""`make test`: every check in order, each with its time; the last lines say what was skipped.

A failing step does not hide the later ones; the exit code is 1 if any failed. `lint` as the only
argument runs ruff and mypy alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import PostgresServer, ProgramMissing, RedisServer
from tests.cluster.cluster import migrated_database
from tests.cluster.programs import apt_get, install_missing, missing
from tests.cluster.signals import sigterm_exits
from tests.serving import ELSEWHERE
from tests.skips import required_groups

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
KEPT = {"TOOLBENCH_REQUIRE"}
CLUSTER = ("postgres", "initdb", "redis-server", "nginx")
# What the commands of docs/production.md need beside it.
GUIDE = ("caddy", "curl", "redis-cli", "sqlite3")


@dataclass
class Run:
    """The steps so far: what failed, what was skipped, and how long each took."""

    environment: dict[str, str]
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def step(self, name: str, *command: str, **environment: str) -> None:
        """Run one command from the project's root; its output goes straight through."""
        print(f"\n=== {name}", flush=True)
        with self.timed(name):
            code = subprocess.run(
                command,
                cwd=ROOT,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
            ).returncode
        if code:
            self.failed.append(f"{name} (exit code {code})")
        print(f"--- {name}: {self.seconds[name]:.1f} s", flush=True)

    def python(self, name: str, *arguments: str, **environment: str) -> None:
        """Run one command of this interpreter."""
        self.step(name, sys.executable, *arguments, **environment)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Take the time of a step."""
        begin = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begin

    def report(self) -> int:
        """Times, failures, and last of all the skips; returns the exit code."""
        print("\n=== Times")
        for name, seconds in self.seconds.items():
            print(f"{seconds:7.1f} s  {name}")
        print(f"{sum(self.seconds.values()):7.1f} s  altogether")
        print("\n=== Failed" if self.failed else "\nEverything passed.")
        for name in self.failed:
            print(f"  {name}")
        if self.left_out:
            print("\n=== Left out on PostgreSQL and Redis, since it was run on SQLite")
        for line in self.left_out:
            print(f"  {line}")
        print("\n=== Skipped" if self.skipped else "\nNothing was skipped.")
        # Two steps collect the same module where it is left out as a whole.
        for line in dict.fromkeys(self.skipped):
            print(f"  {line}")
        sys.stdout.flush()
        return 1 if self.failed else 0


def main(arguments: list[str]) -> int:
    """All checks, or those that `arguments` name."""
    with sigterm_exits(), tempfile.TemporaryDirectory(prefix="toolbench-checks-") as scratch:
        run = Run(clean_environment(os.environ, Path(scratch)))
        lint(run)
        if arguments != ["lint"]:
            check_project(run)
            test(run, Path(scratch))
        return run.report()


def clean_environment(environment: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """The environment without what points at a real installation, with a data directory aside."""
    kept = {
        name: value
        for name, value in environment.items()
        if name in KEPT
        or (name not in ELSEWHERE and not name.startswith(("TOOLBENCH_", "DJANGO_")))
    }
    return {**kept, "TOOLBENCH_DATA_DIR": str(scratch / "data"), "PYTHONUNBUFFERED": "1"}


def lint(run: Run) -> None:
    """Style and types."""
    run.python("ruff check", "-m", "ruff", "check", "--quiet", ".")
    run.python("ruff format", "-m", "ruff", "format", "--check", "--quiet", ".")
    run.python("mypy", "-m", "mypy")


def check_project(run: Run) -> None:
    """What Django can say about the project, as served here and as served to others."""
    run.python("migrations", "manage.py", "makemigrations", "--check", "--dry-run")
    deploy = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    run.python("check --deploy, on loopback", *deploy)
    from cryptography.fernet import Fernet

    run.python(
        "check --deploy, off loopback",
        *deploy,
        HOST="0.0.0.0",
        ALLOWED_HOSTS="toolbench.example.org",
        SECRET_KEY=Fernet.generate_key().decode() * 2,
        TOOLBENCH_ENCRYPTION_KEYS=Fernet.generate_key().decode(),
    )


def test(run: Run, scratch: Path) -> None:
    """The tests without a browser in two processes, on SQLite and again on PostgreSQL and Redis;
    then those with a browser."""
    skips = scratch / "skips.txt"
    pytest = ("-m", "pytest", "--quiet", "-p", "no:cacheprovider")
    telling = {"TOOLBENCH_SKIPS_FILE": str(skips)}
    without_browser = (*pytest, "-n", "2", "--dist", "worksteal", "--ignore=tests/browser")
    provide_cluster(run)
    run.python("tests on SQLite", *without_browser, **telling)
    with cluster_parts(run) as parts:
        if parts:
            left_out = scratch / "left_out.txt"
            telling_more = {**telling, "TOOLBENCH_LEFT_OUT_FILE": str(left_out)}
            run.python("tests on PostgreSQL and Redis", *without_browser, **telling_more, **parts)
            if left_out.exists():
                run.left_out += left_out.read_text(encoding="utf-8").splitlines()
    provide_chromium(run)
    run.python("browser tests", *pytest, "tests/browser", **telling)
    if skips.exists():
        run.skipped += skips.read_text(encoding="utf-8").splitlines()


def provide_cluster(run: Run) -> None:
    """Install Debian's PostgreSQL, Redis, nginx and so on where one is missing and this is root."""
    if missing(*CLUSTER, *GUIDE):
        print("\n=== Installing what the tests of several processes need", flush=True)
        with run.timed("installing PostgreSQL, Redis, nginx and Caddy"):
            install_missing(*CLUSTER, *GUIDE)


@contextmanager
def cluster_parts(run: Run) -> Iterator[dict[str, str]]:
    """A PostgreSQL and a Redis as the variables that name them; none where they cannot be had."""
    if wanting := missing("postgres", "initdb", "redis-server"):
        reason = f"cluster: all tests on PostgreSQL and Redis. {ProgramMissing(*wanting)}"
        run.skipped.append(reason)
        if "cluster" in required_groups():
            run.failed.append(reason)
        yield {}
        return
    # Nothing here outlives the run, so nothing need reach the disk.
    with PostgresServer(fsync=False) as postgres, RedisServer() as redis:
        migrated_database(postgres)
        yield {"TOOLBENCH_TEST_POSTGRES": postgres.url(), "TOOLBENCH_TEST_REDIS": redis.url()}


def provide_chromium(run: Run) -> None:
    """Install Debian's Chromium where none is on PATH and this is root; a failure only tells."""
    if any(map(shutil.which, CHROMIUM_NAMES)) or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("\n=== Installing Chromium", flush=True)
    with run.timed("installing Chromium"):
        try:
            apt_get("update", "-q")
            apt_get("install", "-y", "-q", "--no-install-recommends", "chromium")
        except (subprocess.SubprocessError, OSError) as error:
            print(f"Chromium could not be installed ({error}); the browser tests are skipped.")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
