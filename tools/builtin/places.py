"""Places by name, from Open-Meteo's geocoding."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from tools.builtin.http import get_json
from tools.registry import tool


class Place(BaseModel):
    """A place as the geocoding service describes it."""

    name: str
    latitude: float
    longitude: float
    country: str | None = None
    admin1: str | None = None
    timezone: str | None = None
    population: int | None = None


class Places(BaseModel):
    """The service's answer; without a match it has no results at all."""

    results: list[Place] = []


@tool(title="Find a place", time_limit=6)
async def find_place(
    name: Annotated[str, Field(min_length=2, max_length=100)],
    count: Annotated[int, Field(ge=1, le=10)] = 3,
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] = "en",
) -> dict[str, Any]:
    """Find the coordinates, country and time zone of a city or place by its name.

    Args:
        name: The name of the place alone, without its country: "Lyon", not "Lyon, France".
        count: How many places of that name to return, the best known first.
        language: Two letters for the language of the names in the answer, such as "en".
    """
    found = await get_json(
        "place search",
        "TOOLBENCH_GEOCODING_URL",
        "https://geocoding-api.open-meteo.com",
        "/v1/search",
        {"name": name, "count": count, "language": language, "format": "json"},
        Places,
    )
    if not found.results:
        return {"places": [], "note": f"No place named “{name}” was found; check the spelling."}
    return {"places": [_described(place) for place in found.results[:count]]}


def _described(place: Place) -> dict[str, Any]:
    described = {
        "name": place.name,
        "region": place.admin1,
        "country": place.country,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "time_zone": place.timezone,
        "population": place.population,
    }
    return {name: value for name, value in described.items() if value is not None}
