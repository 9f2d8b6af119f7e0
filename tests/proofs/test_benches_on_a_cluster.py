"""The long proofs of bench/ on PostgreSQL, Redis and two processes, at a part of their size."""

from __future__ import annotations

import pytest

from bench import cluster_kills, fire_disk, fire_lock, fire_row, modes, reconnects, stops
from bench.layout import CLUSTER, Layout
from bench.rig import cluster_parts
from tests.cluster import ProgramMissing
from tests.proofs.test_benches import held

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sqlite_only(reason="start what they need themselves in the first run already"),
]


@pytest.fixture(scope="module", autouse=True)
def parts() -> None:
    """PostgreSQL and Redis are on this machine."""
    try:
        cluster_parts()
    except ProgramMissing as missing:
        pytest.skip(f"cluster: {missing}")


def test_viewers_of_another_process_get_all_six_modes_as_they_are_stored() -> None:
    held(modes.prove(rounds=1, layout=CLUSTER, flavours=["vllm"]))


def test_nothing_that_was_seen_is_lost_whatever_part_of_a_cluster_is_killed() -> None:
    held(cluster_kills.prove(rounds=3, start_kills_every=3))


def test_stop_closes_the_upstream_from_a_tab_at_any_process() -> None:
    held(stops.prove(rounds=1, layout=CLUSTER))


def test_readers_that_reconnect_to_another_process_end_with_the_stored_text() -> None:
    held(reconnects.prove(count=10, slow_seconds=5, layout=CLUSTER))


def test_a_postgres_that_is_gone_for_a_moment_only_delays() -> None:
    held(fire_disk.prove(retry_seconds=9, outages=["short"], layout=CLUSTER))


def test_locked_tables_of_a_postgres_delay_and_lose_nothing() -> None:
    held(fire_lock.prove(streams=4, lock_seconds=2, layout=CLUSTER))


def test_one_row_that_a_postgres_refuses_costs_the_other_stages_nothing() -> None:
    held(fire_row.prove(count=4, kinds=["one row"], layout=CLUSTER))


def test_uvicorn_on_a_cluster_keeps_the_same_promises() -> None:
    layout = Layout(is_cluster=True, processes=2, server="uvicorn")
    held(cluster_kills.prove(rounds=2, layout=layout, victims=["Redis", "PostgreSQL"]))
