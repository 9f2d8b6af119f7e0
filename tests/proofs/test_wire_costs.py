"""The bench of the wire reader, as small as it gets: every reader reads every character."""

from __future__ import annotations

import pytest

from bench.wire import Pace, prove

pytestmark = pytest.mark.sqlite_only(reason="has nothing to do with what a server stands on")


def test_every_reader_reads_the_whole_stream_and_its_cost_is_told() -> None:
    paces = [Pace("paced", 2, 20, 200.0), Pace("at once", 2, 40, 0.0)]
    report, figures = prove(shapes=["tools"], paces=paces, rounds=1, goal=None)
    assert not report.broken, f"\n{report}"
    assert {figure.reader for figure in figures} >= {"sdk", "toolbench", "bare"}
    assert all(figure.median > 0 for figure in figures)
    assert str(report).count("| tools, ") == 2
