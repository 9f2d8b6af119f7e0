"""The built-in tools that ask a public service, which a loopback server plays here."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tests.tools.conftest import Service
from tools.base import ToolCall, ToolError, ToolResult, Toolset
from tools.builtin import http
from tools.builtin.iss import ground_distance, iss_tracker
from tools.builtin.places import find_place
from tools.builtin.plants import advice, plant_care_advisor
from tools.builtin.weather import Current, get_weather
from tools.calling import check_call, run_calls
from tools.registry import registered_tools

pytestmark = pytest.mark.usefixtures("closing_client")

PARIS: dict[str, Any] = {"latitude": 48.86, "longitude": 2.35}


def weather(**current: Any) -> dict[str, Any]:
    return {
        "timezone": "Europe/Paris",
        "elevation": 38.0,
        "current": {"time": "2026-11-20T11:00", "interval": 900, "temperature_2m": 12.3} | current,
    }


async def call(name: str, arguments: dict[str, Any]) -> ToolResult:
    """The tool called as a stage calls it."""
    toolset = Toolset(registered_tools())
    checked = check_call(toolset, ToolCall("c1", name, json.dumps(arguments)))
    [result] = [result async for result in run_calls(toolset, [checked])]
    return result


async def test_get_weather_tells_what_it_is_like_now(service: Service) -> None:
    service.answers(
        weather(
            apparent_temperature=11.0,
            relative_humidity_2m=70,
            precipitation=0.2,
            wind_speed_10m=14.5,
            weather_code=61,
        )
    )
    result = await call("get_weather", PARIS)
    assert result.status == "ok"
    assert json.loads(result.content) == {
        "latitude": 48.86,
        "longitude": 2.35,
        "local_time": "2026-11-20T11:00",
        "time_zone": "Europe/Paris",
        "conditions": "light rain",
        "temperature_c": 12.3,
        "feels_like_c": 11.0,
        "humidity_percent": 70,
        "precipitation_mm": 0.2,
        "wind_speed_kmh": 14.5,
    }
    [(path, query)] = service.asked
    assert path == "/v1/forecast"
    assert query["latitude"] == "48.86"
    assert query["current"].split(",")[0] == "temperature_2m"


async def test_get_weather_leaves_out_what_the_service_does_not_know(service: Service) -> None:
    service.answers(weather(weather_code=None))
    assert "humidity_percent" not in await get_weather(**PARIS)
    assert "conditions" not in await get_weather(**PARIS)


async def test_get_weather_refuses_a_latitude_that_is_none(service: Service) -> None:
    result = await call("get_weather", {"latitude": 91, "longitude": 0})
    assert result.status == "invalid"
    assert "“latitude”: expected a number, at least -90 and at most 90" in result.content
    assert service.asked == []


@pytest.mark.parametrize(
    ("temperature", "humidity", "rain", "sentences"),
    [
        (4.9, 50, 0, ["Frost"]),
        (5, 30, 2, ["Nothing special"]),
        (30, 50, 0, ["Nothing special"]),
        (30.1, 50, 0, ["It is hot"]),
        (20, 50, 2.1, ["It has rained enough: skip watering"]),
        (20, 29.9, 0, ["The air is dry: mist"]),
        (31, 20, 3, ["It is hot", "It has rained enough", "The air is dry"]),
    ],
)
def test_plants_are_advised_by_the_weather(
    temperature: float, humidity: float, rain: float, sentences: list[str]
) -> None:
    now = Current(temperature_2m=temperature, relative_humidity_2m=humidity, precipitation=rain)
    given = advice(now)
    assert len(given) == len(sentences)
    for sentence, start in zip(given, sentences, strict=True):
        assert sentence.startswith(start)


async def test_plant_care_advisor_names_the_plant_and_the_figures(service: Service) -> None:
    service.answers(weather(temperature_2m=2, relative_humidity_2m=80, precipitation=0))
    assert await plant_care_advisor(**PARIS, plant="tomato") == {
        "plant": "tomato",
        "temperature_c": 2,
        "humidity_percent": 80,
        "precipitation_mm": 0,
        "advice": ["Frost is possible: cover tender plants or bring them in."],
    }
    assert "plant" not in await plant_care_advisor(**PARIS)


async def test_plant_care_advisor_gives_no_advice_without_figures(service: Service) -> None:
    service.answers(weather())
    with pytest.raises(ToolError, match="no humidity or precipitation"):
        await plant_care_advisor(**PARIS)


async def test_find_place_gives_coordinates_by_name(service: Service) -> None:
    service.answers(
        {
            "results": [
                {
                    "id": 2988507,
                    "name": "Paris",
                    "latitude": 48.85341,
                    "longitude": 2.3488,
                    "country": "France",
                    "admin1": "Île-de-France",
                    "timezone": "Europe/Paris",
                    "population": 2138551,
                },
                {"name": "Paris", "latitude": 33.66, "longitude": -95.56},
            ]
        }
    )
    found = await find_place("Paris", count=2, language="fr")
    assert found["places"][0] == {
        "name": "Paris",
        "region": "Île-de-France",
        "country": "France",
        "latitude": 48.85341,
        "longitude": 2.3488,
        "time_zone": "Europe/Paris",
        "population": 2138551,
    }
    assert found["places"][1] == {"name": "Paris", "latitude": 33.66, "longitude": -95.56}
    assert service.asked == [
        ("/v1/search", {"name": "Paris", "count": "2", "language": "fr", "format": "json"})
    ]


async def test_find_place_says_when_there_is_none(service: Service) -> None:
    service.answers({"generationtime_ms": 0.3})
    assert await find_place("Qxzy") == {
        "places": [],
        "note": "No place named “Qxzy” was found; check the spelling.",
    }


ISS = {
    "name": "iss",
    "latitude": 10.0,
    "longitude": 20.0,
    "altitude": 417.66,
    "velocity": 27571.9,
    "visibility": "daylight",
    "timestamp": 1795168800,
}


async def test_iss_tracker_says_where_the_station_is(service: Service) -> None:
    service.answers(ISS)
    assert await iss_tracker() == {
        "latitude": 10.0,
        "longitude": 20.0,
        "altitude_km": 417.7,
        "speed_kmh": 27572,
        "time_utc": "2026-11-20T10:00:00+00:00",
        "sunlight": "daylight",
    }
    assert service.asked[0][0] == "/v1/satellites/25544"


async def test_iss_tracker_says_how_far_the_station_is(service: Service) -> None:
    service.answers(ISS)
    assert (await iss_tracker(10.0, 21.0))["ground_distance_km"] == 110
    assert round(ground_distance(0, 0, 0, 90)) == 10_008  # A quarter of the equator
    assert round(ground_distance(90, 0, -90, 77)) == 20_015
    assert round(ground_distance(0, 179, 0, -179)) == 222
    with pytest.raises(ToolError, match="both latitude and longitude"):
        await iss_tracker(latitude=1.0)


async def test_a_refusal_passes_on_the_services_reason(service: Service) -> None:
    service.answers({"error": True, "reason": "Latitude must be in range."}, status=400)
    with pytest.raises(ToolError) as refused:
        await get_weather(**PARIS)
    at = service.url.removeprefix("http://")
    assert str(refused.value) == (
        f"The weather service at {at} refused the request with status 400. "
        "It says: Latitude must be in range."
    )


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"current": {}}', b"\xff", b""])
async def test_an_answer_that_is_none_is_told_in_words(service: Service, body: bytes) -> None:
    service.body = body
    with pytest.raises(ToolError, match="sent an answer that cannot be read"):
        await get_weather(**PARIS)


async def test_a_redirect_is_not_followed(service: Service) -> None:
    service.answers({}, status=302)
    service.headers = {"Location": f"{service.url}/elsewhere"}
    with pytest.raises(ToolError, match="refused the request with status 302"):
        await get_weather(**PARIS)
    assert [path for path, _ in service.asked] == ["/v1/forecast"]


async def test_an_endless_answer_is_cut_off(service: Service) -> None:
    service.body = b" " * (http.BODY_LIMIT + 1)
    with pytest.raises(ToolError, match="sent over 1024 KiB"):
        await get_weather(**PARIS)


async def test_a_service_that_does_not_answer_is_given_up(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIME_LIMIT", 0.1)
    service.silent = True
    with pytest.raises(ToolError, match=r"weather service at .* did not answer within 0\.1 s\."):
        await get_weather(**PARIS)
    assert await asyncio.to_thread(service.client_gone.wait, 5)


async def test_a_cancelled_tool_closes_its_connection_to_the_service(service: Service) -> None:
    service.silent = True
    task = asyncio.create_task(get_weather(**PARIS))
    assert await asyncio.to_thread(service.arrived.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(service.client_gone.wait, 5)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken but where nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_without_network_the_tool_says_so(settings: Settings, closed_port: int) -> None:
    settings.TOOLBENCH_OPEN_METEO_URL = f"http://127.0.0.1:{closed_port}"
    result = await call("get_weather", PARIS)
    assert result.status == "error"
    assert result.content == (
        f"[Tool Error] The weather service at 127.0.0.1:{closed_port} could not be reached. "
        "The Toolbench server may have no way to the internet."
    )


@pytest.mark.parametrize("url", ["not a url", "ftp://example.org", "http://"])
async def test_a_wrong_base_url_names_the_setting(settings: Settings, url: str) -> None:
    settings.TOOLBENCH_OPEN_METEO_URL = url
    with pytest.raises(ToolError, match="TOOLBENCH_OPEN_METEO_URL"):
        await get_weather(**PARIS)


async def test_environment_proxies_are_not_used(
    service: Service, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    service.answers(weather())
    assert (await get_weather(**PARIS))["temperature_c"] == 12.3


async def test_a_loop_keeps_one_client_until_it_is_closed(service: Service) -> None:
    service.answers(weather())
    await get_weather(**PARIS)
    first = http._client()
    await get_weather(**PARIS)
    assert http._client() is first
    await http.close_client()
    assert first.is_closed
    assert (await get_weather(**PARIS))["temperature_c"] == 12.3
