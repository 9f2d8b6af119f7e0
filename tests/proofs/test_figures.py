"""The benches of figures run, and each sees what it is there to see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import growth, soak, streams
from bench.growth import Verdict
from bench.soak_states import State, compare
from tests.cluster.programs import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sqlite_only(reason="choose their databases themselves"),
]

needs_cluster = pytest.mark.skipif(
    bool(missing("postgres", "redis-server")),
    reason="cluster: no PostgreSQL or no Redis on this machine.",
)
FEW_STREAMS = ["--streams", "3", "--chunks", "20", "--start-ups", "1"]
QUIET = State(
    pid=1,
    resident_mib=120.0,
    files={"socket": 10, "pipe": 2},
    tasks={"leases": 1},
    threads={"journal": 0.1, "database_0": 0.1},
    containers={"process.runner.running": 0, "chat.x.found (cache)": 2},
    objects=100_000,
)


def kept(directory: Path, kind: str) -> dict[str, object]:
    """The one result of a kind."""
    (path,) = directory.glob(f"{kind}-*.json")
    found: dict[str, object] = json.loads(path.read_text())
    assert path.with_suffix(".md").exists()
    assert path.with_suffix(".md").read_text().splitlines()[-1] in (
        (directory / "README.md").read_text()
    )
    return found


def test_the_streams_table_is_measured_and_kept(tmp_path: Path) -> None:
    words = ["--layout", "sqlite-daphne-1", "--results", str(tmp_path)]
    assert streams.main([*FEW_STREAMS, *words]) == 0
    found = kept(tmp_path, "streams")
    (line,) = found["lines"]  # type: ignore[misc]
    assert line["lost_chunks"] == 0
    assert line["expected_chunks"] == 60
    assert line["ends"] == {"done": 3}
    assert line["toolbench_us"] > 0 < line["bare_us"]
    assert line["commits_per_second"] > 0
    (standing,) = found["standings"]  # type: ignore[misc]
    assert len(standing["start_seconds"]) == 1


def test_a_chunk_that_does_not_arrive_fails_the_streams_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--layout", "sqlite-uvicorn-1", "--discard", "--drop", "2", "--start-ups", "0"]
    assert streams.main([*FEW_STREAMS, *words]) == 1
    assert "6 of 60 chunks were lost" in capsys.readouterr().out


@needs_cluster
def test_a_profile_says_what_two_processes_spend_their_time_on(tmp_path: Path) -> None:
    words = ["--layout", "postgres-daphne-2x", "--profile", "--results", str(tmp_path)]
    assert streams.main([*FEW_STREAMS, "--streams", "12", "--chunks", "60", *words]) == 0
    (groups,) = kept(tmp_path, "profile")["groups"]  # type: ignore[misc]
    assert sum(groups.values()) == pytest.approx(1)
    assert "websocket sending" in groups
    assert any(group.startswith("journal thread") for group in groups)
    assert groups.get("other", 0) < 0.2


def test_growth_is_measured_and_judged(tmp_path: Path) -> None:
    words = ["--answers", "16,64", "--conversations", "4,40", "--results", str(tmp_path)]
    # So short a run may call noise growth; what it says is tested below.
    assert growth.main(words) in (0, 1)
    found = kept(tmp_path, "growth")
    answers = found["answers"]
    assert [answer["characters"] for answer in answers] == [16384, 65536] * 2  # type: ignore[attr-defined]
    assert all(bool(answer["html_frames"]) == answer["html"] for answer in answers)  # type: ignore[attr-defined]
    queries = [talk["queries"] for talk in found["conversations"]]  # type: ignore[attr-defined]
    assert queries[0] == queries[1] > 0


@pytest.mark.parametrize(("last", "is_flat"), [(100.0, True), (124.0, True), (126.0, False)])
def test_what_grows_is_not_called_flat(last: float, is_flat: bool) -> None:
    verdict = Verdict("a chunk", 100.0, last)
    assert verdict.is_flat == is_flat
    assert ("not flat" in str(verdict)) != is_flat


@needs_cluster
def test_a_soak_with_kills_loses_nothing_and_leaks_nothing(tmp_path: Path) -> None:
    words = ["--minutes", "0.3", "--streams", "6", "--kill-every", "7", "--every", "7"]
    assert soak.main([*words, "--longest", "70", "--settle", "2", "--results", str(tmp_path)]) == 0
    found = kept(tmp_path, "soak")
    assert found["kills"]
    assert found["minutes"]
    assert found["changes"]


def test_a_lost_event_fails_a_soak(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--layout", "sqlite-daphne-1", "--minutes", "0.1", "--streams", "3", "--settle", "1"]
    assert soak.main([*words, "--longest", "30", "--lose", "--discard"]) == 1
    assert "its numbers are not dense" in capsys.readouterr().out


def test_a_quiet_state_like_the_one_before_is_no_leak() -> None:
    assert compare(QUIET, QUIET, 100) == []


@pytest.mark.parametrize(
    ("last", "what"),
    [
        (replace(QUIET, resident_mib=150.0), "memory"),
        (replace(QUIET, files={"socket": 40, "pipe": 2}), "file handles"),
        (replace(QUIET, tasks={"leases": 1, "stage-#": 1}), "tasks stage-#"),
        (replace(QUIET, threads={**QUIET.threads, "journal-2": 0.0}), "threads journal"),
        (replace(QUIET, containers={"process.runner.running": 9}), "process.runner.running"),
        (replace(QUIET, objects=200_000), "objects"),
    ],
)
def test_what_is_more_than_before_is_a_leak(last: State, what: str) -> None:
    (change,) = compare(QUIET, last, 100)
    assert change.is_leak
    assert what in str(change)


def test_what_is_bounded_is_told_and_no_leak() -> None:
    last = replace(
        QUIET,
        resident_mib=125.0,
        files={"socket": 14, "pipe": 2},
        threads={**QUIET.threads, "database_1": 0.0},
        containers={**QUIET.containers, "chat.x.found (cache)": 60},
    )
    found = compare(QUIET, last, 100)
    assert len(found) == 4
    assert not any(change.is_leak for change in found)
