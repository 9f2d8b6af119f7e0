"""The state file of a run over HTTP: a line per trial, on the disk before the next is begun."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

VERSION = 1
SUFFIX = ".bench-state"


class BadLedger(ValueError):
    """A state file that cannot be gone on with; the words say why."""


class Head(BaseModel):
    """What a run is of; two runs with the same digest have the same trials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = VERSION
    run: str
    name: str
    digest: str
    total: int
    started_at: datetime


class Ledger:
    """An open state file; closing it lets another process go on.

    Each line is written and synced before `append` returns, so that a killed run loses only the
    trials that were under way. A last line that a kill cut off is dropped when it is opened again.
    """

    def __init__(
        self, path: Path, head: Head, file: IO[bytes], lines: list[dict[str, Any]]
    ) -> None:
        self.path = path
        self.head = head
        self.lines = lines
        """The trials that are done, as they were appended."""
        self._file = file

    @classmethod
    def create(cls, path: Path, name: str, digest: str, total: int) -> Self:
        """A new one. Raises BadLedger where it cannot be written."""
        started = datetime.now(UTC)
        run = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        head = Head(run=run, name=name, digest=digest, total=total, started_at=started)
        path = path / f"{run}{SUFFIX}" if path.is_dir() else path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
        except OSError as error:
            raise BadLedger(f"{path} cannot be written: {error.strerror}.") from None
        _lock(file, path)
        file.truncate(0)
        ledger = cls(path, head, file, [])
        ledger._write(head.model_dump(mode="json"))
        _sync_directory(path.parent)
        return ledger

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """One to go on with. Raises BadLedger."""
        try:
            file = path.open("r+b")
        except OSError as error:
            raise BadLedger(f"{path} cannot be opened: {error.strerror}.") from None
        _lock(file, path)
        try:
            head, lines, whole = _read(file.read(), path)
        except BadLedger:
            file.close()
            raise
        file.truncate(whole)
        file.seek(whole)
        return cls(path, head, file, lines)

    def append(self, line: dict[str, Any]) -> None:
        """Keep a trial that is done."""
        self._write(line)
        self.lines.append(line)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _write(self, value: dict[str, Any]) -> None:
        self._file.write(orjson.dumps(value) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_ledger(path: Path) -> tuple[Head, list[dict[str, Any]]]:
    """What a state file holds, whoever writes it. Raises BadLedger."""
    try:
        head, lines, _ = _read(path.read_bytes(), path)
    except OSError as error:
        raise BadLedger(f"{path} cannot be opened: {error.strerror}.") from None
    return head, lines


def heads_in(directory: Path) -> Iterator[tuple[Path, Head, int]]:
    """The runs of a directory, the newest first, with how many trials each has done."""
    for path in sorted(directory.glob(f"*{SUFFIX}"), reverse=True):
        try:
            head, lines = read_ledger(path)
        except BadLedger:
            continue
        yield path, head, len(lines)


def digest_of(value: Any) -> str:
    """What tells one plan from another."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise BadLedger(f"Another process is at work on the run in {path}.") from None


def _read(data: bytes, path: Path) -> tuple[Head, list[dict[str, Any]], int]:
    """Head, trials, and how many bytes of whole lines there are."""
    whole = data.rfind(b"\n") + 1
    first, *rest = data[:whole].split(b"\n")[:-1] or [b""]
    try:
        head = Head.model_validate_json(first)
    except ValidationError:
        raise BadLedger(f"{path} is not the state of a run.") from None
    if head.version != VERSION:
        raise BadLedger(f"{path} was written by another version of Toolbench; start anew.")
    lines: list[dict[str, Any]] = []
    size = len(first) + 1
    for line in rest:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            # A machine that lost power may keep a hole; what stands after it is tried again.
            break
        lines.append(value)
        size += len(line) + 1
    return head, lines, size


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
