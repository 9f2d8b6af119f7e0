"""A pytest plugin: says what was skipped and why; where the environment asks, a skip is a failure.

A skip that depends on the machine begins its reason with a group and a colon: "browser: no Chromium
on PATH." `TOOLBENCH_REQUIRE=browser,cluster` turns skips of those groups into failures;
`TOOLBENCH_SKIPS_FILE` names a file to which a line per reason is added, for `tests.run` to print.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest


def required_groups() -> set[str]:
    """The groups in which nothing may be skipped."""
    return {name.strip() for name in os.environ.get("TOOLBENCH_REQUIRE", "").split(",")} - {""}


def group_of(reason: str) -> str:
    """The group that a skip's reason begins with, or an empty text."""
    head, colon, _ = reason.removeprefix("Skipped: ").partition(":")
    return head.strip() if colon and " " not in head.strip() else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test of a required group has failed."""
    report = yield
    _fail_if_required(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A skipped module of a required group has failed."""
    report = yield
    _fail_if_required(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Hand the skips on."""
    path = os.environ.get("TOOLBENCH_SKIPS_FILE")
    skipped = terminalreporter.stats.get("skipped", [])
    if not path or not skipped:
        return
    counts = Counter(_reason_of(report) for report in skipped)
    with Path(path).open("a", encoding="utf-8") as file:
        for reason, count in sorted(counts.items()):
            tests = "1 test" if count == 1 else f"{count} tests"
            file.write(f"{tests}: {' '.join(reason.split())}\n")


def _fail_if_required(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = _reason_of(report)
    group = group_of(reason)
    if group in required_groups():
        report.outcome = "failed"
        report.longrepr = f"TOOLBENCH_REQUIRE holds {group!r}, and this was skipped: {reason}"


def _reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(getattr(report, "wasxfail", report.longrepr))
