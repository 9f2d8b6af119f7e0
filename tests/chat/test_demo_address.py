"""The demo model of this process stands in for those of its neighbours, and for nothing else."""

from __future__ import annotations

import pytest

from chat.demo import address


@pytest.mark.parametrize(
    ("stored", "used"),
    [
        ("http://127.0.0.1:8001/demo/v1", "http://127.0.0.1:8002/demo/v1"),
        ("http://localhost:8001/demo/v1/", "http://127.0.0.1:8002/demo/v1"),
        ("https://models.example.org/demo/v1", "https://models.example.org/demo/v1"),
        ("http://127.0.0.1:8001/v1", "http://127.0.0.1:8001/v1"),
    ],
)
def test_only_a_demo_model_on_this_machine_is_replaced(
    monkeypatch: pytest.MonkeyPatch, stored: str, used: str
) -> None:
    monkeypatch.setattr(address, "_own", None)
    assert address.nearest(stored) == stored
    address.serve_at("http://127.0.0.1:8002/")
    assert address.nearest(stored) == used
