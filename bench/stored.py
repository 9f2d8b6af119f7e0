"""What the database holds of stages, read from outside the server; SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader

from tests.sockets import Folded

BUSY_SECONDS = 30
STAGES = (
    # Its first event is stored in the transaction of the stage itself, so it tells the order.
    "SELECT stage.*, first.id AS stored_as FROM chat_stage stage LEFT JOIN chat_stageevent first "
    "ON first.stage_id = stage.id AND first.sequence_number = 1"
)
REFUSE_ON_SQLITE = (
    "CREATE TRIGGER bad_row BEFORE INSERT ON chat_stageevent "
    "WHEN {where} BEGIN SELECT RAISE(ABORT, 'a bad row'); END",
)
REFUSE_ON_POSTGRES = (
    "CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'a bad row' USING ERRCODE = 'check_violation'; END $$",
    "CREATE TRIGGER bad_row BEFORE INSERT ON chat_stageevent FOR EACH ROW WHEN ({where}) "
    "EXECUTE FUNCTION refuse_row()",
)
LOCK_SQLITE = ("BEGIN EXCLUSIVE",)
LOCK_POSTGRES = (
    "BEGIN",
    "LOCK TABLE chat_stage, chat_stageevent, chat_message, chat_toolrun IN ACCESS EXCLUSIVE MODE",
)


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


class Connection(Protocol):
    """What both drivers' connections can do: `?` for parameters, rows as mappings."""

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Any:
        """Run one statement; what it returns can be iterated over."""

    def close(self) -> None:
        """End the connection."""


class Database:
    """A database by its address; SQLite's `sqlite:///PATH` or PostgreSQL's `postgres://…`.

    Both give values as SQLite holds them: ids as 32 hexadecimal digits, JSON and times as text.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_postgres = not url.startswith("sqlite:")

    @classmethod
    def in_directory(cls, data_dir: Path) -> Database:
        """The SQLite file of a data directory."""
        return cls(f"sqlite:///{data_dir / 'toolbench.sqlite3'}")

    def connect(self, *, write: bool = False) -> Connection:
        """A connection of this process; without a transaction of its own."""
        return PostgresConnection(self.url) if self.is_postgres else sqlite(self.url, write=write)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a query."""
        with closing(self.connect()) as connection:
            return rows_of(connection, sql, parameters)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement that writes."""
        with closing(self.connect(write=True)) as connection:
            connection.execute(sql, parameters)

    def stages(self, after: int = 0) -> list[StoredStage]:
        """All stages stored after the one whose place is `after`, in the order of storing."""
        with closing(self.connect()) as connection:
            found = rows_of(
                connection,
                f"{STAGES} WHERE first.id > ? OR first.id IS NULL ORDER BY stored_as",
                (after,),
            )
            return [stage_of(connection, row) for row in found]

    def stage(self, stage_id: str) -> StoredStage:
        """One stage."""
        with closing(self.connect()) as connection:
            found = rows_of(connection, f"{STAGES} WHERE stage.id = ?", (key_of(stage_id),))
            return stage_of(connection, found[0])

    def active(self) -> list[str]:
        """Stages that have not ended."""
        rows = self.query(
            "SELECT id FROM chat_stage WHERE status IN ('queued', 'running', 'waiting')"
        )
        return [public_id(row["id"]) for row in rows]

    def last_place(self) -> int:
        """The place of the newest stage in the order of storing."""
        sql = "SELECT coalesce(max(id), 0) AS last FROM chat_stageevent WHERE sequence_number = 1"
        return int(self.query(sql)[0]["last"])

    def lock(self, connection: Connection) -> None:
        """Keep everybody else from writing; on PostgreSQL from reading, too."""
        for statement in LOCK_POSTGRES if self.is_postgres else LOCK_SQLITE:
            connection.execute(statement)

    @contextmanager
    def refusing(self, where: str) -> Iterator[None]:
        """Refuse new events for which a condition on NEW holds."""
        for statement in REFUSE_ON_POSTGRES if self.is_postgres else REFUSE_ON_SQLITE:
            self.execute(statement.format(where=where))
        try:
            yield
        finally:
            if self.is_postgres:
                self.execute("DROP FUNCTION refuse_row CASCADE")
            else:
                self.execute("DROP TRIGGER bad_row")


class PostgresConnection:
    """A psycopg connection that takes and gives what sqlite3's does."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=BUSY_SECONDS,
            row_factory=dict_row,
            options="-c TimeZone=UTC",
        )
        for name, loader in (
            ("uuid", HexLoader),
            ("jsonb", TextLoader),
            ("timestamptz", TimeLoader),
        ):
            self._connection.adapters.register_loader(name, loader)

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Any:
        """Run one statement with `?` for parameters."""
        if not parameters:
            return self._connection.execute(sql.encode())
        return self._connection.execute(
            sql.replace("%", "%%").replace("?", "%s").encode(), parameters
        )

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class HexLoader(TextLoader):
    """A UUID as SQLite holds it."""

    def load(self, data: Any) -> str:
        """Without dashes."""
        return str(super().load(data)).replace("-", "")


class TimeLoader(TextLoader):
    """A time as SQLite holds it: UTC, and without saying so."""

    def load(self, data: Any) -> str:
        """Without the zone."""
        return str(super().load(data)).removesuffix("+00")


def sqlite(url: str, *, write: bool) -> sqlite3.Connection:
    """A connection to a SQLite file."""
    path, mode = url.removeprefix("sqlite:///"), "rw" if write else "ro"
    connection = sqlite3.connect(
        f"file:{path}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    return connection


def rows_of(
    connection: Connection, sql: str, parameters: Sequence[object] = ()
) -> list[dict[str, Any]]:
    """The rows of a query on an open connection."""
    return [dict(row) for row in connection.execute(sql, parameters)]


def stage_of(connection: Connection, row: Mapping[str, Any]) -> StoredStage:
    """A stage's row with all that belongs to it."""
    key = row["id"]
    stage_id = public_id(key)
    events = [
        {
            "type": "event",
            "v": 1,
            "stage_id": stage_id,
            "sequence_number": event["sequence_number"],
            "ts": _travelling(event["ts"]),
            "event": event["event"],
            "data": json.loads(event["data"]),
        }
        for event in rows_of(
            connection,
            "SELECT * FROM chat_stageevent WHERE stage_id = ? ORDER BY sequence_number",
            (key,),
        )
    ]
    messages = rows_of(connection, "SELECT * FROM chat_message WHERE stage_id = ?", (key,))
    runs = rows_of(connection, "SELECT * FROM chat_toolrun WHERE stage_id = ? ORDER BY id", (key,))
    return StoredStage(
        {**row, "stage_id": stage_id},
        events,
        messages[0] if messages else None,
        {run["call_id"]: run for run in runs},
    )


def key_of(stage_id: str) -> str:
    """An id as SQLite holds it; PostgreSQL takes it, too."""
    return stage_id.replace("-", "")


def public_id(key: str) -> str:
    """An id as the contract has it."""
    return "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))


def _travelling(stored: str) -> str:
    """A stored time as the envelope has it: milliseconds, cut off, and Z."""
    date, _, clock = stored.partition(" ")
    whole, _, fraction = clock.partition(".")
    return f"{date}T{whole}.{fraction[:3].ljust(3, '0')}Z"
