"""Where the demo model is: each process asks its own, since any other may stop."""

from __future__ import annotations

DEMO_PATH = "/demo/v1"

_own: str | None = None


def serve_at(base_url: str) -> str:
    """Remember where this process answers; the demo model's base URL there."""
    global _own
    _own = base_url.rstrip("/") + DEMO_PATH
    return _own


def nearest(base_url: str) -> str:
    """The base URL to use for a stored one: this process's own where it leads to a demo model."""
    if _own is None or not base_url.rstrip("/").endswith(DEMO_PATH):
        return base_url
    return _own
