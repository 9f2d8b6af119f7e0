"""What the database holds of stages, read from outside the server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sockets import Folded

BUSY_SECONDS = 30


@dataclass(frozen=True)
class StoredStage:
    """A stage's rows; events have the shape in which they travel."""

    row: dict[str, Any]
    events: list[dict[str, Any]]
    message: dict[str, Any] | None
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def stage_id(self) -> str:
        """Its public id."""
        return str(self.row["stage_id"])

    @property
    def status(self) -> str:
        """What its row says."""
        return str(self.row["status"])

    @property
    def names(self) -> list[str]:
        """The names of its events in order."""
        return [event["event"] for event in self.events]

    @property
    def text(self) -> str:
        """The fold of its events, however they are numbered."""
        return Folded(self.events).text


class Database:
    """The SQLite file of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "toolbench.sqlite3"

    def connect(self, *, write: bool = False) -> sqlite3.Connection:
        """A connection of this process; without a transaction of its own."""
        mode = "rw" if write else "ro"
        connection = sqlite3.connect(
            f"file:{self.path}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        connection.row_factory = sqlite3.Row
        return connection

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a query."""
        with closing(self.connect()) as connection:
            return [dict(row) for row in connection.execute(sql, parameters)]

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement that writes."""
        with closing(self.connect(write=True)) as connection:
            connection.execute(sql, parameters)

    def stages(self, after: int = 0) -> list[StoredStage]:
        """All stages with a row number above `after`, in the order in which they were stored."""
        rows = self.query(
            "SELECT rowid, * FROM chat_stage WHERE rowid > ? ORDER BY rowid", (after,)
        )
        return [self._with_rest(row) for row in rows]

    def stage(self, stage_id: str) -> StoredStage:
        """One stage."""
        rows = self.query("SELECT rowid, * FROM chat_stage WHERE id = ?", (key_of(stage_id),))
        return self._with_rest(rows[0])

    def active(self) -> list[str]:
        """Stages that have not ended."""
        rows = self.query(
            "SELECT id FROM chat_stage WHERE status IN ('queued', 'running', 'waiting')"
        )
        return [public_id(row["id"]) for row in rows]

    def last_row(self) -> int:
        """The row number of the newest stage."""
        return int(self.query("SELECT coalesce(max(rowid), 0) AS last FROM chat_stage")[0]["last"])

    def _with_rest(self, row: dict[str, Any]) -> StoredStage:
        key = row["id"]
        row["stage_id"] = public_id(key)
        events = [
            {
                "type": "event",
                "v": 1,
                "stage_id": row["stage_id"],
                "sequence_number": event["sequence_number"],
                "ts": _travelling(event["ts"]),
                "event": event["event"],
                "data": json.loads(event["data"]),
            }
            for event in self.query(
                "SELECT * FROM chat_stageevent WHERE stage_id = ? ORDER BY sequence_number", (key,)
            )
        ]
        messages = self.query("SELECT * FROM chat_message WHERE stage_id = ?", (key,))
        runs = self.query("SELECT * FROM chat_toolrun WHERE stage_id = ? ORDER BY id", (key,))
        return StoredStage(
            row, events, messages[0] if messages else None, {run["call_id"]: run for run in runs}
        )


def key_of(stage_id: str) -> str:
    """An id as SQLite holds it."""
    return stage_id.replace("-", "")


def public_id(key: str) -> str:
    """An id as the contract has it."""
    return "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))


def _travelling(stored: str) -> str:
    """A stored time as the envelope has it: milliseconds, cut off, and Z."""
    date, _, clock = stored.partition(" ")
    whole, _, fraction = clock.partition(".")
    return f"{date}T{whole}.{fraction[:3].ljust(3, '0')}Z"
