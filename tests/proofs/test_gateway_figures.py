"""The gateway's bench runs, and sees what is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import gateway
from bench.gateway import Line, Side

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sqlite_only(reason="chooses its database itself"),
]

SIDE = Side(100.0, 20, 5.0, 9.0, 1.0, 2.0)
LINE = Line("sqlite-daphne-1", 2, SIDE, replace(SIDE, first_p50_ms=12.0), 90.0, 8.0, 0)


def test_the_gateway_is_measured_beside_the_bare_client_and_kept(tmp_path: Path) -> None:
    few = ["--streams", "2", "--chunks", "10", "--first-tokens", "4"]
    words = ["--layout", "sqlite-daphne-1", "--results", str(tmp_path)]
    assert gateway.main([*few, *words]) == 0
    (path,) = tmp_path.glob("gateway-*.json")
    (line,) = json.loads(path.read_text())["lines"]
    assert line["lost_chunks"] == 0
    assert line["bare"]["chunks"] == line["through"]["chunks"] == 20
    assert line["server_us"] > 0 < line["bare"]["us_per_chunk"]
    assert line["through"]["first_p50_ms"] > line["bare"]["first_p50_ms"]


def test_what_is_told_of_a_line_is_the_difference() -> None:
    assert LINE.ratio == 0.9
    assert "7.0/0.0" in LINE.as_row()


def test_a_chunk_that_does_not_arrive_is_a_fault() -> None:
    assert list(gateway.faults([LINE])) == []
    assert list(gateway.faults([replace(LINE, lost_chunks=3)])) != []
