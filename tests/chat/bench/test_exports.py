"""Runs as files: what a spreadsheet must not run, and what readers of JSON and JUnit find."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.contrib.auth.models import User

from chat.bench.exports import export_run
from chat.models import BenchRun, BenchTrial, ModelRoute
from chat.services.bench import create_run
from tests.chat.bench.conftest import a_case, a_suite

EVIL = '=HYPERLINK("http://x")\x01\x1b\r\n]]> <b> & \ufffe'


@pytest.fixture
def run(owner: User, route: ModelRoute) -> BenchRun:
    """One passed, one not as expected, one without output, one not tried."""
    suite = a_suite(*(a_case(name) for name in ("good", "bad", "broken", "left")))
    run = create_run(owner, suite, [("small", "native")])
    findings = [{"ok": False, "what": "the call used city “X”", "detail": EVIL}]
    trials = BenchTrial.objects.filter(run=run)
    trials.filter(case_id="good").update(status="success", passed=True, execution_ms=1500)
    trials.filter(case_id="bad").update(
        status="success", passed=False, code="TEXT", message="-1 + 2", findings=findings
    )
    trials.filter(case_id="broken").update(
        status="failed", passed=False, code="upstream_failed", message=EVIL
    )
    return run


def test_a_csv_has_a_line_per_trial_and_nothing_that_a_spreadsheet_runs(run: BenchRun) -> None:
    export = export_run(run, "csv")
    assert (export.name, export.content_type) == ("small-1.csv", "text/csv; charset=utf-8")
    rows = {row["case_id"]: row for row in csv.DictReader(io.StringIO(export.text))}
    assert list(rows) == ["good", "bad", "broken", "left"]
    assert (rows["good"]["passed"], rows["good"]["execution_ms"]) == ("true", "1500")
    assert (rows["left"]["status"], rows["left"]["passed"]) == ("idle", "")
    assert rows["bad"]["message"] == "'-1 + 2"
    assert rows["broken"]["message"].startswith("'=HYPERLINK")
    assert not any(
        ord(sign) < 32 for row in rows.values() for cell in row.values() for sign in cell
    )


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝", "\n@"])
def test_every_beginning_of_a_formula_is_guarded(run: BenchRun, sign: str) -> None:
    BenchTrial.objects.filter(case_id="bad").update(message=f"{sign}cmd|' /C calc'!A0")
    rows = list(csv.DictReader(io.StringIO(export_run(run, "csv").text)))
    assert rows[1]["message"].startswith("'")


def test_json_has_the_figures_and_every_finding(run: BenchRun) -> None:
    told: dict[str, Any] = json.loads(export_run(run, "json").text)
    assert (told["run"], told["total"], told["ended"], told["passed"]) == (str(run.pk), 4, 3, 1)
    (figures,) = told["routes"]
    assert (figures["route"], figures["passed"], figures["failures"]) == (
        "small",
        1,
        {"TEXT": 1, "upstream_failed": 1},
    )
    assert told["trials"][1]["findings"][0]["detail"] == EVIL


def test_junit_tells_failures_from_errors_and_from_what_was_not_tried(run: BenchRun) -> None:
    export = export_run(run, "junit")
    assert export.name == "small-1.xml"
    root = ET.fromstring(export.text)
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert list(cases) == ["good #1", "bad #1", "broken #1", "left #1"]
    assert cases["good #1"].get("time") == "1.500"
    assert not list(cases["good #1"])
    kinds = [cases[name][0].tag for name in ("bad #1", "broken #1", "left #1")]
    assert kinds == ["failure", "error", "skipped"]
    assert "the call used city “X”" in (cases["bad #1"][0].text or "")


def test_an_export_takes_a_constant_number_of_queries(
    run: BenchRun, django_assert_max_num_queries: Any
) -> None:
    for form in ("csv", "json", "junit"):
        with django_assert_max_num_queries(3):
            export_run(run, form)
