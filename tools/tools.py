"""The built-in tools, found like those of any installed app."""

from __future__ import annotations

from tools.builtin import arithmetic, clock, iss, places, plants, weather

__all__ = ["arithmetic", "clock", "iss", "places", "plants", "weather"]
