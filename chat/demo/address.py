"""Where the demo model is: each process asks its own, since any other may stop."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from chat.engine.completions import RouteSettings

DEMO_PATH = "/demo/v1"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_own: str | None = None


def serve_at(base_url: str) -> str:
    """Remember where this process answers; the demo model's base URL there."""
    global _own
    _own = base_url.rstrip("/") + DEMO_PATH
    return _own


def nearest(base_url: str) -> str:
    """The base URL to use for a stored one: this process's own where it leads to the demo model of
    a process on this machine."""
    if _own is None or not base_url.rstrip("/").endswith(DEMO_PATH):
        return base_url
    here = {*LOOPBACK, urlsplit(_own).hostname}
    return _own if urlsplit(base_url).hostname in here else base_url


def from_here(settings: RouteSettings) -> RouteSettings:
    """A route's settings as this process uses them."""
    return replace(settings, base_url=nearest(settings.base_url))
