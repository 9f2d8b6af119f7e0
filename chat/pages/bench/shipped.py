"""The suites that come with Toolbench, read from their files."""

from __future__ import annotations

from functools import lru_cache

from django.urls import reverse

from chat.bench.cases import Suite, load_suite
from chat.bench.stage_runner.case_files import SHIPPED, shipped_suites
from chat.pages.bench.listing import SuiteRow


def shipped_text(name: str) -> str | None:
    """A shipped suite's file; None where there is none of that name."""
    if name not in shipped_suites():
        return None
    return (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")


def shipped_suite(name: str) -> Suite | None:
    """A shipped suite; None where there is none of that name."""
    text = shipped_text(name)
    return _read(text) if text is not None else None


def shipped_url(name: str) -> str:
    """The page of a shipped suite; empty where there is none of that name."""
    return reverse("bench:shipped", args=[name]) if name in shipped_suites() else ""


def shipped_rows() -> tuple[SuiteRow, ...]:
    """The shipped suites for the list."""
    rows = []
    for name in shipped_suites():
        suite = shipped_suite(name)
        if suite is not None:
            url, words = shipped_url(name), " ".join(suite.description.split())
            rows.append(SuiteRow(url, suite.name, words, len(suite.cases), "", is_shipped=True))
    return tuple(rows)


@lru_cache(maxsize=8)
def _read(text: str) -> Suite:
    """Reading YAML takes half a second for a large file, and the text is what it was."""
    return load_suite(text)
