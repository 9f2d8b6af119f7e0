"""Where the International Space Station is."""

from __future__ import annotations

from datetime import UTC, datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any

from pydantic import BaseModel

from tools.base import ToolError
from tools.builtin.http import get_json
from tools.builtin.weather import Latitude, Longitude
from tools.registry import tool

ISS = 25544
"""The station's number in the NORAD catalogue."""
EARTH_RADIUS_KM = 6371.0


class Position(BaseModel):
    """The position of a satellite as wheretheiss.at gives it."""

    latitude: float
    longitude: float
    altitude: float
    velocity: float
    timestamp: int
    visibility: str | None = None


@tool(title="Space station", time_limit=6)
async def iss_tracker(
    latitude: Latitude | None = None, longitude: Longitude | None = None
) -> dict[str, Any]:
    """Find out where the International Space Station (ISS) is right now, and how fast it flies.

    Args:
        latitude: Of a place, with longitude: the answer then says how far the station is from it.
        longitude: Of that place.
    """
    if (latitude is None) != (longitude is None):
        raise ToolError("Give both latitude and longitude, or neither.")
    position = await get_json(
        "space station tracker",
        "TOOLBENCH_ISS_URL",
        "https://api.wheretheiss.at",
        f"/v1/satellites/{ISS}",
        {"units": "kilometers"},
        Position,
    )
    where: dict[str, Any] = {
        "latitude": round(position.latitude, 4),
        "longitude": round(position.longitude, 4),
        "altitude_km": round(position.altitude, 1),
        "speed_kmh": round(position.velocity),
        "time_utc": _time(position.timestamp),
    }
    if position.visibility:
        where["sunlight"] = position.visibility
    if latitude is not None and longitude is not None:
        distance = ground_distance(latitude, longitude, position.latitude, position.longitude)
        where["ground_distance_km"] = round(distance)
    return where


def ground_distance(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Kilometres along the ground between two points in degrees (haversine formula)."""
    north, east = radians(lat_b - lat_a), radians(lon_b - lon_a)
    half = sin(north / 2) ** 2 + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, half)))


def _time(timestamp: int) -> str:
    try:
        return datetime.fromtimestamp(timestamp, UTC).isoformat()
    except (OverflowError, ValueError, OSError) as error:
        raise ToolError("The space station tracker sent a time that cannot be read.") from error
