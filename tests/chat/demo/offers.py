"""Tools as a request offers them to the demo model."""

from __future__ import annotations

from typing import Any


def offer(name: str, *required: str, **optional: dict[str, Any]) -> dict[str, Any]:
    """An entry of a request's `tools`."""
    properties = {**{key: {"type": "string"} for key in required}, **optional}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


OFFERED = [
    offer("get_weather", "latitude", "longitude"),
    offer("plant_care_advisor", "latitude", "longitude", plant={"type": "string"}),
    offer("find_place", "name"),
    offer("iss_tracker"),
    offer("current_time", "time_zone"),
    offer("calculate", "expression"),
]
