"""What must hold after a soak: what is stored, what viewers were told, what the logs say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import closing

from bench.promises import faults_of
from bench.soak_people import Known, Told
from bench.stored import STAGES, Database, StoredStage, public_id, rows_of, stage_of
from tests.serving import ServerProcess

INTERRUPTED_SECONDS = 15.0
EXPECTED_ENDS = ("done", "cancel", "interrupted")
_ERROR = re.compile(r" ERROR (chat|tools|toolbench_site)")


def check_stored(database: Database, stages: Sequence[Known]) -> tuple[list[str], dict[str, int]]:
    """Hold every stored stage against its promises and against what its viewers were told; what
    is wrong, and how many stages ended in which way."""
    known = {stage.stage_id: stage for stage in stages}
    found: list[str] = []
    ends: Counter[str] = Counter()
    with closing(database.connect()) as connection:
        rows = rows_of(connection, f"{STAGES} ORDER BY stored_as")
        for row in rows:
            stored = stage_of(connection, row)
            told = known.pop(public_id(row["id"]), None)
            found += faults_of(stored)
            if told is None:
                found.append(f"stage {stored.stage_id} is stored and nobody was told of it")
            else:
                found += differences(stored, told)
            end = stored.row["error_code"] or stored.status
            ends[end] += 1
            if end not in EXPECTED_ENDS:
                found.append(f"stage {stored.stage_id} ended with {end}")
    found += [f"stage {stage_id} was accepted and is not stored" for stage_id in known]
    return found, dict(ends.most_common())


def differences(stored: StoredStage, known: Known) -> list[str]:
    """Where viewers were told something else than what is stored."""
    found = []
    about = f"stage {stored.stage_id}"
    truth = Told()
    for event in stored.events:
        truth.take(event)
    for view in known.views:
        if not view.end:
            found.append(f"{about}: a viewer never saw its end")
        elif (view.last, view.end) != (truth.last, truth.end):
            found.append(
                f"{about}: a viewer saw {view.last} events and {view.end}, stored are "
                f"{truth.last} and {truth.end}"
            )
        elif view.digest.digest() != truth.digest.digest():
            found.append(f"{about}: a viewer's text is not the stored one")
    wanted = known.wanted
    if truth.end == "done" and not wanted.size and truth.spaces != wanted.chunks:
        found.append(f"{about}: {truth.spaces} of {wanted.chunks} chunks are stored")
    return found


def late_interruptions(
    stages: Sequence[Known], kills: Sequence[tuple[float, str]]
) -> tuple[list[str], float]:
    """Stages of a killed process that ended too late, and the longest that one took."""
    found: list[str] = []
    latest = 0.0
    for stage in stages:
        view = stage.views[0]
        killed = [
            at
            for at, victim in kills
            if victim == stage.started_on and stage.accepted_at < at < view.ended_at
        ]
        if view.code == "interrupted" and killed:
            late = view.ended_at - killed[0]
            latest = max(latest, late)
            if late > INTERRUPTED_SECONDS:
                found.append(f"stage {stage.stage_id} ended {late:.1f} s after the kill")
    return found, latest


def lose_an_event(database: Database) -> None:
    """Take away a stored event, for the test that this is seen."""
    database.execute(
        "DELETE FROM chat_stageevent WHERE id = (SELECT max(id) FROM chat_stageevent "
        "WHERE event = 'chat_completion_chunk')"
    )


def bugs(server: ServerProcess) -> list[str]:
    """What a server's log tells of bugs of ours, with the end of their traces."""
    lines = server.log.read_text(errors="replace").splitlines()
    found = []
    for at, line in enumerate(lines):
        # That a database is away is told as an error too; a bug comes with places in the code.
        is_traced = _ERROR.search(line) and lines[at + 1 : at + 2] and "File " in lines[at + 1]
        if is_traced or "bug" in line:
            trace = [part.strip() for part in lines[at + 1 : at + 60] if part.startswith(" ")]
            found.append(f"{server.log.name}: {line} … {' / '.join(trace[-6:])}")
    return found[:20]
