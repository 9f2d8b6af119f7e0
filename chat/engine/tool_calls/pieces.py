"""What reading a model's visible text yields: text, thoughts, and calls taking shape."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """Text for the person."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning that the model wrote into its text."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """A call that is certain: its tool is known. It is never taken back."""

    position: int
    tool: str
    upstream_id: str | None
    dialect: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """A piece of a call's raw JSON argument text."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call's end; `complete` is false where the text ended or broke within it.

    `source` is the text that it was written as, from its start, bounded. `at_end`: only the end
    of the text ended it, so what is cut off there would not be noticed.
    """

    position: int
    raw_arguments: str
    source: str
    complete: bool
    repairs: tuple[str, ...] = ()
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class Mended:
    """A deviation in the text that was mended; `raw` is what it was, bounded."""

    code: str
    raw: str


Piece = Said | Thought | CallBegun | CallArguments | CallEnded | Mended
