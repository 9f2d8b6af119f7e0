"""The kept results: a file of JSON and one of Markdown per run, and a page that shows them all."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.serving import ROOT

RESULTS = Path(__file__).parent / "results"
TITLES = {
    "streams": "Streams",
    "profile": "Where the time goes",
    "growth": "Growth",
    "soak": "Soak",
    "wire": "What reading a chunk costs",
    "gateway": "Gateway",
}
PACKAGES = (
    *("django", "channels", "daphne", "uvicorn", "uvloop", "websockets", "openai", "httptools"),
    *("channels-redis", "redis", "psycopg", "pydantic", "orjson"),
)


def keep(kind: str, summary: str, body: str, found: dict[str, Any], directory: Path) -> Path:
    """Keep a run: its numbers, its Markdown, and a line in the page of all runs."""
    now = datetime.now(UTC)
    commit = commit_now()
    directory.mkdir(parents=True, exist_ok=True)
    path = _free(directory, f"{kind}-{now:%Y-%m-%d}-{commit}")
    where = machine()
    head = {
        "kind": kind,
        "at": now.isoformat(timespec="seconds"),
        "commit": commit,
        "summary": summary,
        "machine": where,
    }
    path.write_text(json.dumps({**head, **found}, indent=2) + "\n")
    about = f"{now:%Y-%m-%d %H:%M} UTC, commit {commit}, {told_machine(where)}"
    path.with_suffix(".md").write_text(f"# {TITLES[kind]}\n\n{about}\n\n{body.strip()}\n")
    (directory / "README.md").write_text(page(directory))
    return path


def page(directory: Path) -> str:
    """The newest run of each kind in full, and a line for each one before it."""
    lines = [
        "# Results",
        "",
        "Written by the commands of `bench/`; see [how they measure](../README.md).",
    ]
    for kind, title in TITLES.items():
        runs = sorted(_runs(directory, kind), key=lambda run: run[1]["at"], reverse=True)
        if not runs:
            continue
        newest = runs[0][0].with_suffix(".md")
        text = newest.read_text() if newest.exists() else f"# {title}\n\n{_summary(runs[0][1])}\n"
        lines += ["", text.strip().replace("# ", "## ", 1)]
        if len(runs) > 1:
            lines += ["", "Before:", ""]
        for path, run in runs[1:]:
            lines.append(f"- [{run['at'][:16]} {run['commit']}]({path.name}): {_summary(run)}")
    return "\n".join(lines) + "\n"


def commit_now() -> str:
    """The commit that is measured; `-dirty` where the tree differs from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {
        "processor": _first_value("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_mib": int((_first_value("/proc/meminfo", "MemTotal") or "0").split()[0]) // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def told_machine(told: dict[str, Any]) -> str:
    """The same in a line."""
    return (
        f"{told['cores']} cores ({told['processor']}), {told['memory_mib'] // 1024} GiB, "
        f"Python {told['python']}, load average {told['load_average']} when it was written"
    )


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; the first column flush left, the others right."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def _runs(directory: Path, kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in directory.glob(f"{kind}-*.json"):
        yield path, json.loads(path.read_text())


def _summary(run: dict[str, Any]) -> str:
    if "summary" in run:
        return str(run["summary"])
    # As issue 2 kept them: one setup, no summary.
    ratios = ", ".join(f"{line['ratio']:.2f} at {line['streams']}" for line in run["lines"])
    html = " with rendered Markdown" if run.get("html") else ""
    return f"sqlite-daphne-1{html}: {ratios} streams times the SDK loop's CPU"


def _free(directory: Path, stem: str) -> Path:
    path, number = directory / f"{stem}.json", 2
    while path.exists():
        path, number = directory / f"{stem}-{number}.json", number + 1
    return path


def _first_value(path: str, name: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return ""
