"""Reading simple English: what a prompt asks for, and which offered tools do that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chat.demo.expressions import expressions_in
from chat.demo.places import Place, places_in
from chat.demo.reply import DemoCall


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool of the request: its name and its parameters' schema."""

    name: str
    schema: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        """The parameters by name."""
        found = self.schema.get("properties")
        return found if isinstance(found, Mapping) else {}

    @property
    def required(self) -> Sequence[str]:
        """The names of parameters that must be given."""
        found = self.schema.get("required")
        return found if isinstance(found, list) else []


# What a wish is for, by the tool that grants it, in the order of the patterns' first match.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "current_time",
        re.compile(
            r"\bwhat(?:'s|’s| is)? (?:the )?(?:local |current |exact )?time\b|\btime is it\b|"
            r"\b(?:local|current) time\b|\btime zone\b|\bwhat(?:'s|’s| is)? (?:the |today's )?"
            r"(?:day|date)\b|(?:^|\band |\bme )(?:the )?time in\b",
            re.I,
        ),
    ),
    (
        "get_weather",
        re.compile(
            r"\bweather\b|\btemperatures?\b|\bforecast\b|\bhow (?:hot|cold|warm)\b|"
            r"\bis it (?:raining|snowing|hot|cold|warm)\b",
            re.I,
        ),
    ),
    (
        "plant_care_advisor",
        re.compile(
            r"\bplants?\b|\bgarden\b|\bwater(?:ing)? (?:my|the|our)\b|\b(?:tomato(?:es)?|basil|"
            r"roses?|orchids?|ferns?|cact(?:us|i)|lavender|olive tree|lemon tree|geraniums?)\b",
            re.I,
        ),
    ),
    ("iss_tracker", re.compile(r"\biss\b|\bspace station\b", re.I)),
    (
        "find_place",
        re.compile(
            r"\bwhere(?:'s|’s| is)\b|\bcoordinates\b|\bfind (?:the )?(?:place|city)\b", re.I
        ),
    ),
)
_PLANT = re.compile(
    r"\b(tomato(?:es)?|basil|roses?|orchids?|ferns?|cact(?:us|i)|lavender|olive tree|lemon tree|"
    r"geraniums?)\b",
    re.I,
)
_ZONE = re.compile(r"\b(?:UTC|GMT|[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?)\b")
_SLOTS = {
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "name": ("name", "place", "city", "query", "location"),
    "time_zone": ("time_zone", "timezone", "tz", "zone"),
    "expression": ("expression", "formula"),
    "plant": ("plant", "plant_name", "species"),
}
_FALLBACK: dict[str | None, Any] = {
    "latitude": 46.95,
    "longitude": 7.45,
    "name": "Bern",
    "time_zone": "UTC",
    "expression": "6 * 7",
}


def wished_tools(prompt: str) -> list[str]:
    """The names of the tools that would grant what the prompt asks for."""
    names = [name for _, name, _ in _segments(prompt)]
    if expressions_in(prompt):
        names.append("calculate")
    return list(dict.fromkeys(names))


def calls_for(
    prompt: str, offered: Sequence[OfferedTool], found: Mapping[str, Place] | None = None
) -> list[DemoCall]:
    """The calls a prompt asks for, of the offered tools only.

    `found` are places that an earlier find_place brought to light, by the name they were asked by.
    """
    tools = {tool.name: tool for tool in offered}
    named = list(_named_calls(prompt, offered))
    calls = [call for _, call in sorted(named, key=lambda pair: pair[0])]
    already = {call.tool for call in calls}
    for wanted, values in _wishes(prompt, found or {}, frozenset(tools)):
        if wanted in tools and wanted not in already:
            calls.append(_call(tools[wanted], values))
    unique: dict[tuple[str, str], DemoCall] = {}
    for call in calls:
        unique.setdefault((call.tool, call.raw_arguments), call)
    return list(unique.values())


def forced_call(prompt: str, tool: OfferedTool) -> DemoCall:
    """A call of this tool although nothing in the prompt asks for it."""
    places = [place for _, place in places_in(prompt) if place.latitude is not None]
    values = _place_values(places[0]) if places else {}
    if expressions := expressions_in(prompt):
        values["expression"] = expressions[0]
    return _call(tool, values)


def _segments(prompt: str) -> list[tuple[int, str, int]]:
    """(start, tool, end) of each stretch of the prompt that is about one thing."""
    marks = sorted(
        (match.start(), name) for name, pattern in _KINDS for match in pattern.finditer(prompt)
    )
    merged: list[tuple[int, str]] = []
    for start, name in marks:
        if not merged or merged[-1][1] != name:
            merged.append((start, name))
    starts = [start for start, _ in merged] + [len(prompt)]
    return [(start, name, starts[i + 1]) for i, (start, name) in enumerate(merged)]


def _wishes(
    prompt: str, found: Mapping[str, Place], offered: frozenset[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    places = [(at, found.get(place.name, place)) for at, place in places_in(prompt)]
    segments = _segments(prompt)
    first = segments[0][0] if segments else 0
    leading = [place for at, place in places if at < first]
    for number, (start, name, end) in enumerate(segments):
        here = [place for at, place in places if start <= at < end]
        if number == 0:
            here = leading + here
        if not here and name != "find_place":
            here = leading or [place for _, place in places]
        yield from _wishes_about(name, here, prompt, offered)
    for expression in expressions_in(prompt):
        yield "calculate", {"expression": expression}


def _wishes_about(
    name: str, places: Sequence[Place], prompt: str, offered: frozenset[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    if name == "iss_tracker":
        yield name, _place_values(places[0]) if places else {}
        return
    if name == "current_time" and not places:
        zone = _ZONE.search(prompt)
        yield name, {"time_zone": zone[0] if zone else "UTC"}
    plant = _PLANT.search(prompt)
    for place in places:
        values = _place_values(place)
        if name == "plant_care_advisor" and plant is not None:
            values["plant"] = plant[0].lower()
        wanted = "time_zone" if name == "current_time" else "latitude"
        if name == "find_place" or wanted in values:
            yield name, values
        elif name in offered:
            yield "find_place", values


def _place_values(place: Place) -> dict[str, Any]:
    values = {
        "name": place.name,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "time_zone": place.time_zone,
    }
    return {slot: value for slot, value in values.items() if value is not None}


def _call(tool: OfferedTool, values: Mapping[str, Any]) -> DemoCall:
    """A call with the values put under the names that the offered schema has for them."""
    arguments: dict[str, Any] = {}
    for parameter, schema in tool.properties.items():
        slot = _slot_of(parameter)
        if slot is not None and slot in values:
            arguments[parameter] = values[slot]
        elif parameter in tool.required:
            arguments[parameter] = _FALLBACK[slot] if slot in _FALLBACK else _any_value(schema)
    return DemoCall(tool.name, arguments)


def _slot_of(parameter: str) -> str | None:
    return next((slot for slot, names in _SLOTS.items() if parameter.lower() in names), None)


def _any_value(schema: object) -> Any:
    """Some value that a simple schema allows."""
    if not isinstance(schema, Mapping):
        return "demo"
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for union in ("anyOf", "oneOf"):
        if schema.get(union):
            return _any_value(schema[union][0])
    kind = schema.get("type")
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    simple: dict[Any, Any] = {
        "integer": int(low) + 1,
        "number": float(low) + 1.0,
        "boolean": True,
        "array": [],
        "object": {},
        "null": None,
    }
    return simple.get(kind, "demo") if isinstance(kind, str) else "demo"


def _named_calls(prompt: str, offered: Sequence[OfferedTool]) -> Iterator[tuple[int, DemoCall]]:
    """Calls of tools that the prompt names: `get_weather(latitude=1, longitude=2)`, or JSON."""
    for tool in offered:
        for match in re.finditer(rf"\b{re.escape(tool.name)}\b\s*(?:\(([^()]*)\))?", prompt):
            written = _written_arguments(prompt, match.end())
            if written is not None:
                yield match.start(), DemoCall(tool.name, written)
            elif match[1] is not None:
                yield match.start(), DemoCall(tool.name, _given_arguments(match[1]))
            elif "_" in tool.name:
                yield match.start(), forced_call(prompt, tool)


def _written_arguments(prompt: str, at: int) -> dict[str, Any] | None:
    """The JSON object that stands there, None for none; one that is broken counts as empty."""
    if not prompt.startswith("{", at):
        return None
    try:
        written, _ = json.JSONDecoder().raw_decode(prompt, at)
    except ValueError:
        return {}
    return written if isinstance(written, dict) else {}


def _given_arguments(pairs: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, value in re.findall(r"(\w+)\s*[=:]\s*(\"[^\"]*\"|[^,]+)", pairs):
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = value.strip().strip("'\"")
    return arguments
