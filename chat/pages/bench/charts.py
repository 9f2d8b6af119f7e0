"""Geometry of the bench's charts: across in percent, down in pixels, so that text never scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10

from chat.pages.figures import duration

LINES_HEIGHT = 180
LINES_TOP = 12
LABEL_HEIGHT = 16
HUES = 6
EDGE = 2.0
"""Percent that stay free at either end, so that marks are whole."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart: its name and a value between 0 and 1 for each step."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A value's place: `x` in percent, `y` in pixels."""

    x: float
    y: float
    value: float


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn series; `label_y` is where its name stands, clear of the others."""

    name: str
    hue: int
    dash: int
    points: tuple[Point, ...]
    label_y: float

    @property
    def segments(self) -> tuple[tuple[Point, Point], ...]:
        """From point to point."""
        return tuple(pairwise(self.points))

    @property
    def last(self) -> float:
        """The value at the end."""
        return self.points[-1].value

    @property
    def words(self) -> str:
        """Its figures in one sentence."""
        return f"{self.name}: {', '.join(f'{point.value:.2f}' for point in self.points)}"


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of a scale."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines between 0 and 1 over the steps 1, 2, 3 …"""

    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    down: tuple[Tick, ...]
    height: int = LINES_HEIGHT
    top: int = LINES_TOP

    @property
    def bottom(self) -> int:
        """Where zero is."""
        return self.height + self.top

    @property
    def whole_height(self) -> int:
        """With the room above and that for the steps' names."""
        return self.height + self.top + 26


@dataclass(frozen=True, slots=True)
class Span:
    """Durations of a target on a common scale, in percent and in milliseconds."""

    name: str
    p50: float
    p95: float
    first: float | None
    p50_ms: float
    p95_ms: float
    first_ms: float | None

    @property
    def figures(self) -> str:
        """p50 and p95 in words."""
        return f"{duration(self.p50_ms)}, p95 {duration(self.p95_ms)}"

    @property
    def words(self) -> str:
        """Its figures in one sentence."""
        first = f", first token {duration(self.first_ms)}" if self.first_ms is not None else ""
        return f"{self.name}: p50 {duration(self.p50_ms)}, p95 {duration(self.p95_ms)}{first}"


@dataclass(frozen=True, slots=True)
class SpanChart:
    """Durations of all targets under one scale."""

    spans: tuple[Span, ...]
    ticks: tuple[Tick, ...]


def line_chart(series: Sequence[Series]) -> LineChart | None:
    """The chart of as many steps as all series have; None where these are less than two."""
    steps = min((len(one.values) for one in series), default=0)
    if steps < 2:
        return None
    series = [Series(one.name, one.values[:steps]) for one in series]
    width = 100 - 2 * EDGE
    x_of = [EDGE + width * step / (steps - 1) for step in range(steps)]
    ends = [_y(one.values[-1]) for one in series]
    labels = _apart(ends)
    lines = tuple(
        Line(
            name=one.name,
            hue=number % HUES + 1,
            dash=number // 2 % 4 + 1,
            points=tuple(
                Point(round(x_of[step], 2), round(_y(value), 1), value)
                for step, value in enumerate(one.values)
            ),
            label_y=round(labels[number], 1),
        )
        for number, one in enumerate(series)
    )
    across = tuple(Tick(round(x, 2), f"k = {step}") for step, x in enumerate(x_of, 1))
    down = tuple(Tick(_y(value), f"{value:g}") for value in (1.0, 0.75, 0.5, 0.25, 0.0))
    return LineChart(lines, across, down)


def span_chart(rows: Sequence[tuple[str, float, float, float | None]]) -> SpanChart | None:
    """Bars for name, p50, p95 and time to the first token, all in milliseconds."""
    longest = max((p95 for _, _, p95, _ in rows), default=0)
    if longest <= 0:
        return None
    step = _round_step(longest / 4)
    steps = max(1, -int(-longest // step))
    end = step * steps
    return SpanChart(
        spans=tuple(
            Span(
                name=name,
                p50=round(100 * p50 / end, 2),
                p95=round(100 * p95 / end, 2),
                first=round(100 * first / end, 2) if first is not None else None,
                p50_ms=p50,
                p95_ms=p95,
                first_ms=first,
            )
            for name, p50, p95, first in rows
        ),
        ticks=tuple(
            Tick(round(100 * number / steps, 2), _seconds(step * number))
            for number in range(steps + 1)
        ),
    )


def _y(value: float) -> float:
    return LINES_TOP + LINES_HEIGHT * (1 - value)


def _apart(places: Sequence[float]) -> list[float]:
    """Places moved as little as keeps a line's height between any two, within the plot."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    # Neighbours that are too close stand together, around the middle of their places.
    groups: list[list[int]] = []
    for number in order:
        groups.append([number])
        while len(groups) > 1 and _top(groups[-1], places) < _bottom(groups[-2], places):
            last = groups.pop()
            groups[-1] += last
    moved = list(places)
    for group in groups:
        for at, number in enumerate(group):
            moved[number] = _top(group, places) + at * LABEL_HEIGHT
    limit = LINES_TOP + LINES_HEIGHT + LABEL_HEIGHT / 2
    for number in reversed(order):
        moved[number] = min(moved[number], limit)
        limit = moved[number] - LABEL_HEIGHT
    return moved


def _top(group: Sequence[int], places: Sequence[float]) -> float:
    """Where the first name of a group stands."""
    middle = sum(places[number] for number in group) / len(group)
    return max(middle - (len(group) - 1) * LABEL_HEIGHT / 2, LABEL_HEIGHT / 2)


def _bottom(group: Sequence[int], places: Sequence[float]) -> float:
    """Where a name below a group may stand at the earliest."""
    return _top(group, places) + len(group) * LABEL_HEIGHT


def _round_step(length: float) -> float:
    """The next of 1, 2, 5, 10, 20 …"""
    power: float = 10.0 ** floor(log10(length))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= length * 0.999)


def _seconds(ms: float) -> str:
    if ms == 0:
        return "0"
    return f"{ms:g}\u00a0ms" if ms < 1000 else f"{ms / 1000:g}\u00a0s"
