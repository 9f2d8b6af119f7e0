"""Making, copying and dropping databases of a PostgreSQL, by its address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql


def execute(url: str, statement: str | sql.Composable) -> list[tuple[Any, ...]]:
    """Run a statement on the database at `url`, outside a transaction; its rows, if it has any."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def create_database(url: str, name: str, template: str | None = None) -> None:
    """Make a database on the server at `url`, as a copy of another where one is named."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template or "template0")
    )
    execute(url, statement)


def drop_database(url: str, name: str) -> None:
    """Drop a database on the server at `url`, ending its sessions."""
    execute(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def has_database(url: str, name: str) -> bool:
    """Whether the server at `url` has a database of that name."""
    known = sql.SQL("SELECT 1 FROM pg_database WHERE datname = {}").format(sql.Literal(name))
    return bool(execute(url, known))


def with_database(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()
