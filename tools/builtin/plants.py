"""What plants outdoors need in the weather they have right now."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tools.base import ToolError
from tools.builtin.weather import Current, Latitude, Longitude, current_weather
from tools.registry import tool

FROST_BELOW_C = 5
HEAT_ABOVE_C = 30
RAIN_OVER_MM = 2
DRY_UNDER_PERCENT = 30


@tool(
    title="Plant care",
    time_limit=6,
    system_prompt=(
        "plant_care_advisor looks up the weather itself: do not call get_weather before it. "
        "For a well-known city, give the coordinates you know."
    ),
)
async def plant_care_advisor(
    latitude: Latitude,
    longitude: Longitude,
    plant: Annotated[str, Field(max_length=100)] = "",
) -> dict[str, Any]:
    """Advise on caring for plants outdoors at a place, from the weather there right now.

    Args:
        latitude: Degrees north of the equator, negative for south.
        longitude: Degrees east of Greenwich, negative for west.
        plant: The plant in question, such as "tomato"; leave it out for plants in general.
    """
    forecast = await current_weather(
        latitude, longitude, "temperature_2m,relative_humidity_2m,precipitation"
    )
    now = forecast.current
    if now.relative_humidity_2m is None or now.precipitation is None:
        raise ToolError("The weather service has no humidity or precipitation for this place.")
    care: dict[str, Any] = {"plant": plant} if plant else {}
    return care | {
        "temperature_c": now.temperature_2m,
        "humidity_percent": now.relative_humidity_2m,
        "precipitation_mm": now.precipitation,
        "advice": advice(now),
    }


def advice(now: Current) -> list[str]:
    """Sentences on what to do, in the order of what cannot wait."""
    sentences: list[str] = []
    if now.temperature_2m < FROST_BELOW_C:
        sentences.append("Frost is possible: cover tender plants or bring them in.")
    if now.temperature_2m > HEAT_ABOVE_C:
        sentences.append("It is hot: give shade, and water early or late in the day.")
    if now.precipitation is not None and now.precipitation > RAIN_OVER_MM:
        sentences.append("It has rained enough: skip watering.")
    if now.relative_humidity_2m is not None and now.relative_humidity_2m < DRY_UNDER_PERCENT:
        sentences.append("The air is dry: mist the leaves.")
    return sentences or ["Nothing special is needed: water as usual when the soil is dry."]
