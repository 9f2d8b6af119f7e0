"""The time of wrong keys with few requests: the answers are the same, the figures are told."""

from __future__ import annotations

import pytest

from bench.key_timing import chance_longer, prove
from bench.layout import CLUSTER, SINGLE
from tests.backing import is_cluster

pytestmark = pytest.mark.slow


def test_every_wrong_key_gets_the_same_answer() -> None:
    # So few requests beside other tests tell nothing of microseconds; the answers they do.
    report = prove(40, CLUSTER if is_cluster() else SINGLE)
    assert report.promises == 9
    assert [fault for fault in report.broken if "with a chance of" not in fault] == []
    assert any(line.startswith("wrong secret") for line in report.lines)


def test_the_chance_is_one_half_for_equals_and_whole_for_what_is_always_longer() -> None:
    assert chance_longer([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 0.5
    assert chance_longer([4.0, 5.0], [1.0, 2.0]) == 1.0
    assert chance_longer([0.0], [1.0, 2.0]) == 0.0
