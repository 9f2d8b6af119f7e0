"""A run carried out by a command, in its own process, beside a serving one or without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat import lifecycle
from chat import runner as runners
from chat.bench.claims import claim_here, stop_here
from chat.bench.running import Heard, carry_out
from chat.database import run_in_pool
from chat.models import BenchRun
from chat.neighbours import runs_stages_beside


class Taken(Exception):
    """Another process carries the run out."""


async def run_here(run: BenchRun, heard: Heard | None = None) -> BenchRun:
    """Carry out a run made (or resumed) with `in_process`, to its end; the run as it ended.

    Cancelled, it stops what is running, keeps what is done, and leaves the run to be resumed.
    Raises Taken.
    """
    async with stages_here():
        claim = await run_in_pool(claim_here, run.pk)
        if claim is None:
            raise Taken
        try:
            await carry_out(claim, heard)
        finally:
            await run_in_pool(stop_here, run.pk)
    return await run_in_pool(BenchRun.objects.get, pk=run.pk)


@asynccontextmanager
async def stages_here() -> AsyncIterator[None]:
    """Stages can run in this process, as in a serving one; where it serves already, they do."""
    if _is_serving():
        yield
        return
    with runs_stages_beside():
        await lifecycle.ensure_started(beside=True)
        try:
            yield
        finally:
            await asyncio.shield(lifecycle.drain())


def _is_serving() -> bool:
    try:
        runners.current()
    except runners.NotServing:
        return False
    return True
