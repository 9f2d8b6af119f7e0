"""A real server for the proofs that need no bench of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.layout import CLUSTER, SINGLE
from bench.rig import Rig
from tests.backing import is_cluster


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Servers with the replay server behind them, two of them where this run is on PostgreSQL;
    `owner` is logged in."""
    with Rig(layout=CLUSTER if is_cluster() else SINGLE) as rig:
        rig.log_in()
        yield rig
