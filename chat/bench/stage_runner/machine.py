"""The states of a stage's execution: idle -> executing -> success or failed; failed -> idle.

A table of our own: four states with five arrows and no guards are shorter than the set-up of a
state machine library, and one dependency less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

State = Literal["idle", "executing", "success", "failed"]

NEXT: Mapping[State, tuple[State, ...]] = {
    "idle": ("executing",),
    "executing": ("success", "failed"),
    "success": (),
    "failed": ("idle",),
}


class WrongTransition(RuntimeError):
    """A step that the machine does not have."""


class Machine:
    """Where an execution stands; it moves along NEXT only."""

    def __init__(self) -> None:
        self.state: State = "idle"

    def move(self, to: State) -> None:
        """Go on to the next state. Raises WrongTransition."""
        if to not in NEXT[self.state]:
            ways = " or ".join(NEXT[self.state]) or "nowhere"
            raise WrongTransition(f"From {self.state} it goes to {ways}, not to {to}.")
        self.state = to
