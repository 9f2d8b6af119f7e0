"""A pytest plugin for the run on PostgreSQL and Redis: leaves out what cannot differ from SQLite.

A test stays where it, or a fixture it uses, asks for the database or comes from a module that
starts server processes. `TOOLBENCH_LEFT_OUT_FILE` names a file for the counts, for `tests.run`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.backing import is_cluster
from tests.cluster import Cluster, PostgresServer
from tests.serving import ServerProcess

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences"}
SAME = "use neither the database nor a server process"
OWN = "start a PostgreSQL and a Redis of their own in the first run already"
CHOOSING = (Cluster, PostgresServer)


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "sqlite_only(reason): says nothing about PostgreSQL.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot differ, and count it."""
    if not is_cluster():
        return
    reasons = {item: reason for item in items if (reason := why_left_out(item))}
    config.hook.pytest_deselected(items=list(reasons))
    items[:] = [item for item in items if item not in reasons]
    counts = Counter(reasons.values())
    lines = [f"{count}: tests that {reason}" for reason, count in counts.most_common()]
    path = os.environ.get("TOOLBENCH_LEFT_OUT_FILE")
    # Every worker collects the same.
    if path and os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def why_left_out(item: pytest.Item) -> str:
    """Why a test says nothing new on PostgreSQL and Redis; empty where it may."""
    if (marker := item.get_closest_marker("sqlite_only")) is not None:
        return str(marker.kwargs["reason"])
    namespaces = list(_namespaces(item))
    if any(value in CHOOSING for space in namespaces[:1] for value in _types(space)):
        return OWN
    if item.get_closest_marker("django_db") is not None:
        return ""
    if DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
        return ""
    return "" if any(_starts_servers(space) for space in namespaces) else SAME


def _namespaces(item: pytest.Item) -> Iterator[dict[str, Any]]:
    """The modules of the test and of the fixtures it uses, of those that are ours."""
    functions = [getattr(item, "function", None)]
    info = getattr(item, "_fixtureinfo", None)
    for definitions in getattr(info, "name2fixturedefs", {}).values():
        functions += [definition.func for definition in definitions]
    for function in functions:
        space = getattr(function, "__globals__", {})
        if str(space.get("__name__", "")).startswith("tests."):
            yield space


def _types(space: dict[str, Any]) -> list[Any]:
    return [value for value in space.values() if isinstance(value, type)]


def _starts_servers(space: dict[str, Any]) -> bool:
    return any(
        value is ServerProcess
        or (isinstance(value, ModuleType) and value.__name__.startswith("bench."))
        or getattr(value, "__module__", "") in ("bench.rig", "bench.people")
        for value in space.values()
    )
