"""How old a chunk's text was when it arrived, from the stamps that bench.upstream writes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Ages:
    """The stamps found in one stream's text, and what they say."""

    started: float = field(default_factory=time.monotonic)
    chunks: int = 0
    first_token_ms: float | None = None
    delays_ms: list[float] = field(default_factory=list)
    _rest: str = ""

    def take(self, text: str) -> None:
        """Read the stamps that are complete in what has come so far."""
        now = time.monotonic_ns()
        if self.first_token_ms is None:
            self.first_token_ms = (time.monotonic() - self.started) * 1000
        *words, self._rest = (self._rest + text).split(" ")
        for word in words:
            # Filled chunks hold words between the stamps.
            if word.isdigit():
                self.chunks += 1
                self.delays_ms.append((now - int(word)) / 1e6)


def summary(all_ages: list[Ages]) -> dict[str, object]:
    """The numbers of many streams together."""
    return {
        "chunks": sum(ages.chunks for ages in all_ages),
        "first_token_ms": [ages.first_token_ms for ages in all_ages if ages.first_token_ms],
        "delays_ms": [round(delay, 3) for ages in all_ages for delay in ages.delays_ms],
    }
