"""A real server for the proofs that need no bench of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A server with the replay server behind it; `owner` is logged in."""
    with Rig() as rig:
        rig.log_in()
        yield rig
