"""`manage.py serve` refuses in words what it cannot do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ROOT, ServerProcess, free_port


def run(data_dir: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    server = ServerProcess(data_dir, 0)
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**server.environment(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "bench.example.org"])
def test_off_loopback_it_names_what_must_be_set(tmp_path: Path, host: str) -> None:
    done = run(tmp_path, "serve", HOST=host)
    assert done.returncode != 0
    assert "SECRET_KEY, TOOLBENCH_ENCRYPTION_KEYS, ALLOWED_HOSTS" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [], "no secret is made for a start that was refused"


def test_a_database_that_does_not_fit_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", PORT=str(free_port()))
    assert done.returncode != 0
    assert "make run" in done.stderr


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server on `tmp_path`."""
    server = ServerProcess(tmp_path, free_port())
    server.manage("migrate", "-v", "0")
    server.manage("collectstatic", "--noinput", "-v", "0")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_a_taken_port_is_named(serving: ServerProcess, tmp_path: Path) -> None:
    taken = run(tmp_path / "elsewhere", "serve", PORT=str(serving.port))
    assert f"Port {serving.port} on 127.0.0.1 is taken" in taken.stderr
    assert "make run" in taken.stderr


def test_the_secrets_are_for_their_owner_alone(serving: ServerProcess, tmp_path: Path) -> None:
    for name in ("secret_key", "encryption_keys"):
        assert os.stat(tmp_path / name).st_mode & 0o777 == 0o600


@pytest.mark.sqlite_only(reason="say that without Redis one process alone may serve a directory")
def test_a_taken_data_directory_is_named(serving: ServerProcess, tmp_path: Path) -> None:
    second = run(tmp_path, "serve", PORT=str(free_port()))
    assert "TOOLBENCH_DATA_DIR" in second.stderr


def test_the_deploy_checks_are_clean(tmp_path: Path) -> None:
    for environment in ({}, {"TOOLBENCH_HTTPS": "true"}):
        done = run(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **environment)
        assert done.returncode == 0, done.stderr
