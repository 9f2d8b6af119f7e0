"""What only a whole answer tells: that the prompt had opened the thought it closes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

UNOPENED = "thought_unopened"

Reading = TypeVar("Reading")
Note = TypeVar("Note")


def read_with_hindsight(
    read: Callable[[bool], Reading],
    notes_of: Callable[[Reading], list[Note]],
    code_of: Callable[[Note], str],
) -> Reading:
    """What `read` makes of a capture, asked whether the text begins inside a thought.

    A capture is all there: where it closes a thought that nothing opened, the prompt had opened
    it, and it is read as one that began inside. A live reader learns it at the closing tag.
    """
    reading = read(False)
    unopened = [note for note in notes_of(reading) if code_of(note) == UNOPENED]
    if not unopened:
        return reading
    again = read(True)
    notes = notes_of(again)
    if any(code_of(note) == UNOPENED for note in notes):
        # One closing tag too many is not explained by that.
        return reading
    notes[:0] = unopened
    return again
