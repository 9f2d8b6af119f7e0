"""A serving process with the demo models beside it, and runs of small suites on their routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chat.database import run_in_pool
from chat.demo.here import demo_served
from chat.demo_routes import ensure_demo_routes
from chat.lifecycle import Process


@pytest.fixture
async def demo(process: Process, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The demo models answer at once, and every demo route leads to them."""
    monkeypatch.setattr("chat.demo.views.PIECES_PER_SECOND", 10_000.0)
    monkeypatch.setattr("chat.demo.address._own", None)
    async with demo_served() as base_url:
        await run_in_pool(ensure_demo_routes, base_url.removesuffix("/demo/v1"))
        yield base_url


def a_case(case_id: str, prompt: str, **more: Any) -> dict[str, Any]:
    """A case about the weather, its result recorded."""
    return {
        "id": case_id,
        "tools": ["get_weather"],
        "prompt": prompt,
        "recorded": [{"tool": "get_weather", "result": {"temperature_c": 21.5}}],
        "expect": {"calls": [{"tool": "get_weather"}]},
        **more,
    }
