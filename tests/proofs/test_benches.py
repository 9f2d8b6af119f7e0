"""The long proofs of bench/ at a twentieth of their size, with the real server."""

from __future__ import annotations

import pytest

from bench import fire_disk, fire_lock, fire_row, kills, modes, reconnects, stops
from bench.report import Report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sqlite_only(reason="start what they need themselves in the first run already"),
]


def held(report: Report) -> None:
    """Every promise held; else the whole report is the failure's message."""
    assert report.promises > 0
    assert not report.broken, f"\n{report}"


def test_all_six_modes_keep_their_promises_on_real_bytes_and_on_the_demo_model() -> None:
    held(modes.prove(rounds=1))


def test_nothing_that_was_seen_is_lost_when_the_server_is_killed() -> None:
    held(kills.prove(rounds=4, start_kills_every=3))


def test_stop_closes_the_upstream_wherever_the_stage_is() -> None:
    held(stops.prove(rounds=1))


def test_every_reader_ends_with_the_stored_text_however_often_it_reconnects() -> None:
    held(reconnects.prove(count=10, slow_seconds=6))


def test_a_disk_that_is_full_for_a_moment_only_delays() -> None:
    held(fire_disk.prove(retry_seconds=4, outages=["short"]))


@pytest.mark.parametrize("may_mount", [True, False])
def test_a_disk_that_stays_full_ends_stages_and_loses_nothing(may_mount: bool) -> None:
    held(fire_disk.prove(retry_seconds=2, may_mount=may_mount, outages=["long"]))


def test_a_locked_database_delays_and_loses_nothing() -> None:
    held(fire_lock.prove(streams=4, lock_seconds=3))


@pytest.mark.parametrize("kind", ["one row", "every row"])
def test_one_bad_row_costs_the_other_stages_nothing(kind: str) -> None:
    held(fire_row.prove(count=4, kinds=[kind]))
