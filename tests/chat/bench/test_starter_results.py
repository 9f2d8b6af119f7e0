"""The starter suite's recorded results are, letter by letter, what the built-in tools return."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from chat.bench.cases import Case
from tests.chat.bench.starter import SUITE, IdealCall, recorded_results
from tests.tools.conftest import (  # noqa: F401 (the fixtures of the tools' own tests)
    Service,
    closing_client,
    service,
)
from tools.base import ToolCall, ToolResult, Toolset
from tools.builtin.arithmetic import calculate
from tools.builtin.clock import current_time, find_zone
from tools.builtin.weather import CONDITIONS
from tools.calling import check_call, run_calls
from tools.output import as_text
from tools.registry import registered_tools

CALLS = list(recorded_results())


def calls_of(tool: str) -> list[tuple[Case, IdealCall]]:
    mine = [(case, ideal) for case, ideal in CALLS if ideal.call.tool == tool]
    assert mine
    return mine


async def run(ideal: IdealCall) -> ToolResult:
    """The call made of the real tool, as a stage makes it."""
    toolset = Toolset(registered_tools())
    call = ToolCall("c1", ideal.call.tool, ideal.call.raw_arguments)
    [result] = [result async for result in run_calls(toolset, [check_call(toolset, call)])]
    return result


def told(ideal: IdealCall) -> dict[str, Any]:
    assert isinstance(ideal.recorded.result, dict)
    return ideal.recorded.result


def upstream_of(ideal: IdealCall) -> dict[str, Any]:
    """What the public service answers where the tool tells the recorded result."""
    result = told(ideal)
    match ideal.call.tool:
        case "get_weather" | "plant_care_advisor":
            codes = {words: code for code, words in CONDITIONS.items()}
            current = {
                "time": result.get("local_time", ""),
                "temperature_2m": result["temperature_c"],
                "apparent_temperature": result.get("feels_like_c"),
                "relative_humidity_2m": result["humidity_percent"],
                "precipitation": result["precipitation_mm"],
                "wind_speed_10m": result.get("wind_speed_kmh"),
                "weather_code": codes[result["conditions"]] if "conditions" in result else None,
            }
            return {"current": current, "timezone": result.get("time_zone", "GMT")}
        case "find_place":
            renamed = {"region": "admin1", "time_zone": "timezone"}
            return {
                "results": [
                    {renamed.get(name, name): value for name, value in place.items()}
                    for place in result["places"]
                ]
            }
        case _:
            return {
                "latitude": result["latitude"],
                "longitude": result["longitude"],
                "altitude": result["altitude_km"],
                "velocity": result["speed_kmh"],
                "timestamp": int(datetime.fromisoformat(result["time_utc"]).timestamp()),
                "visibility": result["sunlight"],
            }


@pytest.mark.usefixtures("closing_client")
@pytest.mark.parametrize("tool", ["get_weather", "plant_care_advisor", "find_place", "iss_tracker"])
async def test_results_of_the_services_are_told_by_the_tools_like_this(
    service: Service,  # noqa: F811
    tool: str,
) -> None:
    for case, ideal in calls_of(tool):
        service.answers(upstream_of(ideal))
        result = await run(ideal)
        assert result.status == "ok", case.id
        assert result.content == as_text(ideal.recorded.result), case.id


def test_sums_are_right() -> None:
    for case in SUITE.cases:
        for recorded in case.recorded:
            if recorded.tool == "calculate":
                result: Any = recorded.result
                right = as_text(calculate(result["expression"]))
                assert right == as_text(result), case.id


def test_times_are_told_by_the_clock_like_this() -> None:
    fields = list(current_time("UTC"))
    for case, ideal in calls_of("current_time"):
        result = told(ideal)
        assert list(result) == fields, case.id
        name, zone = find_zone(ideal.arguments["time_zone"])
        moment = datetime.fromisoformat(f"{result['date']}T{result['time']}{result['utc_offset']}")
        there = moment.astimezone(zone)
        assert there.utcoffset() == moment.utcoffset(), case.id
        assert (result["time_zone"], result["weekday"]) == (name, f"{there:%A}"), case.id


@pytest.mark.parametrize("case", SUITE.cases, ids=[case.id for case in SUITE.cases])
def test_what_a_case_tells_happens_within_the_hour(case: Case) -> None:
    moments = []
    for recorded in case.recorded:
        result: Any = recorded.result or {}
        if "local_time" in result:
            _, zone = find_zone(result["time_zone"])
            moments.append(datetime.fromisoformat(result["local_time"]).replace(tzinfo=zone))
        if "time_utc" in result:
            moments.append(datetime.fromisoformat(result["time_utc"]))
        if "utc_offset" in result:
            told_time = f"{result['date']}T{result['time']}{result['utc_offset']}"
            moments.append(datetime.fromisoformat(told_time))
    if moments:
        assert max(moments) - min(moments) < timedelta(hours=1)


@pytest.mark.usefixtures("closing_client")
async def test_an_error_is_told_by_the_tool_like_this(service: Service) -> None:  # noqa: F811
    service.answers({}, status=503)
    host = service.url.removeprefix("http://")
    [refused] = [
        recorded.error
        for case in SUITE.cases
        for recorded in case.recorded
        if recorded.error is not None and "503" in recorded.error
    ]
    [(_, weather), *_] = [pair for pair in CALLS if pair[1].call.tool == "get_weather"]
    result = await run(weather)
    assert result.error == refused.replace("api.open-meteo.com", host)


def test_every_recorded_result_is_looked_at_here_or_spare() -> None:
    looked_at = {(case.id, json.dumps(ideal.recorded.result)) for case, ideal in CALLS}
    spare = [
        (case.id, recorded.tool)
        for case in SUITE.cases
        for recorded in case.recorded
        if recorded.error is None and (case.id, json.dumps(recorded.result)) not in looked_at
    ]
    # For rounded sums, and for the second round of routes that have one.
    assert spare == [
        ("simple_calculation_in_words", "calculate"),
        ("multiple_calculator_among_others", "calculate"),
        ("multiple_fahrenheit", "calculate"),
        ("multiple_find_then_weather", "get_weather"),
    ]
