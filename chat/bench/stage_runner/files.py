"""A report as files: JSON with everything, a CSV line per trial, JUnit for CI servers."""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson

from chat.bench.stage_runner.console import Told, Tried
from chat.bench.stage_runner.trials import TrialResult
from chat.bench.statistics import Interval, Tally
from chat.bench.summary import Target, TargetFigures

FIELDS = (
    "route",
    "tool_mode",
    "case_id",
    "category",
    "number",
    "status",
    "passed",
    "code",
    "message",
    "stage_id",
    "request_ms",
    "execution_ms",
    "upstream_ms",
    "first_token_ms",
    "input_tokens",
    "output_tokens",
    "cost",
    "currency",
    "repairs",
)
# What XML 1.0 has no place for.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def write_files(told: Told, *, junit: Path | None, json: Path | None, csv: Path | None) -> None:
    """Those that are wanted, each whole or not at all."""
    if json is not None:
        _replace(json, report_json(told))
    if csv is not None:
        _replace(csv, report_csv(told))
    if junit is not None:
        _replace(junit, report_junit(told))


def report_json(told: Told) -> str:
    """Everything: totals, figures of each route, differences, all trials with their findings."""
    summary = told.summary
    report = {
        "run": told.run,
        "title": told.title,
        "total": summary.total,
        "ended": summary.ended,
        "passed": summary.passed,
        "routes": [_figures(figures) for figures in summary.targets],
        "tool_modes": [
            {
                "route": one.route,
                "native": _tally(one.native.tally),
                "text": _tally(one.text.tally),
                "interval": one.interval,
            }
            for one in summary.modes
        ],
        "against": told.against or None,
        "differences": [
            {
                **one.target._asdict(),
                "before": _tally(one.before),
                "now": _tally(one.now),
                "interval": one.interval,
                "changes": [
                    {
                        "case_id": change.case_id,
                        "kind": change.kind,
                        "before": _tally(change.before),
                        "now": _tally(change.now),
                        "clear": change.clear,
                    }
                    for change in one.changes
                ],
                "left_out": one.left_out,
            }
            for one in summary.differences
        ],
        "skipped": [{"case_id": case_id, "reason": reason} for case_id, reason in told.skipped],
        "trials": [_trial(trial) for trial in told.trials],
    }
    return orjson.dumps(report, default=_plain, option=orjson.OPT_INDENT_2).decode() + "\n"


def report_csv(told: Told) -> str:
    """A line per trial."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for trial in told.trials:
        writer.writerow([_cell(getattr(trial, name, None)) for name in FIELDS])
    return out.getvalue()


def report_junit(told: Told) -> str:
    """A test suite per route, a test case per trial.

    A trial whose output was not as expected is a failure, one that gave no output an error, a case
    that was left out is skipped.
    """
    root = ET.Element("testsuites", name=_xml(told.title))
    for figures in told.summary.targets:
        trials = [
            trial for trial in told.trials if Target(trial.route, trial.tool_mode) == figures.target
        ]
        _suite(root, str(figures.target), trials)
    if told.skipped:
        suite = ET.SubElement(root, "testsuite", name="left out", failures="0", errors="0")
        suite.set("tests", str(len(told.skipped)))
        suite.set("skipped", str(len(told.skipped)))
        for case_id, reason in told.skipped:
            case = ET.SubElement(suite, "testcase", classname="left out", name=_xml(case_id))
            ET.SubElement(case, "skipped", message=_xml(reason))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _suite(root: ET.Element, name: str, trials: list[Tried]) -> None:
    failed = [trial for trial in trials if trial.passed is False]
    errors = sum(trial.status == "failed" for trial in failed)
    not_run = sum(trial.passed is None for trial in trials)
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_xml(name),
        tests=str(len(trials)),
        failures=str(len(failed) - errors),
        errors=str(errors),
        skipped=str(not_run),
        time=_seconds(sum(trial.execution_ms or 0 for trial in trials)),
    )
    for trial in trials:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_xml(f"{name}.{trial.category}"),
            name=_xml(f"{trial.case_id} #{trial.number}"),
            time=_seconds(trial.execution_ms or 0),
        )
        if trial.passed is None:
            ET.SubElement(case, "skipped", message="It was not run.")
        elif not trial.passed:
            kind = "error" if trial.status == "failed" else "failure"
            told = ET.SubElement(
                case, kind, type=_xml(trial.code or "FAILED"), message=_xml(trial.message)
            )
            told.text = _xml("\n".join(_lines(trial)))


def _lines(trial: Tried) -> list[str]:
    lines = [trial.message] if trial.message else []
    for one in trial.findings:
        detail = f" ({one['detail']})" if one.get("detail") else ""
        lines.append(f"{'ok  ' if one.get('ok') else 'FAIL'} {one.get('what', '')}{detail}")
    return [*lines, f"stage {trial.stage_id}"] if trial.stage_id else lines


def _figures(figures: TargetFigures) -> dict[str, Any]:
    return {
        **figures.target._asdict(),
        "total": figures.total,
        **_tally(figures.tally),
        "pass_hats": figures.pass_hats,
        "categories": {name: _tally(tally) for name, tally in figures.categories},
        "latency_p50_ms": figures.latency_p50,
        "latency_p95_ms": figures.latency_p95,
        "first_token_p50_ms": figures.first_token_p50,
        "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens,
        "cost": figures.cost,
        "currency": figures.currency,
        "repairs_per_trial": figures.repairs_per_trial,
        "failures": dict(figures.failures),
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "passed": tally.passed,
        "ended": tally.ended,
        "rate": tally.rate,
        "interval": tally.interval,
    }


def _trial(trial: Tried) -> dict[str, Any]:
    known = {name: getattr(trial, name, None) for name in FIELDS}
    more: dict[str, Any] = {"case_digest": trial.case_digest}
    if isinstance(trial, TrialResult):
        more |= {"tries": trial.tries, "output": trial.output, "judge": trial.judge}
        more["http_status"] = trial.http_status
    return {**known, "findings": trial.findings, **more}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    text = _CONTROLS.sub(" ", value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Interval):
        return asdict(value)
    raise TypeError(type(value).__name__)


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    # As a file that was opened by name gets it.
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)
    os.replace(name, path)
