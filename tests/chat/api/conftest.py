"""Real servers with the replay server behind them, and clients written from the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.contract_client import HttpClient
from bench.contract_ground import HttpGround, http_ground
from bench.layout import CLUSTER, Layout
from tests.backing import is_cluster


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def ground(request: pytest.FixtureRequest) -> Iterator[HttpGround]:
    """One server, or two where this run is on PostgreSQL, with routes and keys for every case."""
    layout = Layout(is_cluster(), CLUSTER.processes if is_cluster() else 1, request.param)
    with http_ground(layout) as ground:
        yield ground


@pytest.fixture
def http(ground: HttpGround) -> HttpClient:
    """A client with a key that may all."""
    return ground.client()
