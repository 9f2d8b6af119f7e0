"""The figures against values that others have published or that are known exactly."""

from __future__ import annotations

import itertools
import math

import pytest

from chat.bench.statistics import Tally, chance, difference, pass_hat, pass_hats, percentile, wilson


@pytest.mark.parametrize(
    ("passed", "ended", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17, 857-872), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 1 - 0.1170, 1.0),
    ],
)
def test_wilson_s_interval_is_the_published_one(
    passed: int, ended: int, low: float, high: float
) -> None:
    interval = wilson(passed, ended)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17, 873-890), table II, method 10.
        (Tally(56, 70), Tally(48, 80), 0.0524, 0.3339),
        (Tally(9, 10), Tally(3, 10), 0.1705, 0.8090),
        (Tally(10, 10), Tally(0, 20), 0.6791, 1.0),
        (Tally(10, 10), Tally(0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_s_interval_of_a_difference_is_the_published_one(
    now: Tally, before: Tally, low: float, high: float
) -> None:
    interval = difference(now, before)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("one", "other", "chance_alone"),
    [
        # Fisher 1935: the lady who tasted tea, 3 and 1 of 4; all 4; Agresti 2002, table 3.8.
        (Tally(3, 4), Tally(1, 4), 34 / 70),
        (Tally(4, 4), Tally(0, 4), 2 / 70),
        (Tally(1, 10), Tally(11, 14), 0.002759456),
        (Tally(2, 2), Tally(2, 2), 1.0),
        (Tally(0, 1), Tally(1, 1), 1.0),
    ],
)
def test_chance_is_fisher_s_exact_test(one: Tally, other: Tally, chance_alone: float) -> None:
    assert math.isclose(chance(one, other), chance_alone, rel_tol=1e-6)
    assert math.isclose(chance(other, one), chance_alone, rel_tol=1e-6)


@pytest.mark.parametrize("passed", range(7))
def test_pass_hat_is_the_share_of_all_choices_of_k_tries_that_pass(passed: int) -> None:
    tries = [True] * passed + [False] * (6 - passed)
    for k in range(1, 7):
        choices = list(itertools.combinations(tries, k))
        expected = sum(all(choice) for choice in choices) / len(choices)
        hat = pass_hat([Tally(passed, 6)], k)
        assert hat is not None
        assert math.isclose(hat, expected)


def test_pass_hats_average_over_cases() -> None:
    cases = [Tally(4, 4), Tally(2, 4), Tally(0, 4)]
    hats = pass_hats(cases)
    assert [round(hat, 4) for hat in hats] == [0.5, round((1 + 1 / 6) / 3, 4), 0.3333, 0.3333]


def test_pass_hats_go_as_far_as_every_case_was_tried() -> None:
    assert len(pass_hats([Tally(3, 3), Tally(1, 2), Tally(0, 0)])) == 2
    assert pass_hats([]) == ()
    assert pass_hat([Tally(1, 1)], 2) is None


def test_percentiles_lie_between_neighbours_in_proportion() -> None:
    assert percentile([], 0.5) is None
    assert percentile([7], 0.95) == 7
    assert percentile([4, 1, 3, 2], 0.5) == 2.5
    assert percentile(range(101), 0.95) == 95
