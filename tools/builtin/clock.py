"""The time now, in any time zone."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field

from tools.base import ToolError
from tools.registry import tool

# Large cities that no IANA zone is named after.
CITIES = {
    "abu dhabi": "Asia/Dubai",
    "barcelona": "Europe/Madrid",
    "beijing": "Asia/Shanghai",
    "bombay": "Asia/Kolkata",
    "boston": "America/New_York",
    "cape town": "Africa/Johannesburg",
    "delhi": "Asia/Kolkata",
    "frankfurt": "Europe/Berlin",
    "geneva": "Europe/Zurich",
    "hamburg": "Europe/Berlin",
    "hanoi": "Asia/Ho_Chi_Minh",
    "houston": "America/Chicago",
    "kyoto": "Asia/Tokyo",
    "miami": "America/New_York",
    "milan": "Europe/Rome",
    "montreal": "America/Toronto",
    "mumbai": "Asia/Kolkata",
    "munich": "Europe/Berlin",
    "new delhi": "Asia/Kolkata",
    "nyc": "America/New_York",
    "osaka": "Asia/Tokyo",
    "rio de janeiro": "America/Sao_Paulo",
    "san francisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "st petersburg": "Europe/Moscow",
    "washington": "America/New_York",
}

_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-−])\s*(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)


@tool(
    title="Clock",
    time_limit=5,
    system_prompt="To tell the time in several places, call current_time once for each of them.",
)
def current_time(
    time_zone: Annotated[str, Field(max_length=100)] = "UTC",
) -> dict[str, Any]:
    """Get the date and time right now in a time zone or a large city.

    Args:
        time_zone: An IANA name such as "Europe/Paris", a large city such as "Tokyo", or an
            offset such as "UTC+2".
    """
    name, zone = find_zone(time_zone)
    now = datetime.now(UTC).astimezone(zone)
    offset = now.strftime("%z")
    return {
        "time_zone": name,
        "date": now.strftime("%Y-%m-%d"),
        "weekday": now.strftime("%A"),
        "time": now.strftime("%H:%M:%S"),
        "utc_offset": f"{offset[:3]}:{offset[3:5]}",
    }


def find_zone(text: str) -> tuple[str, tzinfo]:
    """The zone that is meant and its name; raises ToolError with near names for an unknown one."""
    asked = _plain(text)
    if not asked or asked in ("utc", "gmt", "z"):
        return "UTC", UTC
    # Before the names: "GMT+5" in the zones' own spelling (Etc/GMT+5) means five hours west.
    if offset := _OFFSET.fullmatch(text.strip()):
        return _fixed(text, offset)
    names = _zones()
    for candidate in (asked, asked.split(",")[0].strip()):
        if found := names.get(candidate):
            return found, ZoneInfo(found)
    near = difflib.get_close_matches(asked.split("/")[-1], names, n=6, cutoff=0.6)
    hints = list(dict.fromkeys(names[match] for match in near))[:3]
    hint = f" Near to it: {', '.join(hints)}." if hints else ""
    raise ToolError(f"No time zone is named “{text}”. Use an IANA name such as Europe/Paris.{hint}")


def _fixed(text: str, offset: re.Match[str]) -> tuple[str, tzinfo]:
    hours, minutes = int(offset[2]), int(offset[3] or 0)
    if hours > 14 or minutes > 59:
        raise ToolError(f"No place is at “{text}”: offsets go from UTC-12 to UTC+14.")
    east = offset[1] == "+"
    shift = timedelta(hours=hours, minutes=minutes)
    name = f"UTC{'+' if east else '-'}{hours:02}:{minutes:02}"
    return name, timezone(shift if east else -shift)


@cache
def _zones() -> dict[str, str]:
    """Every spelling that is understood, with the zone it means; whole names go first."""
    zones = available_timezones()
    names = dict(CITIES)
    # Sorted, so that Europe/… wins over an alias of the same city at the top level.
    for zone in sorted(zones, key=lambda zone: (zone.count("/") != 1, zone)):
        names.setdefault(_plain(zone.rpartition("/")[2]), zone)
    names.update({_plain(zone): zone for zone in zones})
    return names


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())
