"""The weather now at a place, from Open-Meteo."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from tools.builtin.http import get_json
from tools.registry import tool

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]

# https://open-meteo.com/en/docs, "WMO Weather interpretation codes"
CONDITIONS = {
    0: "clear sky",
    1: "mainly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    48: "fog with rime",
    51: "light drizzle",
    53: "drizzle",
    55: "dense drizzle",
    56: "light freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "freezing rain",
    71: "light snowfall",
    73: "snowfall",
    75: "heavy snowfall",
    77: "snow grains",
    80: "light rain showers",
    81: "rain showers",
    82: "violent rain showers",
    85: "light snow showers",
    86: "heavy snow showers",
    95: "thunderstorm",
    96: "thunderstorm with light hail",
    99: "thunderstorm with heavy hail",
}


class Current(BaseModel):
    """The part of Open-Meteo's answer that says how it is now."""

    time: str = ""
    temperature_2m: float
    apparent_temperature: float | None = None
    relative_humidity_2m: float | None = None
    precipitation: float | None = None
    wind_speed_10m: float | None = None
    weather_code: int | None = None


class Forecast(BaseModel):
    """Open-Meteo's answer; of its many fields, those used here."""

    current: Current
    timezone: str = "GMT"


async def current_weather(latitude: float, longitude: float, fields: str) -> Forecast:
    """Ask Open-Meteo for the current values of the fields, a list divided by commas."""
    return await get_json(
        "weather service",
        "TOOLBENCH_OPEN_METEO_URL",
        "https://api.open-meteo.com",
        "/v1/forecast",
        {"latitude": latitude, "longitude": longitude, "current": fields, "timezone": "auto"},
        Forecast,
    )


@tool(
    title="Weather",
    time_limit=6,
    system_prompt=(
        "get_weather takes coordinates. For a well-known city, give the coordinates you know "
        "and call it at once. Call find_place first only for a place whose coordinates you do "
        "not know. To compare places, call get_weather once for each in the same turn."
    ),
)
async def get_weather(latitude: Latitude, longitude: Longitude) -> dict[str, Any]:
    """Get the weather right now at a latitude and longitude: temperature, humidity, rain, wind.

    Args:
        latitude: Degrees north of the equator, negative for south; 48.86 for Paris.
        longitude: Degrees east of Greenwich, negative for west; 2.35 for Paris.
    """
    forecast = await current_weather(
        latitude,
        longitude,
        "temperature_2m,apparent_temperature,relative_humidity_2m,precipitation,"
        "wind_speed_10m,weather_code",
    )
    now = forecast.current
    weather = {
        "latitude": latitude,
        "longitude": longitude,
        "local_time": now.time or None,
        "time_zone": forecast.timezone,
        "conditions": None if now.weather_code is None else CONDITIONS.get(now.weather_code),
        "temperature_c": now.temperature_2m,
        "feels_like_c": now.apparent_temperature,
        "humidity_percent": now.relative_humidity_2m,
        "precipitation_mm": now.precipitation,
        "wind_speed_kmh": now.wind_speed_10m,
    }
    return {name: value for name, value in weather.items() if value is not None}
