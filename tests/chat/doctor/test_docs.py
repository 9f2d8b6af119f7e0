"""docs/doctor.md has a row for each probe and for nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from chat.doctor.findings import OUTCOMES
from chat.doctor.probes import PROBES
from chat.doctor.suggestions import SETTINGS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "doctor.md").read_text(encoding="utf-8")


def test_each_probe_stands_in_the_table_with_what_it_asks() -> None:
    table = PAGE.split("## What it asks")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    written = [(code, title.strip(), asks.strip()) for code, title, asks in rows]
    assert written == [(probe.code, probe.title, probe.asks) for probe in PROBES]


def test_each_outcome_and_each_setting_is_explained() -> None:
    for name in (*OUTCOMES, *SETTINGS):
        assert f"`{name}`" in PAGE, name
