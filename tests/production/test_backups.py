"""The guide's backups hold what was there."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.production.installation import Installation
from tests.production.needs import need
from tests.production.proxies import logged_in, proxy_of

pytestmark = pytest.mark.slow

TABLES = ("chat_stage", "chat_stageevent", "chat_message", "chat_conversation", "auth_user")


async def test_a_restored_backup_has_the_same_rows(team: Installation) -> None:
    with proxy_of("nginx", team) as nginx:
        browser = await asyncio.to_thread(logged_in, team, nginx)
        async with browser.socket() as client:
            assert (await client.run("Hello")).names[-1] == "done"
    team.run("backup")
    printed = team.run("restore")
    counts = re.findall(r"^ +(\d+) \|", printed, re.MULTILINE)
    assert len(counts) == 2
    assert counts[0] == counts[1]
    assert rows(team.restored_url()) == rows(team.database_url)
    (dump,) = (team.root / "var" / "backups" / "toolbench").glob("toolbench-*.dump")
    assert dump.stat().st_mode & 0o777 == 0o600


def rows(url: str) -> dict[str, tuple[Any, ...]]:
    """How many rows each table has, and a digest of what is in them."""
    found = {}
    with psycopg.connect(url) as connection:
        for table in TABLES:
            query = (
                f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
            )
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            assert row[0] > 0, table
            found[table] = row
    return found


def test_a_restored_sqlite_file_is_the_one_that_was_saved() -> None:
    need("sqlite3")
    with Installation() as place:
        data = place.root / "srv" / "toolbench" / "var"
        data.mkdir()
        file = data / "toolbench.sqlite3"
        with closing(sqlite3.connect(file)) as server:
            # It serves meanwhile, in WAL mode: the newest rows are not in the file itself.
            server.executescript(
                "PRAGMA journal_mode=WAL; CREATE TABLE chat_stage (id); CREATE TABLE more (id);"
                "INSERT INTO chat_stage VALUES (1), (2), (3);"
            )
            before = sqlite_dump(file)
            assert place.run("backup-sqlite").splitlines() == ["ok", "3"]
            server.executescript("DROP TABLE more; DELETE FROM chat_stage;")
        (data / "toolbench.sqlite3-wal").write_bytes(b"what a crash left")
        place.run("restore-sqlite")
        assert sqlite_dump(file) == before


def sqlite_dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())
