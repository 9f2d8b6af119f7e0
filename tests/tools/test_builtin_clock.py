"""The time in time zones, cities and at offsets."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tools.base import ToolError
from tools.builtin.clock import CITIES, current_time, find_zone

SUMMER, WINTER = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("UTC", "UTC"),
        ("", "UTC"),
        ("Europe/Paris", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("Paris, France", "Europe/Paris"),
        ("tokyo", "Asia/Tokyo"),
        ("New York", "America/New_York"),
        ("new_york", "America/New_York"),
        ("London", "Europe/London"),
        ("Mumbai", "Asia/Kolkata"),
        ("UTC+2", "UTC+02:00"),
        ("GMT-5:30", "UTC-05:30"),
        ("+0530", "UTC+05:30"),
    ],
)
def test_a_zone_a_city_or_an_offset_is_understood(asked: str, name: str) -> None:
    assert find_zone(asked)[0] == name


def test_an_offset_means_hours_east_of_greenwich() -> None:
    assert str(WINTER.astimezone(find_zone("GMT+5")[1]).utcoffset()) == "5:00:00"


def test_summer_time_is_known() -> None:
    zone = find_zone("Paris")[1]
    assert SUMMER.astimezone(zone).hour - WINTER.astimezone(zone).hour == 1


def test_every_city_of_our_own_has_a_zone() -> None:
    for city, zone in CITIES.items():
        assert find_zone(city)[0] == zone


def test_the_answer_is_the_time_there_now() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    answer = current_time("Tokyo")
    after = datetime.now(UTC)
    assert answer["utc_offset"] == "+09:00"
    told = datetime.fromisoformat(f"{answer['date']}T{answer['time']}{answer['utc_offset']}")
    assert before <= told <= after
    assert answer["weekday"] == told.strftime("%A")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("Europ/Pariss", "No time zone is named “Europ/Pariss”. .* Near to it: Europe/Paris."),
        ("../../etc/passwd", re.escape("No time zone is named “../../etc/passwd”.")),
        ("UTC+25", "offsets go from UTC-12 to UTC"),
    ],
)
def test_an_unknown_zone_is_refused_with_near_names(asked: str, words: str) -> None:
    with pytest.raises(ToolError, match=words):
        find_zone(asked)
