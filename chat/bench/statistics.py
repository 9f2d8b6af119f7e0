"""Figures of success and time, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

Z95 = 1.959963984540054
"""Of the normal distribution, for 95 % on both sides."""
NOISE = 0.05


@dataclass(frozen=True, slots=True)
class Interval:
    """A range in which the true value lies with 95 % confidence."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference with this interval is more than noise."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Tally:
    """So many of so many."""

    passed: int = 0
    ended: int = 0

    @property
    def rate(self) -> float | None:
        """The share that passed; None where nothing has ended."""
        return self.passed / self.ended if self.ended else None

    @property
    def interval(self) -> Interval | None:
        """The rate's Wilson interval."""
        return wilson(self.passed, self.ended) if self.ended else None

    def with_one(self, passed: bool) -> Tally:
        """One more."""
        return Tally(self.passed + passed, self.ended + 1)


def wilson(passed: int, ended: int) -> Interval:
    """The score interval of a share (Wilson 1927); good for few trials and at 0 and 1."""
    if ended <= 0:
        return Interval(0.0, 1.0)
    share, square = passed / ended, Z95 * Z95
    scale = 1 + square / ended
    centre = (share + square / (2 * ended)) / scale
    half = Z95 / scale * math.sqrt(share * (1 - share) / ended + square / (4 * ended * ended))
    # At the ends the rounding of the root must not leave a hair.
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == ended else min(1.0, centre + half)
    return Interval(low, high)


def difference(now: Tally, before: Tally) -> Interval | None:
    """The interval of `now` less `before` (Newcombe 1998, method 10: by both Wilson intervals)."""
    if now.rate is None or before.rate is None or not now.interval or not before.interval:
        return None
    centre = now.rate - before.rate
    down = math.hypot(now.rate - now.interval.low, before.interval.high - before.rate)
    up = math.hypot(now.interval.high - now.rate, before.rate - before.interval.low)
    return Interval(centre - down, centre + up)


def chance(one: Tally, other: Tally) -> float:
    """How likely shares are to differ so much by chance alone (Fisher's exact test, two-sided)."""
    passed, ended = one.passed + other.passed, one.ended + other.ended

    def ways(of_one: int) -> int:
        return math.comb(one.ended, of_one) * math.comb(other.ended, passed - of_one)

    possible = range(max(0, passed - other.ended), min(one.ended, passed) + 1)
    seen = ways(one.passed)
    return sum(ways(number) for number in possible if ways(number) <= seen) / math.comb(
        ended, passed
    )


def is_clear(now: Tally, before: Tally) -> bool:
    """Whether a change is more than noise: Newcombe's interval excludes zero, and chance alone
    explains it in at most one of twenty cases. With few tries the interval alone says so too soon.
    """
    interval = difference(now, before)
    return interval is not None and interval.excludes_zero and chance(now, before) <= NOISE


def pass_hat(cases: Collection[Tally], k: int) -> float | None:
    """pass^k: the chance that k tries of a case all pass, averaged over the cases.

    The unbiased estimator of tau-bench (Yao and others 2024): C(c, k) / C(n, k) for c of n passed.
    Cases with fewer than k tries are left out; None where none is left.
    """
    told = [
        math.comb(case.passed, k) / math.comb(case.ended, k) for case in cases if case.ended >= k
    ]
    return sum(told) / len(told) if told else None


def pass_hats(cases: Collection[Tally]) -> tuple[float, ...]:
    """pass^1, pass^2, … as far as every case that has ended tries has enough of them."""
    tried = [case for case in cases if case.ended]
    most = min((case.ended for case in tried), default=0)
    hats = (pass_hat(tried, k) for k in range(1, most + 1))
    return tuple(hat for hat in hats if hat is not None)


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value below which a share lies, between two neighbours in proportion."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
