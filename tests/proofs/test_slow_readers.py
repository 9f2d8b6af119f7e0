"""A reader that stops reading is given up, whichever server serves, and loses nothing by it."""

from __future__ import annotations

import asyncio

import pytest

from bench.layout import Layout
from bench.promises import lost_or_changed
from bench.readers import stop_reading
from bench.rig import ROUTE, Rig

pytestmark = pytest.mark.slow

FLOOD = "text 12000 3000 1024"
"""12 MB in 4 s: more than the kernel and the server's own limit take."""
SILENT_SECONDS = 8.0


async def test_a_reader_that_stops_is_given_up_and_loses_nothing(server_kind: str) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": "tests.impatient"}
    with Rig(layout=Layout(server=server_kind), environment=environment) as rig:
        rig.log_in()
        async with rig.client() as starter:
            stage_id = (await starter.start(FLOOD, model_route=ROUTE))["stage_id"]
            silent, _ = await asyncio.gather(
                stop_reading(rig, stage_id, SILENT_SECONDS), starter.until_end(stage_id, 60)
            )
        assert silent.connection_gone_after is not None
        assert silent.closed_code in (None, 4408)
        stored = rig.database.stage(stage_id)
        # Back again, it was sent the rest.
        for told in (silent.reader.stages[stage_id], starter.stages[stage_id]):
            assert lost_or_changed(stored, told.events) == []
            assert len(told.events) == len(stored.events)
        assert rig.errors() == []
