"""`manage.py bench` in its own process: runs as rows, test cases as stages, killed and gone on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from chat.demo_routes import ensure_demo_routes
from chat.models import BenchRun, ModelRoute, Stage
from chat.services.bench import create_run, stop_run
from tests.chat.bench.conftest import a_case, a_suite
from tests.serving import ROOT, ServerProcess

pytestmark = pytest.mark.django_db(transaction=True)

WEATHER = a_case("weather")
WRONG = a_case("wrong", prompt="Hello!")
LIMIT = 120


@pytest.fixture(autouse=True)
def fast_demo(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, admin: User
) -> None:
    """Demo routes whose server nobody runs, an admin, and a data directory of the test's own."""
    settings.TOOLBENCH_DEMO = True
    settings.TOOLBENCH_DEMO_PIECES_PER_SECOND = 100_000.0
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    # The threads of blocking tools are the whole test run's; a drain would end them for good.
    monkeypatch.setattr("chat.lifecycle.threads.shutdown", lambda: None)
    for name in ("TOOLBENCH_ENDPOINT", "TOOLBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    ensure_demo_routes("http://127.0.0.1:9")


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, what was printed, and what was said beside it."""
    out, beside = StringIO(), StringIO()
    try:
        call_command("bench", *arguments, stdout=out, stderr=beside)
    except CommandError as error:
        return error.returncode, out.getvalue(), beside.getvalue() + str(error)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), beside.getvalue()
    return 0, out.getvalue(), beside.getvalue()


def written(path: Path, *cases: dict[str, Any]) -> str:
    file = path / "suite.yaml"
    file.write_text(yaml.safe_dump({"suite": "small", "cases": list(cases)}))
    return str(file)


def test_a_suite_is_tried_on_the_default_route_and_kept_as_a_run(tmp_path: Path) -> None:
    status, told, beside = run(written(tmp_path, WEATHER))
    assert (status, "1 of 1 trials passed" in told) == (0, True), told + beside
    stored = BenchRun.objects.get()
    assert (stored.status, stored.owner.username, stored.in_process) == ("done", "admin", True)
    trial = stored.trials.get()
    assert trial.stage is not None
    assert trial.stage.conversation.source == "bench"
    assert trial.stage.route.slug == "demo"


def test_routes_tool_modes_and_tries_are_all_told(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    arguments = ("--route", "demo", "--route", "demo-json-text", "--repeat", "2")
    status, told, _ = run(
        written(tmp_path, WEATHER, WRONG),
        *arguments,
        "--tool-mode",
        "both",
        "--parallel",
        "3",
        "--junit",
        str(junit),
    )
    assert status == 1
    assert "16 trials passed" in told
    assert "wrong on demo, tries 1, 2" in told
    assert re.search(r"demo: native \d/4, by text \d/4; native less text", told)
    names = [suite.get("name") for suite in ET.parse(junit).getroot()]
    assert names == ["demo", "demo (text)", "demo-json-text", "demo-json-text (text)"]
    assert all(str(trial.stage_id) in junit.read_text() for trial in _failed())


def _failed() -> list[Any]:
    trials = list(BenchRun.objects.get().trials.filter(passed=False))
    assert trials
    return trials


def test_what_became_worse_since_an_earlier_run_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, WEATHER)
    assert run(path, "--repeat", "5")[0] == 0
    ModelRoute.objects.filter(slug="demo").update(upstream_model="demo-fails")
    status, told, _ = run(path, "--repeat", "5", "--against", "1")
    assert status == 1
    assert "demo against run 1: 5/5 before, 0/5 now" in told
    assert "regressed  weather: 5/5 before, 0/5 now" in told


def test_a_stopped_run_is_gone_on_with_by_its_cases_or_its_number(
    tmp_path: Path, admin: User
) -> None:
    path = written(tmp_path, WEATHER)
    suite = a_suite(WEATHER)
    for named in ((path, "--resume", "--repeat", "3"), ("--resume", "2")):
        stored = create_run(admin, suite, [("demo", "native")], tries=3, in_process=True)
        stop_run(admin, stored.pk)
        status, told, beside = run(*named)
        assert status == 0, beside
        assert f"run {stored.number}: 3 of 3 trials passed" in told
    status, _, said = run("--resume", "2")
    assert (status, "is done" in said) == (2, True)
    status, _, said = run(path, "--resume", "--repeat", "3")
    assert (status, "was interrupted" in said) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--route", "nobody"), 3, "Available: demo"),
        (("--user", "nobody"), 3, "no active user"),
        (("--route", "small"), 3, "Nothing answers at http://127.0.0.1:9/v1"),
        (("--against", "7"), 2, "There is no run 7"),
        (("--parallel", "90"), 2, "side by side"),
        (("--user", "stranger", "--route", "lab-only"), 3, "no model route “lab-only”"),
    ],
)
def test_what_cannot_be_run_is_told(
    tmp_path: Path,
    lab_route: ModelRoute,
    stranger: User,
    arguments: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    ModelRoute.objects.create(slug="small", upstream_model="s", base_url="http://127.0.0.1:9/v1")
    ended, _, said = run(written(tmp_path, WEATHER), *arguments)
    assert (ended, words in said) == (status, True), said


def test_without_an_admin_a_user_must_be_named(tmp_path: Path, admin: User) -> None:
    admin.delete()
    status, _, said = run(written(tmp_path, WEATHER))
    assert (status, "--user" in said) == (3, True)


def test_a_user_sees_only_their_own_runs(tmp_path: Path, admin: User, stranger: User) -> None:
    stored = create_run(admin, a_suite(WEATHER), [("demo", "native")], in_process=True)
    stop_run(admin, stored.pk)
    for option in ("--resume", "--against"):
        status, _, said = run(written(tmp_path, WEATHER), "--user", "stranger", option, "1")
        assert (status, "There is no run 1" in said) == (2, True), said


def test_the_origins_test_cases_run_here_as_stages(tmp_path: Path) -> None:
    stage = {
        "system_prompt": "Be brief.",
        "user_prompt": "How warm is it in Paris?",
        "model_container": "demo",
        "prompt_tool_spec": {"strategy": "chat_completion", "max_tokens": 64, "temperature": 0.5},
    }
    judge = stage | {"user_prompt": "Say PASS."}
    spec = {"strategy": "tool_call"}
    tools = stage | {"user_prompt": "What time is it in Tokyo?", "prompt_tool_spec": spec}
    cases = [
        {"id": "chat", "stage_a": stage},
        {"id": "tools", "stage_a": tools},
        {"id": "streamed", "stage_a": tools | {"stream": True, "synthesis": True}},
        {"id": "judged", "stage_a": stage, "evaluation": True, "stage_b": judge},
        {"id": "nobody", "stage_a": stage | {"model_container": "nobody"}},
    ]
    path, report = tmp_path / "cases.yaml", tmp_path / "report.json"
    path.write_text(yaml.safe_dump(cases))
    status, _, beside = run(str(path), "--json", str(report))
    assert status == 1, beside
    trials = {trial["case_id"]: trial for trial in json.loads(report.read_text())["trials"]}
    assert trials["tools"]["output"]["type"] == "tool_results", str(trials["tools"])
    (call,) = trials["streamed"]["output"]["calls"]
    assert call["tool"] == "current_time"
    assert trials["streamed"]["passed"] is True
    assert (trials["nobody"]["status"], trials["nobody"]["code"]) == ("failed", "UNRECOGNIZED")
    assert "Available: demo" in trials["nobody"]["message"]
    assert trials["judged"]["judge"]["stage_id"] != trials["judged"]["stage_id"]
    stored = Stage.objects.get(pk=trials["chat"]["stage_id"])
    assert (stored.max_tokens, stored.temperature) == ([64, 64], [0.5, 0.5])
    assert stored.system_prompt == "Be brief."
    assert trials["chat"]["execution_ms"] is not None


@pytest.mark.slow
def test_a_killed_run_that_is_resumed_gives_the_same_totals(tmp_path: Path) -> None:
    settings = {"DJANGO_SETTINGS_MODULE": "tests.chat.bench.stage_runner.quick_demo"}
    server = ServerProcess(tmp_path, 0, {"TOOLBENCH_DEMO": "true", **settings})
    server.manage("migrate")
    server.manage("shell", "-v", "0", "-c", SETUP)
    path = written(tmp_path, WEATHER, WRONG, a_case("hello", "Hello!", expect={"no_calls": True}))
    command = [path, "--route", "demo", "--repeat", "6", "--parallel", "4", "--json"]
    whole, cut = tmp_path / "whole.json", tmp_path / "cut.json"
    with started(server, *command, str(whole)) as first:
        _, beside = first.communicate(timeout=LIMIT)
    assert first.returncode == 1, beside
    with started(server, *command, str(cut)) as killed:
        assert killed.stderr is not None
        line = ""
        while " of 18 trials" not in line:
            line = killed.stderr.readline()
            assert line, "it ended before it was killed"
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=LIMIT)
    assert not cut.exists()
    with started(server, *command, str(cut), "--resume") as resumed:
        _, beside = resumed.communicate(timeout=LIMIT)
    assert resumed.returncode == 1, beside
    reports = [json.loads(file.read_text()) for file in (whole, cut)]
    names = ("case_id", "number", "status", "passed", "code")
    told = [[[one[name] for name in names] for one in report["trials"]] for report in reports]
    assert told[0] == told[1]
    totals = [[report[name] for name in ("total", "ended", "passed")] for report in reports]
    assert totals == [[18, 18, 12]] * 2


SETUP = (
    "from django.contrib.auth.models import User; "
    "from chat.demo_routes import ensure_demo_routes; "
    "User.objects.create_superuser('admin', 'admin@example.org', 'a long pass phrase'); "
    "ensure_demo_routes('http://127.0.0.1:9')"
)


@contextmanager
def started(server: ServerProcess, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process, which does not outlive the block."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "bench", *arguments],
        cwd=ROOT,
        env=server.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
