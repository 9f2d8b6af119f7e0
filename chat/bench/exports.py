"""A stored run as a file: CSV, JSON or JUnit XML.

JUnit is written with ElementTree: the format is a page long, and junitparser, though alive, is made
for reading and merging what others wrote; it adds nothing to four elements but a dependency.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from chat.bench.stage_runner.console import Told
from chat.bench.stage_runner.files import report_csv, report_json, report_junit
from chat.bench.summary import summarise
from chat.models import BenchRun

Form = Literal["csv", "json", "junit"]

_WRITERS = {"csv": report_csv, "json": report_json, "junit": report_junit}
_TYPES = {
    "csv": ("text/csv; charset=utf-8", "csv"),
    "json": ("application/json", "json"),
    "junit": ("application/xml; charset=utf-8", "xml"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file to be saved."""

    name: str
    content_type: str
    text: str


def export_run(run: BenchRun, form: Form) -> Export:
    """A run as a file, in three queries at most."""
    content_type, ending = _TYPES[form]
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", run.suite_name).strip("-") or "bench"
    return Export(f"{plain}-{run.number}.{ending}", content_type, _WRITERS[form](told_of(run)))


def told_of(run: BenchRun) -> Told:
    """What the reports and exports tell of a run, with its trials' findings."""
    trials = run.trials.order_by("position")
    return Told(
        title=f"{run.suite_name}, run {run.number}",
        run=str(run.pk),
        summary=summarise(run),
        trials=list(trials),
        against=str(run.baseline_id or ""),
    )
