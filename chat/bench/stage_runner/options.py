"""What a person may ask of the command, read from its arguments."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat.bench.stage_runner.endpoint import (
    ENDPOINT_VARIABLE,
    KEY_VARIABLE,
    TIME_LIMIT,
    BadEndpoint,
    Endpoints,
)
from chat.bench.stage_runner.ledger_run import LATEST

MOST_TRIES = 100
TOOL_MODES = {"native": ("native",), "text": ("text",), "both": ("native", "text")}


class BadOption(ValueError):
    """An argument that cannot be meant; the words say what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The arguments, checked."""

    cases: str
    routes: tuple[str, ...]
    only: tuple[str, ...]
    tool_modes: tuple[str, ...]
    repeat: int
    parallel: int | None
    """None: as is usual for where the trials run."""
    retries: int
    time_limit: float
    as_offered: bool
    endpoint: str
    """As written; empty where only cases or the environment name one."""
    endpoints: Endpoints
    user: str
    judge: str
    resume: str | None
    against: str
    min_rate: float
    show: str
    list_only: bool
    junit: Path | None
    json: Path | None
    csv: Path | None

    @classmethod
    def read(cls, given: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Options:
        """From the parser's values. Raises BadOption."""
        key = _key(given["api_key_file"], environment)
        endpoint = given["endpoint"] or ""
        try:
            endpoints = Endpoints.chosen(endpoint or None, environment, key)
        except BadEndpoint as error:
            raise BadOption(str(error)) from None
        return cls(
            cases=given["cases"] or "",
            routes=tuple(dict.fromkeys(given["route"] or ())),
            only=tuple(dict.fromkeys(given["case"] or ())),
            tool_modes=TOOL_MODES[given["tool_mode"]],
            repeat=given["repeat"],
            parallel=given["parallel"],
            retries=given["retry"],
            time_limit=given["timeout"],
            as_offered=given["as_offered"],
            endpoint=endpoint or environment.get(ENDPOINT_VARIABLE, "").strip(),
            endpoints=endpoints,
            user=given["user"] or "",
            judge=given["judge_route"] or "",
            resume=given["resume"],
            against=given["against"] or "",
            min_rate=given["min_rate"],
            show=given["show"],
            list_only=given["list"],
            junit=_file(given["junit"]),
            json=_file(given["json"]),
            csv=_file(given["csv"]),
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every argument, with the words that --help shows."""
    add = parser.add_argument
    add(
        "cases",
        nargs="?",
        metavar="CASES",
        help="a YAML or JSON file of test cases or of a suite, or the name of a shipped suite "
        "(starter)",
    )
    add("--route", action="append", metavar="R", help="a route to try; may be given again")
    add("--case", action="append", metavar="ID", help="only this case; may be given again")
    add("--repeat", type=_count, default=1, metavar="K", help="tries of each case (1)")
    add(
        "--tool-mode",
        choices=tuple(TOOL_MODES),
        default="native",
        help="how tools are offered: as the API does, described in the prompt, or one after the "
        "other (native)",
    )
    add("--parallel", type=_count, metavar="N", help="trials side by side")
    add("--user", metavar="NAME", help="in process: whose stages they are (the first admin)")
    add(
        "--judge-route",
        metavar="R",
        help="the route that judges rubrics which name none (in process "
        "the user's default, over HTTP the one that is tried)",
    )
    add(
        "--endpoint",
        metavar="URL",
        help=f"try over HTTP against this Toolbench or a plain endpoint ({ENDPOINT_VARIABLE})",
    )
    add(
        "--api-key-file",
        metavar="F",
        help=f"a file whose first line is the key for the endpoint ({KEY_VARIABLE})",
    )
    add(
        "--timeout",
        type=_seconds,
        default=TIME_LIMIT,
        metavar="S",
        help=f"over HTTP: seconds that a stage may take ({TIME_LIMIT:g})",
    )
    add(
        "--retry",
        type=_natural,
        default=0,
        metavar="N",
        help="over HTTP: how often a stage that gave no output is tried again (0)",
    )
    add(
        "--as-offered",
        action="store_true",
        help="over HTTP: try cases with a choice of tools or recorded results too, with the tools "
        "that the endpoint offers, run for real",
    )
    add(
        "--resume",
        nargs="?",
        const=LATEST,
        metavar="RUN",
        help="go on with an interrupted run: the newest of these cases, or the one named",
    )
    add("--against", metavar="RUN", help="an earlier run to compare with: its id or its file")
    add("--min-rate", type=_rate, default=1.0, metavar="R", help="share that must pass (100%%)")
    add("--show", choices=("table", "panels", "json"), default="table", help="the report's form")
    add("--junit", metavar="F", help="write JUnit XML to a file")
    add("--json", metavar="F", help="write everything as JSON to a file")
    add("--csv", metavar="F", help="write a line per trial to a file")
    add("--list", action="store_true", help="list cases, suites and runs, and try nothing")


def _key(path: str | None, environment: Mapping[str, str]) -> str:
    if path is None:
        key = environment.get(KEY_VARIABLE, "").strip()
        where = KEY_VARIABLE
    else:
        where = path
        try:
            key = Path(path).read_text(encoding="utf-8").strip().partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise BadOption(f"The key in {path} cannot be read: {reason}.") from None
        if not key:
            raise BadOption(f"{path} holds no key. Its first line must be the key.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise BadOption(f"What is in {where} is no key: it holds blanks or foreign characters.")
    return key


def _file(name: str | None) -> Path | None:
    """A file to write at the end; told now if it cannot be, and not after an hour of trials."""
    if not name:
        return None
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise BadOption(f"{name} cannot be written. Name a file in a directory that is there.")
    return path


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_TRIES:
        return int(text)
    raise argparse.ArgumentTypeError(f"write a number from 1 to {MOST_TRIES}, not “{text}”")


def _natural(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= MOST_TRIES:
        return int(text)
    raise argparse.ArgumentTypeError(f"write a number from 0 to {MOST_TRIES}, not “{text}”")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 0 < seconds <= 86_400:
        return seconds
    raise argparse.ArgumentTypeError(f"write a number of seconds, not “{text}”")


def _rate(text: str) -> float:
    """A share from 0 to 1, or percent."""
    try:
        rate = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        rate = -1.0
    if 0 <= rate <= 1:
        return rate
    raise argparse.ArgumentTypeError(f"write a share such as 0.9 or 90%, not “{text}”")
