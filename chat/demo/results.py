"""Telling tool results in sentences, lists and tables, whatever shape they have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chat.demo.places import CITIES, Place, nearest_city

CLOSING = "*The demo model has no AI in it: it only tells what the tools returned.*"
_TITLES = {
    "get_weather": "Weather in",
    "plant_care_advisor": "Plant care in",
    "current_time": "Time in",
    "find_place": "Places called",
    "iss_tracker": "International Space Station",
}
# By the end of a field's name; the longest that fits is taken.
_UNITS = {
    "_c": " °C",
    "_celsius": " °C",
    "_f": " °F",
    "_mm": " mm",
    "_km": " km",
    "_kmh": " km/h",
    "_km_h": " km/h",
    "_m": " m",
    "_ms": " ms",
    "_percent": " %",
    "_pct": " %",
    "_hpa": " hPa",
    "_degrees": "°",
    "_deg": "°",
    "_seconds": " s",
    "_s": " s",
    "_minutes": " min",
    "_hours": " h",
}


@dataclass(frozen=True, slots=True)
class ToolExchange:
    """A call the model made earlier and what came back for it."""

    tool: str
    arguments: Mapping[str, Any]
    content: str

    @property
    def value(self) -> Any:
        """The result as JSON, else its text."""
        try:
            return json.loads(self.content)
        except ValueError:
            return self.content

    @property
    def failure(self) -> str | None:
        """What went wrong, in the tool's words."""
        text = self.content.strip()
        for start in ("[Tool Error]", "Error:", "[error]"):
            if text.startswith(start):
                return text.removeprefix(start).strip()
        value = self.value
        if isinstance(value, Mapping) and value.get("error"):
            error = value["error"]
            return str(error.get("message", error) if isinstance(error, Mapping) else error)
        return None

    @property
    def title(self) -> str:
        """What the call was about, for a heading."""
        prefix = _TITLES.get(self.tool)
        about = self._about()
        if self.tool == "iss_tracker" or prefix is None:
            return prefix or self.tool
        return f"{prefix} {about}" if about else self.tool

    def place(self) -> Place | None:
        """The first place with coordinates in the result of find_place."""
        name = str(self.arguments.get("name") or next(iter(self.arguments.values()), ""))
        found = _first_with_coordinates(self.value) if self.failure is None else None
        if not name or found is None:
            return None
        zone = found.get("time_zone") or found.get("timezone")
        return Place(name, found["latitude"], found["longitude"], str(zone) if zone else None)

    def _about(self) -> str:
        arguments = self.arguments
        latitude, longitude = arguments.get("latitude"), arguments.get("longitude")
        if isinstance(latitude, int | float) and isinstance(longitude, int | float):
            city = nearest_city(latitude, longitude)
            return city.name if city else f"{latitude:g}, {longitude:g}"
        zone = arguments.get("time_zone") or arguments.get("timezone")
        if zone:
            end = str(zone).rpartition("/")[2].replace("_", " ")
            return next((c.name for c in CITIES if c.time_zone == zone and c.name == end), end)
        return str(next(iter(arguments.values()), ""))


def told(exchanges: Sequence[ToolExchange]) -> str:
    """All results as Markdown: one table where calls of one tool are alike, else sections."""
    parts: list[str] = []
    left = list(exchanges)
    while left:
        alike = [e for e in left if e.tool == left[0].tool]
        left = [e for e in left if e.tool != alike[0].tool]
        failed = [e for e in alike if e.failure is not None]
        good = [e for e in alike if e.failure is None]
        if good and all(e.tool == "calculate" for e in good):
            parts.append("\n".join(f"- {_sum_told(e)}" for e in good))
        elif len(good) > 1 and (table := _table(good)):
            parts.append(table)
        else:
            parts += [f"### {e.title}\n\n{_value_told(e.value)}" for e in good]
        parts += [f"**{e.tool}** gave no result: {_one_line(e.failure or '')}" for e in failed]
    return "\n\n".join([*parts, CLOSING])


def _sum_told(exchange: ToolExchange) -> str:
    value = exchange.value
    expression = exchange.arguments.get("expression", "")
    if isinstance(value, Mapping):
        expression = value.get("expression", expression)
        value = value.get("result", value.get("value", value))
    return f"`{expression}` is **{_scalar(value)}**" if expression else _scalar(value)


def _table(exchanges: Sequence[ToolExchange]) -> str | None:
    """A row per result; None where their fields differ or are not simple."""
    rows = [e.value for e in exchanges]
    if not all(isinstance(row, Mapping) for row in rows):
        return None
    columns = [k for k in rows[0] if not isinstance(rows[0][k], Mapping | list)][:6]
    if not columns or any(set(row) != set(rows[0]) for row in rows):
        return None
    lines = [
        "| | " + " | ".join(_label(key) for key in columns) + " |",
        "| --- |" + " --- |" * len(columns),
    ]
    for exchange, row in zip(exchanges, rows, strict=True):
        cells = [_field(key, row[key]).replace("|", "\\|") for key in columns]
        lines.append(f"| **{exchange.title}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _value_told(value: Any, depth: int = 0) -> str:
    indent = "  " * depth
    if isinstance(value, Mapping):
        lines = []
        for key, inner in value.items():
            if isinstance(inner, Mapping | list) and inner:
                lines.append(f"{indent}- {_label(str(key))}:\n{_value_told(inner, depth + 1)}")
            elif inner is not None and inner != []:
                lines.append(f"{indent}- {_label(str(key))}: {_field(str(key), inner)}")
        return "\n".join(lines)
    if isinstance(value, list):
        lines = []
        for inner in value[:10]:
            line = ", ".join(_pairs(inner)) if isinstance(inner, Mapping) else _scalar(inner)
            lines.append(f"{indent}- {line}")
        if len(value) > 10:
            lines.append(f"{indent}- and {len(value) - 10} more")
        return "\n".join(lines)
    return _scalar(value)


def _pairs(value: Mapping[str, Any]) -> list[str]:
    simple = {k: v for k, v in value.items() if v is not None and not isinstance(v, Mapping | list)}
    return [f"{_label(key).lower()} {_field(key, inner)}" for key, inner in simple.items()]


def _field(key: str, value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if key in ("latitude", "longitude"):
            return f"{value:g}°"
        return f"{_scalar(value)}{_unit(key)[1]}"
    return _scalar(value)


def _label(key: str) -> str:
    words = key.removesuffix(_unit(key)[0]).replace("_", " ").strip() or key
    return words[:1].upper() + words[1:]


def _unit(key: str) -> tuple[str, str]:
    ends = [end for end in _UNITS if key.lower().endswith(end)]
    longest = max(ends, key=len, default="")
    return longest, _UNITS.get(longest, "")


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, str):
        return value.strip() or "an empty text"
    return json.dumps(value, ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _first_with_coordinates(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        if all(isinstance(value.get(k), int | float) for k in ("latitude", "longitude")):
            return value
        value = list(value.values())
    if isinstance(value, list):
        found = (_first_with_coordinates(inner) for inner in value)
        return next((inner for inner in found if inner is not None), None)
    return None
