"""`manage.py bench` as a process: killed, stopped with Ctrl-C, and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chat.bench.stage_runner.plain_endpoint import PlainEndpoint
from tests.serving import ROOT

CASES = 8
REPEAT = 3
LIMIT = 60


@dataclass
class Moment:
    """Tells when the n-th request has come."""

    number: int
    came: threading.Event = field(default_factory=threading.Event)

    def __call__(self, number: int) -> None:
        if number == self.number:
            self.came.set()


@pytest.fixture
def plain() -> Iterator[PlainEndpoint]:
    """A plain endpoint of which every third case goes wrong."""
    with PlainEndpoint() as endpoint:
        endpoint.behaviours = {"case 0": "error", "case 3": "cut", "case 6": "error"}
        yield endpoint


@pytest.fixture
def command(tmp_path: Path, plain: PlainEndpoint) -> list[str]:
    """The command on eight streamed cases, three tries each."""
    listed: list[dict[str, Any]] = [
        {
            "id": f"case-{number}",
            "stage_a": {
                "system_prompt": "",
                "user_prompt": f"This is case {number}",
                "model_container": "traditional",
                "stream": True,
                "prompt_tool_spec": {"strategy": "chat_completion"},
            },
        }
        for number in range(CASES)
    ]
    cases = tmp_path / "cases.yaml"
    cases.write_text(yaml.safe_dump(listed))
    started = [sys.executable, "manage.py", "bench", str(cases), "--endpoint", plain.url]
    return [*started, "--repeat", str(REPEAT)]


def start(tmp_path: Path, *command: str) -> subprocess.Popen[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**kept, "TOOLBENCH_DATA_DIR": str(tmp_path / "data")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, beside = process.communicate(timeout=LIMIT)
    return process.returncode, out, beside


def figures(path: Path) -> dict[str, Any]:
    """A report without what differs from run to run: ids and times."""
    report = json.loads(path.read_text())
    names = ("case_id", "route", "number", "status", "passed", "code", "message", "output")
    trials = [[trial[name] for name in names] for trial in report["trials"]]
    totals = [report[name] for name in ("total", "ended", "passed")]
    routes = [{**one, "latency_p50_ms": 0, "latency_p95_ms": 0} for one in report["routes"]]
    for one in routes:
        one["first_token_p50_ms"] = 0
    return {"trials": trials, "totals": totals, "routes": routes}


@pytest.mark.slow
@pytest.mark.parametrize(("parallel", "killed_at"), [("1", 5), ("4", 14)])
def test_a_killed_run_that_is_resumed_gives_the_same_totals(
    tmp_path: Path, plain: PlainEndpoint, command: list[str], parallel: str, killed_at: int
) -> None:
    whole, cut = tmp_path / "whole.json", tmp_path / "cut.json"
    started = [*command, "--parallel", parallel, "--json"]
    assert ended(start(tmp_path, *started, str(whole)))[0] == 1
    plain.asked.clear()
    moment = Moment(killed_at)
    plain.on_ask = moment
    killed = start(tmp_path, *started, str(cut))
    assert moment.came.wait(LIMIT)
    killed.send_signal(signal.SIGKILL)
    assert ended(killed)[0] == -signal.SIGKILL
    assert not cut.exists()
    asked_before = len(plain.asked)
    status, _, beside = ended(start(tmp_path, *started, str(cut), "--resume"))
    assert status == 1
    # What was done is not done again: at most what was under way is.
    assert CASES * REPEAT <= len(plain.asked) <= CASES * REPEAT + int(parallel)
    assert len(plain.asked) - asked_before < CASES * REPEAT
    assert "24 of 24 trials" in beside
    assert figures(cut) == figures(whole)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_ends_with_130_and_says_how_to_go_on(
    tmp_path: Path, plain: PlainEndpoint, command: list[str], sent: signal.Signals
) -> None:
    moment = Moment(4)
    plain.on_ask = moment
    plain.behaviours["case 3"] = "hang"
    process = start(tmp_path, *command)
    assert moment.came.wait(LIMIT)
    process.send_signal(sent)
    status, _, beside = ended(process)
    assert status == 130
    assert "Stopped. 3 of 24 trials are kept" in beside
    assert "Traceback" not in beside
    named = beside.split("Go on with --resume ")[1].strip().rstrip(".")
    plain.behaviours["case 3"] = "cut"
    status, told, _ = ended(start(tmp_path, *command, "--resume", named))
    assert status == 1
    assert "15 of 24 trials passed" in told
    # It is done now, so there is no latest one to go on with.
    status, _, beside = ended(start(tmp_path, *command, "--resume"))
    assert status == 2
    assert "was interrupted" in beside


@pytest.mark.slow
def test_other_cases_are_not_mixed_into_a_run(
    tmp_path: Path, plain: PlainEndpoint, command: list[str]
) -> None:
    report = ("--json", str(tmp_path / "report.json"))
    assert ended(start(tmp_path, *command, *report))[0] == 1
    status, _, beside = ended(
        start(tmp_path, *command, *report, "--resume", "--route", "reasoning")
    )
    assert status == 2
    assert "has other trials" in beside
