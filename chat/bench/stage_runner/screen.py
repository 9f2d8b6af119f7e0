"""The command's two outputs as rich wants them, and the bar of a run."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

PLAIN_WIDTH = 140
"""Where the output is no terminal, nobody says how wide it is."""


class Screen(io.TextIOBase):
    """A Django command's output, written to without its line ends and without its colours."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper

    def write(self, text: str) -> int:
        """As it is."""
        self._wrapper.write(text, _unstyled, ending="")
        return len(text)

    def flush(self) -> None:
        """Of what is behind it."""
        self._wrapper.flush()

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return bool(self._wrapper.isatty())


def make_console(wrapper: Any, *, quiet: bool = False) -> Console:
    """A console that is plain and wide where nobody looks at it directly."""
    screen = Screen(wrapper)
    if screen.isatty():
        return Console(file=screen, highlight=False, quiet=quiet)  # type: ignore[arg-type]
    return Console(
        file=screen,  # type: ignore[arg-type]
        width=PLAIN_WIDTH,
        force_terminal=False,
        no_color=True,
        highlight=False,
        emoji=False,
        quiet=quiet,
    )


class Bar(Protocol):
    """How far a run is."""

    def advance(self, *, passed: bool | None) -> None:
        """One trial has ended."""


class _Shown:
    """A bar that a terminal shows."""

    def __init__(self, progress: Progress, total: int, done: int, failed: int) -> None:
        self._progress, self._failed = progress, failed
        self._task = progress.add_task(self._words, total=total, completed=done)

    def advance(self, *, passed: bool | None) -> None:
        """As Bar."""
        self._failed += passed is False
        self._progress.update(self._task, advance=1, description=self._words)

    @property
    def _words(self) -> str:
        return f"{self._failed} failed" if self._failed else ""


class _Lines:
    """Ten lines in all, for a log that no terminal shows."""

    def __init__(self, console: Console, total: int, done: int, failed: int) -> None:
        self._console, self._total, self._done, self._failed = console, total, done, failed

    def advance(self, *, passed: bool | None) -> None:
        """As Bar."""
        self._done += 1
        self._failed += passed is False
        tenths = self._done * 10 // self._total
        if tenths != (self._done - 1) * 10 // self._total:
            self._console.print(
                f"{self._done} of {self._total} trials, {self._failed} failed", markup=False
            )


@contextmanager
def bar(console: Console, total: int, done: Sequence[bool | None] = ()) -> Iterator[Bar]:
    """The bar of a run of so many trials; `done` are the verdicts of those tried before."""
    failed = sum(passed is False for passed in done)
    if not console.is_terminal:
        yield _Lines(console, max(total, 1), len(done), failed)
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Shown(progress, total, len(done), failed)


def _unstyled(text: str) -> str:
    return text
