"""What charts, tints and words are made of, without a database."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from chat.pages.bench.charts import LABEL_HEIGHT, Series, line_chart, span_chart
from chat.pages.bench.marks import TONES, legend, tone_of
from chat.pages.bench.words import money, signed


@pytest.mark.parametrize("tries", range(1, 11))
def test_every_count_has_one_tint_and_more_passes_never_a_worse_one(tries: int) -> None:
    tones = [TONES.index(tone_of(passed, tries)) for passed in range(tries + 1)]
    assert tones == sorted(tones, reverse=True)
    assert tones[0] == TONES.index("none")
    assert tones[-1] == TONES.index("all")


def test_the_legend_is_that_of_the_design_for_five_tries() -> None:
    assert [(entry.tone, entry.words) for entry in legend(5)] == [
        ("all", "5 of 5"),
        ("most", "4"),
        ("some", "2 to 3"),
        ("few", "1"),
        ("none", "0"),
    ]


def test_lines_go_from_edge_to_edge_and_one_is_above_zero() -> None:
    chart = line_chart([Series("a", (1.0, 0.5, 0.0))])
    assert chart is not None
    points = chart.lines[0].points
    assert [point.x for point in points] == [2, 50, 98]
    assert points[0].y == chart.top
    assert points[-1].y == chart.bottom
    assert [tick.label for tick in chart.across] == ["k = 1", "k = 2", "k = 3"]


@pytest.mark.parametrize("ends", [[0.0] * 6, [1.0] * 6, [0.5, 0.51, 0.49, 0.5], [1.0, 0.0]])
def test_names_at_the_lines_ends_never_stand_on_each_other(ends: list[float]) -> None:
    chart = line_chart([Series(str(n), (1.0, end)) for n, end in enumerate(ends)])
    assert chart is not None
    places = sorted(line.label_y for line in chart.lines)
    assert all(b - a >= LABEL_HEIGHT - 0.2 for a, b in pairwise(places))
    assert places[-1] <= chart.bottom + LABEL_HEIGHT


def test_names_of_equal_lines_stand_around_their_end() -> None:
    chart = line_chart([Series(str(n), (1.0, 0.5)) for n in range(3)])
    assert chart is not None
    end = chart.lines[0].points[-1].y
    places = [line.label_y for line in chart.lines]
    assert places == [end - LABEL_HEIGHT, end, end + LABEL_HEIGHT]


def test_no_two_of_twelve_lines_look_the_same() -> None:
    chart = line_chart([Series(str(n), (1.0, 0.5)) for n in range(12)])
    assert chart is not None
    assert len({(line.hue, line.dash) for line in chart.lines}) == 12


def test_one_step_is_no_chart() -> None:
    assert line_chart([]) is None
    assert line_chart([Series("a", (0.5,))]) is None


@pytest.mark.parametrize("longest", [0.4, 3, 47, 980, 1_000, 61_000, 900_000])
def test_a_scale_holds_its_longest_bar_in_round_steps(longest: float) -> None:
    chart = span_chart([("a", longest / 2, longest, None)])
    assert chart is not None
    assert chart.spans[0].p95 <= 100
    assert 2 <= len(chart.ticks) <= 6
    assert chart.ticks[0].label == "0"
    assert chart.ticks[-1].at == 100


def test_nothing_measured_is_no_scale() -> None:
    assert span_chart([]) is None
    assert span_chart([("a", 0, 0, None)]) is None


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.41", "€\u00a00.41"),
        ("1234.5", "€\u00a01,234.50"),
        ("0.0000123", "€\u00a00.000012"),
        ("0", "€\u00a00"),
    ],
)
def test_small_amounts_keep_figures_that_say_something(amount: str, words: str) -> None:
    assert money(Decimal(amount), "EUR") == words


def test_a_difference_has_a_true_minus() -> None:
    assert (signed(-2), signed(3), signed(0)) == ("\u22122", "+3", "0")
