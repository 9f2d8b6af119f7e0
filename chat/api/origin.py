"""The origin's four endpoints, and a stage's events over HTTP."""

from __future__ import annotations

import re
from typing import Literal
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from chat.api.answers import whole_response
from chat.api.bodies import stage_body
from chat.api.callers import caller, endpoint, key_holder
from chat.api.live_requests import keep_watched
from chat.api.sse import sse_response
from chat.api.starting import HeldStage, start_held
from chat.api.statuses import Problem, problem_of, with_stage
from chat.database import run_in_pool
from chat.lifecycle import ensure_started
from chat.models import Conversation
from chat.services import Refused
from chat.services.extras import StartExtras
from chat.services.subscriptions import find_stage

RECOVERED_HEADER = "X-Toolbench-Recovered"
LARGEST_NUMBER = 2**31 - 1

Mode = Literal["chat", "toolchain"]


@endpoint("POST")
async def stream(request: HttpRequest, mode: Mode) -> HttpResponseBase:
    """Start a stage and stream its events."""
    held = await _start(request, mode, stream=True)
    return sse_response(request, held.stage_id, ended=lambda: _end(held))


@endpoint("POST")
async def complete(request: HttpRequest, mode: Mode) -> HttpResponseBase:
    """Start a stage and answer with what it came to."""
    held = await _start(request, mode, stream=False)
    return await whole_response(held.stage_id, ended=lambda: _end(held))


@endpoint("GET")
async def stage_events(request: HttpRequest, stage_id: UUID) -> HttpResponseBase:
    """The events of a stage above Last-Event-ID (or `?after=`), to its end."""
    visitor = await caller(request)
    standing = await run_in_pool(find_stage, visitor.user_id, stage_id, visitor.grant)
    after = _place(request, stage_id)
    last = standing.last_sequence_number
    # As on the websocket: a number that the stage never had comes from before a restored backup.
    await ensure_started()
    keep_watched(request, visitor, reads_others=standing.owner_id != visitor.user_id)
    recovered = after <= last and not (standing.has_ended and last == 0)
    response = sse_response(request, stage_id, after if recovered else 0)
    response.headers[RECOVERED_HEADER] = "true" if recovered else "false"
    return response


async def _start(request: HttpRequest, mode: Mode, *, stream: bool) -> HeldStage:
    visitor = await key_holder(request)
    body = stage_body(request)
    command = body.command(mode, stream=stream)
    extras = StartExtras(stage_id=command.request_id)
    try:
        return await start_held(request, visitor, command, Conversation.Source.API, extras)
    except Refused as refusal:
        problem = problem_of(refusal)
        if body.stage_id is not None:
            problem = with_stage(problem, body.stage_id)
        raise problem from None


def _end(held: HeldStage) -> None:
    held.has_ended = True


def _place(request: HttpRequest, stage_id: UUID) -> int:
    """The number after which a reader wants events; raises Problem."""
    sent = request.headers.get("Last-Event-ID", "").strip()
    if sent:
        of_stage, _, number = sent.rpartition("-")
        if _is_number(number) and of_stage.lower() == str(stage_id):
            return int(number)
        raise _misplaced(
            "Last-Event-ID",
            f"Last-Event-ID is not one of this stage's. Send the id of the last frame you have, "
            f"such as {stage_id}-17, or leave it out for all of them.",
        )
    asked = request.GET.get("after", "")
    if not asked:
        return 0
    if _is_number(asked):
        return int(asked)
    raise _misplaced("after", "Write after as a number, such as ?after=17, or leave it out.")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,10}", text) is not None and int(text) <= LARGEST_NUMBER


def _misplaced(loc: str, message: str) -> Problem:
    return Problem(400, "invalid_request", message, errors=[{"loc": loc, "msg": message}])
