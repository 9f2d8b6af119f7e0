"""`manage.py bench` over HTTP: its report, its files, its exit statuses, its key."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.chat.bench.stage_runner.plain_endpoint import PlainEndpoint

KEY = "tb_canary_0123456789abcdef"


@pytest.fixture
def plain() -> Iterator[PlainEndpoint]:
    """A plain endpoint that needs no key."""
    with PlainEndpoint() as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> None:
    """No variable of this shell says where to go; the data directory is the test's own."""
    for name in ("TOOLBENCH_ENDPOINT", "TOOLBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings.DATA_DIR = tmp_path / "data"


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


def case_of(case_id: str, **changes: Any) -> dict[str, Any]:
    judged = changes.pop("judged", False)
    strategy = changes.pop("strategy", "chat_completion")
    stage = {
        "system_prompt": "",
        "user_prompt": "Hello there",
        "model_container": "traditional",
        "prompt_tool_spec": {"strategy": strategy},
        **changes,
    }
    case: dict[str, Any] = {"id": case_id, "stage_a": stage}
    if judged:
        judge = stage | {"model_container": "judge", "user_prompt": "Is it polite?"}
        case |= {"evaluation": True, "stage_b": judge}
    return case


@pytest.fixture
def cases(tmp_path: Path) -> str:
    """Four test cases, of each kind."""
    path = tmp_path / "cases.yaml"
    listed = [
        case_of("plain"),
        case_of("streamed", stream=True),
        case_of("tools", strategy="tool_call", stream=True, synthesis=True),
        case_of("judged", judged=True),
    ]
    path.write_text(yaml.safe_dump({"test_cases": listed}))
    return str(path)


def suite(tmp_path: Path, *listed: dict[str, Any]) -> str:
    path = tmp_path / "suite.yaml"
    path.write_text(yaml.safe_dump({"suite": "small", "cases": list(listed)}))
    return str(path)


def test_all_passed_ends_with_0_and_a_plain_table(plain: PlainEndpoint, cases: str) -> None:
    status, told, beside = run(cases, "--endpoint", plain.url)
    assert status == 0
    assert "4 of 4 trials passed." in told
    assert "\x1b" not in told
    assert "4 of 4 trials, 0 failed" in beside
    assert [line.split("|")[1].strip() for line in told.splitlines() if "| passed" in line] == [
        "plain",
        "streamed",
        "tools",
        "judged",
    ]


def test_a_failure_ends_with_1_and_is_told_with_its_stage(plain: PlainEndpoint, cases: str) -> None:
    plain.verdict = "VERDICT: FAIL, it is curt"
    status, told, _ = run(cases, "--endpoint", plain.url, "--repeat", "2")
    assert status == 1
    assert "judged, tries 1, 2  JUDGED_FAILED" in told
    assert "the judge is not content (VERDICT: FAIL, it is curt)" in told
    asked = [
        one.body["stage_id"] for one in plain.asked if one.body["user_prompt"] == "Hello there"
    ]
    assert sum(stage_id in told for stage_id in asked) == 2
    assert "6/8" in told
    assert "^2 75 %" in told


def test_a_rate_may_be_enough(plain: PlainEndpoint, cases: str) -> None:
    plain.verdict = "VERDICT: FAIL"
    assert run(cases, "--endpoint", plain.url, "--min-rate", "75%")[0] == 0
    assert run(cases, "--endpoint", plain.url, "--min-rate", "0.8")[0] == 1


def test_the_three_files_agree_with_each_other(
    plain: PlainEndpoint, cases: str, tmp_path: Path
) -> None:
    plain.behaviours["Hello"] = "cut"
    files = {name: tmp_path / f"report.{name}" for name in ("json", "csv", "junit")}
    arguments = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    assert run(cases, "--endpoint", plain.url, "--repeat", "2", *arguments)[0] == 1
    report = json.loads(files["json"].read_text())
    assert (report["total"], report["ended"], report["passed"]) == (8, 8, 4)
    rows = list(csv.DictReader(StringIO(files["csv"].read_text())))
    assert [row["case_id"] for row in rows] == [trial["case_id"] for trial in report["trials"]]
    assert {row["code"] for row in rows if row["passed"] == "false"} == {"STREAM_ERROR"}
    root = ET.parse(files["junit"]).getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "0", "4")
    (group,) = root.findall("testsuite")
    assert group.get("name") == "traditional"
    broken = [case for case in group if case.find("error") is not None]
    assert {case.get("name") for case in broken} == {
        "streamed #1",
        "streamed #2",
        "tools #1",
        "tools #2",
    }
    error = broken[0].find("error")
    assert error is not None
    assert "without done" in str(error.get("message"))


def test_one_case_alone_and_the_other_forms(plain: PlainEndpoint, cases: str) -> None:
    status, told, _ = run(
        cases,
        "--endpoint",
        plain.url,
        "--case",
        "tools",
        "--show",
        "panels",
        "--route",
        "reasoning",
    )
    assert status == 0
    assert 'get_current_temperature({"latitude": 45.76, "longitude": 4.84})' in told
    assert "It is 12.5 °C in Lyon." in told
    assert {one.body["model_container"] for one in plain.asked} == {"reasoning"}
    status, told, _ = run(cases, "--endpoint", plain.url, "--case", "judged", "--show", "json")
    (trial,) = json.loads(told)["trials"]
    assert trial["output"] == {"type": "text", "text": "You said: Hello there"}
    assert trial["judge"]["words"] == "PASS"


def test_cases_are_listed_without_asking_anybody(plain: PlainEndpoint, cases: str) -> None:
    status, told, _ = run(cases, "--endpoint", plain.url, "--list")
    assert (status, plain.asked) == (0, [])
    assert "chat_completion judged" in told
    status, told, _ = run("--list")
    assert status == 0
    assert "starter" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.yaml",), "There is no file nowhere.yaml"),
        ((), "Name a file of cases"),
        (("CASES", "--endpoint", "host:8000"), "is no address"),
        (("CASES", "--case", "plian"), "The nearest is plain"),
        (("CASES", "--api-key-file", "/nowhere"), "cannot be read"),
        (("CASES", "--json", "/nowhere/x.json"), "cannot be written"),
        (("CASES", "--repeat", "0"), "from 1 to 100"),
        (("CASES", "--min-rate", "7"), "such as 0.9 or 90%"),
        (("CASES", "--endpoint", "http://127.0.0.1:9", "--resume", "old"), "There is no run old"),
    ],
)
def test_a_wrong_argument_ends_with_2_and_says_what_to_write(
    cases: str, arguments: tuple[str, ...], words: str
) -> None:
    status, _, told = run(*(cases if one == "CASES" else one for one in arguments))
    # What argparse itself refuses ends with 2 in a shell, and is raised to a caller with 1.
    assert status == 2 or "Error: argument" in told
    assert words in told


def test_a_bad_file_ends_with_2_and_names_case_and_field(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump([case_of("a", strategy="poem")]))
    status, _, told = run(str(path))
    assert status == 2
    assert "a, stage_a.prompt_tool_spec.strategy" in told


def test_nothing_listening_ends_with_3(cases: str, tmp_path: Path) -> None:
    status, _, told = run(cases, "--endpoint", "http://127.0.0.1:9")
    assert status == 3
    assert "Nothing answers at http://127.0.0.1:9" in told
    # Nothing was tried, so there is nothing to go on with.
    assert "--resume" not in told
    assert list((tmp_path / "data" / "bench").iterdir()) == []


def test_a_route_that_the_endpoint_does_not_have_ends_with_3(
    plain: PlainEndpoint, cases: str
) -> None:
    status, _, told = run(cases, "--endpoint", plain.url, "--route", "nobody")
    assert status == 3
    assert "Available: traditional, reasoning, judge" in told


def test_a_key_that_is_not_taken_ends_with_3(plain: PlainEndpoint, cases: str) -> None:
    plain.key = "another"
    status, _, told = run(cases, "--endpoint", plain.url)
    assert status == 3
    assert "does not take the key" in told


def test_the_key_is_sent_and_stands_nowhere(
    plain: PlainEndpoint, cases: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.key = KEY
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    report = tmp_path / "out" / "report.json"
    report.parent.mkdir()
    arguments = (cases, "--endpoint", plain.url, "--json", str(report), "--show", "panels")
    by_file = run(*arguments, "--api-key-file", str(file))
    monkeypatch.setenv("TOOLBENCH_API_KEY", KEY)
    by_variable = run(*arguments)
    assert (by_file[0], by_variable[0]) == (0, 0)
    # An endpoint that refuses a key and quotes it.
    plain.key = "another"
    refused = run(*arguments)
    assert refused[0] == 3
    said = [part for told in (by_file, by_variable, refused) for part in told[1:]]
    # The state beside the report went with the refusal; one in the data directory is kept.
    plain.key = KEY
    said += run(cases, "--endpoint", plain.url)[1:]
    stored = [path.read_text() for path in tmp_path.rglob("*") if path.is_file() and path != file]
    assert len(stored) == 3
    assert not any(KEY in text for text in (*said, *stored))


def test_an_endpoint_of_the_environment_serves_where_no_option_does(
    plain: PlainEndpoint, cases: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLBENCH_ENDPOINT", f"{plain.url}/")
    assert run(cases)[0] == 0
    assert len(plain.asked) == 5


def test_a_case_may_go_to_an_endpoint_of_its_own_without_the_key(
    plain: PlainEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLBENCH_API_KEY", KEY)
    path = tmp_path / "cases.yaml"
    path.write_text(yaml.safe_dump([case_of("a", endpoint=plain.url)]))
    assert run(str(path))[0] == 0
    assert "Authorization" not in plain.asked[0].headers


SEEN = {"id": "seen", "prompt": "How warm is it?", "expect": {"text": {"contains": ["12.5"]}}}
CHOSEN = {"id": "chosen", "prompt": "How warm is it?", "tools": ["get_weather"]}


def test_a_suite_over_http_leaves_out_what_an_endpoint_cannot_do(
    plain: PlainEndpoint, tmp_path: Path
) -> None:
    path, junit = suite(tmp_path, SEEN, CHOSEN), tmp_path / "junit.xml"
    over_http = ("--endpoint", plain.url, "--route", "traditional")
    status, told, _ = run(path, *over_http, "--junit", str(junit))
    assert status == 0
    assert "small" in told
    assert "1 of 1 trials passed, 1 left out." in told
    assert "chosen: It chooses its tools" in told
    root = ET.parse(junit).getroot()
    assert (root.get("tests"), root.get("skipped")) == ("2", "1")
    assert run(path, *over_http, "--as-offered")[1].count("passed") >= 2
    status, _, told = run(path, *over_http, "--case", "chosen")
    assert status == 3
    assert "No case can be tried here." in told


def test_a_suite_over_http_needs_a_route(plain: PlainEndpoint, tmp_path: Path) -> None:
    status, _, told = run(suite(tmp_path, SEEN), "--endpoint", plain.url)
    assert status == 3
    assert "--route" in told


def test_regressions_against_an_earlier_run_are_told(plain: PlainEndpoint, tmp_path: Path) -> None:
    path, before = suite(tmp_path, SEEN), tmp_path / "before.json"
    over_http = (path, "--endpoint", plain.url, "--route", "traditional", "--repeat", "5")
    assert run(*over_http, "--json", str(before))[0] == 0
    plain.behaviours["How warm"] = "error"
    for earlier in (str(before), f"{before}.bench-state"):
        status, told, _ = run(*over_http, "--against", earlier)
        assert status == 1
        assert "5/5 before, 0/5 now" in told
        assert "regressed  seen: 5/5 before, 0/5 now" in told
        assert "chance" not in told
    status, _, said = run(*over_http, "--against", path)
    assert (status, "is not the state of a run" in said) == (2, True), said
