"""The cities that the demo model knows, and the places named in a prompt."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place a prompt names; what is None is not known."""

    name: str
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str | None = None


CITIES = (
    Place("Amsterdam", 52.37, 4.89, "Europe/Amsterdam"),
    Place("Athens", 37.98, 23.73, "Europe/Athens"),
    Place("Auckland", -36.85, 174.76, "Pacific/Auckland"),
    Place("Bangkok", 13.76, 100.50, "Asia/Bangkok"),
    Place("Barcelona", 41.39, 2.17, "Europe/Madrid"),
    Place("Beijing", 39.90, 116.41, "Asia/Shanghai"),
    Place("Berlin", 52.52, 13.41, "Europe/Berlin"),
    Place("Bern", 46.95, 7.45, "Europe/Zurich"),
    Place("Bogotá", 4.71, -74.07, "America/Bogota"),
    Place("Brussels", 50.85, 4.35, "Europe/Brussels"),
    Place("Buenos Aires", -34.60, -58.38, "America/Argentina/Buenos_Aires"),
    Place("Cairo", 30.04, 31.24, "Africa/Cairo"),
    Place("Cape Town", -33.92, 18.42, "Africa/Johannesburg"),
    Place("Chicago", 41.88, -87.63, "America/Chicago"),
    Place("Copenhagen", 55.68, 12.57, "Europe/Copenhagen"),
    Place("Delhi", 28.61, 77.21, "Asia/Kolkata"),
    Place("Denver", 39.74, -104.99, "America/Denver"),
    Place("Dubai", 25.20, 55.27, "Asia/Dubai"),
    Place("Dublin", 53.35, -6.26, "Europe/Dublin"),
    Place("Geneva", 46.20, 6.15, "Europe/Zurich"),
    Place("Helsinki", 60.17, 24.94, "Europe/Helsinki"),
    Place("Hong Kong", 22.32, 114.17, "Asia/Hong_Kong"),
    Place("Istanbul", 41.01, 28.98, "Europe/Istanbul"),
    Place("Jakarta", -6.21, 106.85, "Asia/Jakarta"),
    Place("Johannesburg", -26.20, 28.05, "Africa/Johannesburg"),
    Place("Lagos", 6.52, 3.38, "Africa/Lagos"),
    Place("Lisbon", 38.72, -9.14, "Europe/Lisbon"),
    Place("London", 51.51, -0.13, "Europe/London"),
    Place("Los Angeles", 34.05, -118.24, "America/Los_Angeles"),
    Place("Madrid", 40.42, -3.70, "Europe/Madrid"),
    Place("Mexico City", 19.43, -99.13, "America/Mexico_City"),
    Place("Milan", 45.46, 9.19, "Europe/Rome"),
    Place("Moscow", 55.76, 37.62, "Europe/Moscow"),
    Place("Mumbai", 19.08, 72.88, "Asia/Kolkata"),
    Place("Munich", 48.14, 11.58, "Europe/Berlin"),
    Place("Nairobi", -1.29, 36.82, "Africa/Nairobi"),
    Place("New York", 40.71, -74.01, "America/New_York"),
    Place("Oslo", 59.91, 10.75, "Europe/Oslo"),
    Place("Paris", 48.86, 2.35, "Europe/Paris"),
    Place("Prague", 50.08, 14.44, "Europe/Prague"),
    Place("Reykjavík", 64.15, -21.94, "Atlantic/Reykjavik"),
    Place("Rome", 41.89, 12.51, "Europe/Rome"),
    Place("San Francisco", 37.77, -122.42, "America/Los_Angeles"),
    Place("São Paulo", -23.55, -46.63, "America/Sao_Paulo"),
    Place("Seoul", 37.57, 126.98, "Asia/Seoul"),
    Place("Singapore", 1.35, 103.82, "Asia/Singapore"),
    Place("Stockholm", 59.33, 18.07, "Europe/Stockholm"),
    Place("Sydney", -33.87, 151.21, "Australia/Sydney"),
    Place("Tokyo", 35.68, 139.69, "Asia/Tokyo"),
    Place("Toronto", 43.65, -79.38, "America/Toronto"),
    Place("Vienna", 48.21, 16.37, "Europe/Vienna"),
    Place("Warsaw", 52.23, 21.01, "Europe/Warsaw"),
    Place("Zurich", 47.37, 8.54, "Europe/Zurich"),
)


def places_in(prompt: str) -> list[tuple[int, Place]]:
    """The places a prompt names with where each stands: cities, coordinates, unknown names."""
    found: dict[int, Place] = {}
    taken: list[tuple[int, int]] = []
    for pattern in (_LATITUDE_LONGITUDE, _PAIR):
        for match in pattern.finditer(prompt):
            latitude, longitude = float(match[1]), float(match[2])
            if abs(latitude) <= 90 and abs(longitude) <= 180 and match.start() not in found:
                name = f"{latitude:g}, {longitude:g}"
                found[match.start()] = Place(name, latitude, longitude)
                taken.append(match.span())
    for match in _CITY.finditer(_plain(prompt)):
        found[match.start()] = _BY_NAME[match[0]]
        taken.append(match.span())
    for introduced in _INTRODUCED.finditer(prompt):
        for match in _NAME.finditer(introduced[1]):
            start = introduced.start(1) + match.start()
            overlaps = any(a < start + len(match[0]) and start < b for a, b in taken)
            if not overlaps and _plain(match[0].split()[0]) not in _NOT_PLACES:
                found[start] = Place(match[0])
    return sorted(found.items())


def nearest_city(latitude: float, longitude: float) -> Place | None:
    """The known city at these coordinates, within about ten kilometres."""
    for city in CITIES:
        if city.latitude is None or city.longitude is None:
            continue
        if abs(city.latitude - latitude) < 0.1 and abs(city.longitude - longitude) < 0.1:
            return city
    return None


def _plain(text: str) -> str:
    """Lower case without accents, character for character, so that positions stay."""
    return "".join(unicodedata.normalize("NFD", character)[0].lower()[:1] for character in text)


_BY_NAME = {_plain(city.name): city for city in CITIES}
_CITY = re.compile(r"\b(?:" + "|".join(sorted(_BY_NAME, key=len, reverse=True)) + r")\b")
_NUMBER = r"(-?\d{1,3}(?:\.\d+)?)"
_LATITUDE_LONGITUDE = re.compile(
    rf"\blat(?:itude)?\s*[:=]?\s*{_NUMBER}\W+(?:and\s+)?lon(?:g|gitude)?\s*[:=]?\s*{_NUMBER}", re.I
)
_PAIR = re.compile(r"(?<![\d.(,])(-?\d{1,2}\.\d+)\s*,\s*(-?\d{1,3}\.\d+)(?![\d.])")
_WORD = r"[A-ZÀ-ÖØ-Þ][\w’'-]+"
_NAME = re.compile(rf"{_WORD}(?:\s+{_WORD})*")
_INTRODUCED = re.compile(
    r"\b(?:in|at|over|near|of|for|around|where is|where's|Where is|Where's)\s+"
    rf"({_NAME.pattern}(?:(?:\s*,\s*|\s*,?\s+(?:and|or)\s+(?:in\s+)?){_NAME.pattern})*)"
)
_NOT_PLACES = frozenset(
    {"iss", "international", "utc", "gmt", "celsius", "fahrenheit", "english", "french", "german"}
    | {"json", "markdown", "what", "when", "where", "how", "should", "is", "can", "the", "i"}
    | {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january"}
    | {"february", "march", "april", "may", "june", "july", "august", "september", "october"}
    | {"november", "december"}
)
