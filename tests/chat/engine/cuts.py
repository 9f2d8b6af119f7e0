"""Cutting what a server sends into pieces, at every place or at random ones."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

from hypothesis import strategies as st

Text = TypeVar("Text", bytes, str)


def pieces_of(whole: Text, cuts: list[int]) -> list[Text]:
    """The whole cut at these places (taken modulo its length)."""
    places = sorted({cut % (len(whole) + 1) for cut in cuts} | {0, len(whole)})
    return [whole[a:b] for a, b in pairwise(places)]


CUTS = st.lists(st.integers(min_value=0, max_value=10_000), max_size=40)
