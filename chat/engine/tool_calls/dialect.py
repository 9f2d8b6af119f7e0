"""What a text dialect is: a way in which models write tool calls into their visible text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TextCall:
    """A call found in text; `source` is the text it was written as."""

    tool: str
    raw_arguments: str
    source: str
    upstream_id: str | None = None


class TextDialect(Protocol):
    """Reads a turn's visible text, holding back what may still become a call.

    Concatenated, what `feed` and `finish` release and the sources of the calls are the text that
    came; only blanks between calls may be lost.
    """

    @property
    def name(self) -> str:
        """The dialect's name, as in the origin `text:<name>`."""
        ...

    def feed(self, text: str) -> str:
        """The text that is certainly no call."""
        ...

    def held(self) -> str:
        """The text that is held back now, calls already recognised among it."""
        ...

    def finish(self) -> tuple[str, tuple[TextCall, ...]]:
        """At the end of the turn: the held text that is no call, and the calls."""
        ...
