"""Stages sent where their cases say: over HTTP to endpoints, or run in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from chat.bench.here import stages_here
from chat.bench.stage_runner.endpoint import Endpoint, Endpoints, build_client
from chat.bench.stage_runner.executor import (
    CannotRun,
    Execution,
    Executor,
    HttpExecutor,
    is_reachable,
    unreachable_words,
)
from chat.bench.stage_runner.local import LocalExecutor
from chat.bench.stage_runner.plan import Plan
from chat.bench.stage_runner.route_servers import reachable_routes
from chat.bench.stage_runner.test_case import StageSpec, TestCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How stages are executed: where to, as whom, how long, how often."""

    endpoints: Endpoints
    user_id: int | None
    """Whose stages run in this process; None where every stage goes to an endpoint."""
    time_limit: float
    retries: int
    parallel: int


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Sends each stage to its endpoint; one that has none runs in this process."""

    over_http: HttpExecutor
    here: LocalExecutor | None

    async def execute(self, stage: StageSpec) -> Execution:
        """As Executor."""
        if self.here is not None and self.over_http.endpoints.of(stage.endpoint) is None:
            return await self.here.execute(stage)
        return await self.over_http.execute(stage)


def needs_process(plan: Plan, endpoints: Endpoints) -> bool:
    """Whether some stage names no endpoint, so that it runs in this process. Raises BadEndpoint."""
    return any(endpoints.of(address) is None for address in addresses(plan))


def addresses(plan: Plan) -> set[str | None]:
    """The endpoints that cases name by themselves; None for those that name none."""
    found: set[str | None] = set()
    for case in plan.cases.values():
        if isinstance(case, TestCase):
            stages = (case.stage_a, case.stage_b)
            found |= {stage.endpoint for stage in stages if stage is not None}
        else:
            found.add(None)
    return found


@asynccontextmanager
async def executing(plan: Plan, way: Way) -> AsyncIterator[Executor]:
    """A way for a plan's stages, for as long as it is open. Raises CannotRun."""
    await _look(way.endpoints.of(address) for address in addresses(plan))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(build_client(most=max(2 * way.parallel, 4)))
        if way.user_id is not None:
            await stack.enter_async_context(reachable_routes(_routes(plan)))
            await stack.enter_async_context(stages_here())
        here = LocalExecutor(way.user_id) if way.user_id is not None else None
        yield _Chooser(HttpExecutor(way.endpoints, client, way.time_limit, way.retries), here)


def _routes(plan: Plan) -> list[str]:
    """What is asked in this process, if anything is."""
    judges = {
        case.stage_b.model_container
        for case in plan.cases.values()
        if isinstance(case, TestCase) and case.stage_b is not None
    }
    return sorted({key.route for key in plan.keys} | judges)


async def _look(endpoints: Iterable[Endpoint | None]) -> None:
    """Whether something listens at each endpoint, before the first trial is begun."""
    used = list({one.origin: one for one in endpoints if one is not None}.values())
    answers = await asyncio.gather(*map(is_reachable, used))
    for endpoint, is_there in zip(used, answers, strict=True):
        if not is_there:
            raise CannotRun(unreachable_words(endpoint))
