"""A real server, spoken with by clients that hold each answer against the documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.contract_ground import http_ground
from bench.layout import SINGLE
from tests.chat.api.documents.held import HeldClient, HeldGround


@pytest.fixture(scope="module")
def held_ground() -> Iterator[HeldGround]:
    """One server with routes and keys for every case."""
    with http_ground(SINGLE) as ground:
        ground.rig.log_in()
        yield HeldGround(ground.rig, ground.keys)


@pytest.fixture
def held(held_ground: HeldGround) -> HeldClient:
    """A client with a key that may all."""
    client = held_ground.client()
    assert isinstance(client, HeldClient)
    return client
