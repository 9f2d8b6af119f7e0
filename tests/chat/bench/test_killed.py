"""A run whose process is killed in the middle, gone on with by another: the same totals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.serving import ROOT, ServerProcess

TRIALS = 60
KILLED_AFTER = 17


def part(server: ServerProcess, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chat.bench.program", *arguments],
        cwd=ROOT,
        env={**server.environment(), "TOOLBENCH_DEMO": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(server: ServerProcess, *arguments: str) -> list[str]:
    process = part(server, *arguments)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out.splitlines()


@pytest.mark.slow
def test_a_killed_run_that_is_resumed_has_the_same_totals(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, 0)
    server.manage("migrate")
    (run_id,) = said(server, "make")
    with part(server, "run", run_id) as killed:
        assert killed.stdout is not None
        before = [killed.stdout.readline() for _ in range(KILLED_AFTER)]
        killed.kill()
        before += killed.stdout.readlines()
    assert all(line.strip() for line in before)
    halfway: dict[str, Any] = json.loads(said(server, "totals", run_id)[0])
    done = [trial for trial in halfway["trials"] if trial[1] is not None]
    assert len(before) <= len(done) < TRIALS
    after = said(server, "resume", run_id)
    assert len(after) == TRIALS - len(done)
    ended = json.loads(said(server, "totals", run_id)[0])
    assert ended["status"] == "done"
    assert [trial for trial in ended["trials"] if trial in done] == done
    verdicts = [trial[:3] for trial in ended["trials"]]
    assert verdicts.count(["success", True, ""]) == 40
    assert verdicts.count(["success", False, "CALL_MISSING"]) == 20
