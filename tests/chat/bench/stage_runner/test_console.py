"""The console's report: wide and narrow, with what failed said once."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from chat.bench.findings import Finding
from chat.bench.stage_runner.console import Told, print_report
from chat.bench.stage_runner.trials import TrialResult, rows_of
from chat.bench.summary import summary_of

ROUTES = ("traditional", "reasoning", "remote-openai")


def result(route: str, number: int, *, passed: bool) -> TrialResult:
    missing = Finding(False, "get_weather was not called", "no call", "CALL_MISSING").as_json()
    return TrialResult(
        route=route,
        tool_mode="native",
        case_id="[red]weather[/red]",
        category="parallel",
        number=number,
        status="success",
        passed=passed,
        code="" if passed else "CALL_MISSING",
        findings=[] if passed else [missing] * 5,
        execution_ms=1234,
        first_token_ms=56,
        input_tokens=1000,
        output_tokens=20,
    )


@pytest.fixture
def told() -> Told:
    """Two tries of one case on three routes; one route fails both."""
    results = [
        result(route, number, passed=route != "reasoning") for number in (1, 2) for route in ROUTES
    ]
    return Told(title="small, run 1", run="1", summary=summary_of(rows_of(results)), trials=results)


def printed(told: Told, width: int) -> str:
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    print_report(console, told)
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 140])
def test_every_figure_is_whole_whatever_the_width(told: Told, width: int) -> None:
    text = printed(told, width)
    assert "…" not in text
    for figure in (*ROUTES, "100 %", "34–100 %", "^2 100 %", "1,234 ms", "2,000 + 40", "0/2 ○○"):
        assert figure in text, figure
    assert "small, run 1: 4 of 6 trials passed." in text


def test_what_is_wrong_in_the_same_way_is_said_once(told: Told) -> None:
    text = printed(told, 140)
    assert "on reasoning, tries 1, 2" in text
    assert text.count("get_weather was not called") == 1
    assert "get_weather was not called (no call), 5 times" in text


def test_a_cases_name_is_shown_as_it_is(told: Told) -> None:
    assert "[red]weather[/red]" in printed(told, 140)
