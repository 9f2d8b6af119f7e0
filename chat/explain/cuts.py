"""Ways of cutting a capture into the pieces in which it is fed to the readers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Data = TypeVar("Data", bytes, str)

CUT_FORMS = "whole, bytes or random:SEED"
# Pieces as networks and tokenisers make them: mostly a few characters, now and then a long read.
_SIZES = (1, 1, 1, 2, 2, 3, 4, 5, 8, 13, 34, 144)


class UnknownCut(ValueError):
    """Words that name no way of cutting."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One way of cutting: all at once, one byte or character at a time, or at random places."""

    size: int | None = None
    seed: str | None = None

    @classmethod
    def named(cls, words: str) -> Cut:
        """The cut of `whole`, `bytes` or `random:SEED`; raises UnknownCut."""
        name, _, seed = words.partition(":")
        if words == "whole":
            return cls()
        if words == "bytes":
            return cls(size=1)
        if name == "random" and seed:
            return cls(seed=seed)
        raise UnknownCut(f"There is no cut “{words}”. It is one of: {CUT_FORMS}.")

    def pieces(self, data: Data) -> Iterator[Data]:
        """The data in pieces that join to it; the same pieces for the same seed."""
        if self.seed is None:
            size = self.size or len(data)
            for at in range(0, len(data), size or 1):
                yield data[at : at + size]
            return
        sizes = random.Random(self.seed)  # noqa: S311 - a test pattern
        at = 0
        while at < len(data):
            size = sizes.choice(_SIZES)
            yield data[at : at + size]
            at += size
