"""All trials of a run, some side by side, each kept before it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from chat.bench.stage_runner.executor import CannotRun
from chat.bench.stage_runner.ledger import Ledger
from chat.bench.stage_runner.trials import TrialKey, TrialResult

Try = Callable[[TrialKey], Awaitable[TrialResult]]
Heard = Callable[[TrialResult], None]


async def drive(
    keys: Sequence[TrialKey], attempt: Try, ledger: Ledger, heard: Heard, *, parallel: int = 1
) -> None:
    """Try what the ledger does not hold yet. Raises CannotRun, after which it can be resumed."""
    done = {result.key for result in results_in(ledger)}
    waiting = iter([key for key in keys if key not in done])

    async def work() -> None:
        for key in waiting:
            result = await attempt(key)
            ledger.append(result.as_json())
            heard(result)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(max(1, parallel)):
                group.create_task(work(), name=f"bench-{number}")
    except BaseExceptionGroup as failures:
        # One worker's reason is everyone's: which of them met it first is all the same.
        for failure in failures.exceptions:
            if isinstance(failure, CannotRun):
                raise failure from None
        raise


def results_in(ledger: Ledger) -> list[TrialResult]:
    """The trials a ledger holds, each once."""
    results: dict[TrialKey, TrialResult] = {}
    for line in ledger.lines:
        result = TrialResult.from_json(line)
        results.setdefault(result.key, result)
    return list(results.values())
