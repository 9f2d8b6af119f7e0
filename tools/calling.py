"""Validate, then call: side by side, each within its time limit; every failure is a ToolResult."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tools import threads
from tools.base import CheckedCall, Tool, ToolCall, ToolError, ToolResult, Toolset, ToolStatus
from tools.checking import check_call, fitting_arguments
from tools.output import as_text, capped

__all__ = ["check_call", "error_result", "fitting_arguments", "run_calls"]

logger = logging.getLogger(__name__)

CANCEL_GRACE = 1.0
"""Seconds in which a cancelled async tool may tidy up before it is left behind."""

_left_behind: set[asyncio.Future[Any]] = set()


@dataclass(frozen=True, slots=True)
class _Outcome:
    text: str
    failed: bool


async def run_calls(
    toolset: Toolset, checked_calls: Sequence[CheckedCall]
) -> AsyncGenerator[ToolResult, None]:
    """The result of every call: invalid ones first, then each valid one as it finishes.

    All valid calls are started together, before the first result is given. Closing the generator
    or cancelling its task cancels async tools and abandons blocking ones: iterate it inside
    `contextlib.aclosing`, so that leaving the loop early closes it at once.
    """
    work: set[asyncio.Future[_Outcome]] = set()
    runs: list[asyncio.Task[ToolResult]] = []
    refused: list[ToolResult] = []
    try:
        for checked in checked_calls:
            tool = toolset.get(checked.call.tool)
            if checked.valid and tool is not None:
                name = f"tool call {checked.call.call_id} of {tool.name}"
                runs.append(asyncio.create_task(_run(tool, checked, work), name=name))
            else:
                refused.append(_refusal(checked))
        for result in refused:
            yield result
        pending = set(runs)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for run in [run for run in runs if run in done]:
                yield run.result()
    finally:
        await _end(runs, work)


def error_result(
    call: ToolCall,
    words: str,
    *,
    status: ToolStatus = "error",
    duration_ms: int = 0,
    output_cap: int | None = None,
) -> ToolResult:
    """A result that tells the model in words why there is none."""
    text = f"[Tool Error] {words}"
    content, whole = (text, None) if output_cap is None else capped(text, output_cap)
    return ToolResult(call.call_id, call.tool, status, content, whole, words, duration_ms)


def _refusal(checked: CheckedCall) -> ToolResult:
    problems = "\n".join(f"- {error}" for error in checked.errors)
    words = (
        f"The call was not run, because it is not valid.\n{problems}\n"
        "Correct this and make the call again."
    )
    return error_result(checked.call, words, status="invalid")


async def _run(tool: Tool, checked: CheckedCall, work: set[asyncio.Future[_Outcome]]) -> ToolResult:
    started = time.monotonic()
    call = checked.call
    try:
        future = _begin(tool, checked)
    except RuntimeError:  # No thread can be had: the system's limit, or the server is stopping.
        return error_result(call, f"{tool.name} could not be started; try again later.")
    work.add(future)
    try:
        await asyncio.wait((future,), timeout=tool.time_limit)
    finally:
        finished = future.done()
        future.cancel()
    duration_ms = round((time.monotonic() - started) * 1000)
    if not finished:
        words = f"{tool.name} did not answer within {tool.time_limit:g} s and was stopped."
        return error_result(call, words, status="timeout", duration_ms=duration_ms)
    if future.cancelled():
        words = f"{tool.name} ended without a result."
        return error_result(call, words, duration_ms=duration_ms)
    outcome = future.result()
    if outcome.failed:
        return error_result(call, outcome.text, duration_ms=duration_ms, output_cap=tool.output_cap)
    content, whole = capped(outcome.text, tool.output_cap)
    return ToolResult(call.call_id, tool.name, "ok", content, whole, None, duration_ms)


def _begin(tool: Tool, checked: CheckedCall) -> asyncio.Future[_Outcome]:
    arguments = checked.arguments or {}
    if tool.is_async:
        name = f"tool {tool.name}, call {checked.call.call_id}"
        return asyncio.create_task(_await(tool, arguments), name=name)
    job = threads.submit(partial(_block, tool, arguments))
    future = asyncio.wrap_future(job)
    future.add_done_callback(lambda done: _given_up(tool, checked, done, job))
    return future


def _given_up(tool: Tool, checked: CheckedCall, future: asyncio.Future[Any], job: Any) -> None:
    # Cancelling the wrapper cancels a job that still waits for a thread; one that runs goes on.
    if future.cancelled() and not job.cancelled():
        call_id = checked.call.call_id
        since = time.monotonic()
        job.add_done_callback(
            lambda _: logger.info(
                "The blocking tool %s ended %.1f s after its call %s was given up; "
                "its result was dropped.",
                tool.name,
                time.monotonic() - since,
                call_id,
            )
        )


async def _await(tool: Tool, arguments: dict[str, Any]) -> _Outcome:
    try:
        return _Outcome(as_text(await tool.function(**arguments)), failed=False)
    except (Exception, SystemExit) as error:
        return _failure(tool, error)


def _block(tool: Tool, arguments: dict[str, Any]) -> _Outcome:
    try:
        return _Outcome(as_text(tool.function(**arguments)), failed=False)
    except BaseException as error:
        return _failure(tool, error)


def _failure(tool: Tool, error: BaseException) -> _Outcome:
    if isinstance(error, ToolError):
        return _Outcome(as_text(str(error)), failed=True)
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    # The message may hold what the user asked for; above DEBUG only the class and the place.
    logger.warning("The tool %s raised %s at %s.", tool.name, type(error).__name__, where)
    logger.debug("The tool %s failed.", tool.name, exc_info=error)
    try:
        message = as_text(str(error))[:500].strip()
    except Exception:
        message = ""
    kind = type(error).__name__
    words = f"{kind}: {message}" if message else f"{kind}."
    return _Outcome(f"{tool.name} failed. {words}", failed=True)


async def _end(runs: list[asyncio.Task[ToolResult]], work: set[asyncio.Future[_Outcome]]) -> None:
    """Cancel what is still open and wait for its end, at most `CANCEL_GRACE`."""
    for run in runs:
        run.cancel()
    # Runs not yet begun have no work; those begun cancel theirs when the cancellation arrives.
    if any(not run.done() for run in runs):
        await asyncio.wait(runs, timeout=CANCEL_GRACE)
    open_work = {future for future in work if not future.done()}
    if not open_work:
        return
    _left_behind.update(open_work)
    for future in open_work:
        future.add_done_callback(_left_behind.discard)
    _, stuck = await asyncio.wait(open_work, timeout=CANCEL_GRACE)
    for future in stuck:
        logger.warning("A tool goes on although it was cancelled: %s.", _name(future))


def _name(future: asyncio.Future[Any]) -> str:
    return future.get_name() if isinstance(future, asyncio.Task) else "a blocking tool"
