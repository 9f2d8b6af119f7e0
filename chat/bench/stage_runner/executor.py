"""Executing stages one after another: the way in, and when a failed one is tried again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import httpx2

from chat.bench.stage_runner.endpoint import TIME_LIMIT, Endpoint, Endpoints
from chat.bench.stage_runner.execution import StageRunner
from chat.bench.stage_runner.outputs import Output
from chat.bench.stage_runner.status import StageStatus
from chat.bench.stage_runner.test_case import StageSpec

TOO_MANY_REQUESTS = 429
UNAUTHORIZED = 401
# Answers that tell of the request, not of the model: asked again they would be the same.
REFUSALS = frozenset({400, 401, 403, 404, 405, 413, 422, 501})
WAITS = 5
"""How often an endpoint may ask to be asked later."""
LONGEST_WAIT = 60.0


class CannotRun(RuntimeError):
    """No stage can be executed, this one nor the next; the words say why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A stage that was executed."""

    status: StageStatus
    output: Output | None
    stage_id: UUID | None
    tries: int = 1


class Executor(Protocol):
    """A way to have stages executed. Raises CannotRun."""

    async def execute(self, stage: StageSpec) -> Execution:
        """Have a stage executed, however it ends."""


@dataclass(slots=True)
class HttpExecutor:
    """Executes stages against the endpoints; `retries` of those that gave no answer.

    An endpoint that answers 429 with Retry-After is asked again after that time: that is its way
    of keeping order, and no failure of a stage.
    """

    endpoints: Endpoints
    client: httpx2.AsyncClient = field(repr=False)
    time_limit: float = TIME_LIMIT
    retries: int = 0

    async def execute(self, stage: StageSpec) -> Execution:
        """As Executor."""
        endpoint = self.endpoints.of(stage.endpoint)
        if endpoint is None:
            raise CannotRun("No endpoint is named for this case. Name one with --endpoint.")
        runner = StageRunner(stage, endpoint, self.client, self.time_limit)
        tries = waits = 0
        while True:
            status = await runner.execute()
            tries += 1
            if status.state == "success":
                break
            if status.http_status == UNAUTHORIZED:
                raise CannotRun(
                    f"{endpoint.base_url} does not take the key. {status.message} Give a key "
                    "that is valid there with --api-key-file or in TOOLBENCH_API_KEY."
                )
            if status.http_status is None and not await is_reachable(endpoint):
                raise CannotRun(unreachable_words(endpoint))
            asked_to_wait = (
                status.http_status == TOO_MANY_REQUESTS and status.retry_after is not None
            )
            if asked_to_wait and waits < WAITS:
                waits += 1
                tries -= 1
                await asyncio.sleep(min(status.retry_after or 0.0, LONGEST_WAIT))
            elif tries > self.retries or status.http_status in REFUSALS:
                break
        return Execution(status=status, output=runner.output, stage_id=runner.stage_id, tries=tries)


async def is_reachable(endpoint: Endpoint, seconds: float = 5.0) -> bool:
    """Whether something listens at an endpoint."""
    _, host, port = endpoint.origin
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, UnicodeError):
        return False
    writer.close()
    return True


def unreachable_words(endpoint: Endpoint) -> str:
    """What to tell a person of an endpoint at which nothing listens."""
    return (
        f"Nothing answers at {endpoint.base_url}. Start the server, or name another address with "
        "--endpoint."
    )
