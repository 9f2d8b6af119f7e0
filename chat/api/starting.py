"""Starting a stage for a request: it ends when its client goes, unless that wants it to go on."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from uuid import UUID

from django.http import HttpRequest

from chat.access import Visitor
from chat.api.connections import connection_of
from chat.api.live_requests import keep_watched
from chat.lifecycle import ensure_started
from chat.protocol import StageStart
from chat.services import Accepted, Refused, cancel_stage, start_stage
from chat.services.extras import NO_EXTRAS, StartExtras

logger = logging.getLogger(__name__)

ON_DISCONNECT = "X-Toolbench-On-Disconnect"
CONTINUE = "continue"

_stopping: set[asyncio.Task[None]] = set()


class HeldStage:
    """A stage and the client that it was started for."""

    def __init__(self, accepted: Accepted) -> None:
        self.stage_id: UUID = accepted.stage_id
        self.conversation_id: UUID = accepted.conversation_id
        self.has_ended = False
        """To be set once its terminal event was read: then nothing is to be stopped."""


async def start_held(
    request: HttpRequest,
    visitor: Visitor,
    command: StageStart,
    source: str,
    extras: StartExtras = NO_EXTRAS,
) -> HeldStage:
    """Start a stage that is stopped when the request's client goes; raises Refused.

    A request that was made before (`request_id`) is refused too: here nobody joins a stage by
    sending its request again.
    """
    await ensure_started()
    keep_watched(request, visitor)
    # In a context of its own: the request's thread, which Django keeps in it, ends with the
    # request, and the stage may outlive that.
    starting = asyncio.create_task(
        _start(visitor, command, source, extras),
        name=f"start-{command.request_id}",
        context=Context(),
    )
    starting.add_done_callback(_look)
    if request.headers.get(ON_DISCONNECT, "").strip().lower() != CONTINUE:
        connection_of(request).when_gone(lambda: _let_go(starting, visitor))
    # Shielded: who goes meanwhile has started a stage all the same, and it must be stopped.
    return await asyncio.shield(starting)


async def _start(
    visitor: Visitor, command: StageStart, source: str, extras: StartExtras
) -> HeldStage:
    accepted = await start_stage(
        visitor.user_id, command, source, grant=visitor.grant, extras=extras
    )
    if accepted.launch is None:
        raise Refused(
            "request_id_reused",
            "This stage_id was used before. Leave it out, or send a new one with each request; "
            f"GET /stream/v1/stages/{accepted.stage_id} gives the events of the one there is.",
            stage_id=str(accepted.stage_id),
        )
    return HeldStage(accepted)


def _let_go(starting: asyncio.Task[HeldStage], visitor: Visitor) -> None:
    """The client is gone: stop its stage, now or as soon as it has started."""
    if starting.done() and (
        starting.cancelled() or starting.exception() or starting.result().has_ended
    ):
        return
    task = asyncio.create_task(_stop(starting, visitor), name="stop-for-client", context=Context())
    _stopping.add(task)
    task.add_done_callback(_stopping.discard)


async def _stop(starting: asyncio.Task[HeldStage], visitor: Visitor) -> None:
    try:
        held = await starting
        await cancel_stage(visitor.user_id, held.stage_id, is_admin=False, grant=visitor.grant)
    except Refused:
        # It never started, or is gone.
        pass
    except Exception as error:
        logger.warning("A stage without a client was not stopped: %s", type(error).__name__)


def _look(starting: asyncio.Task[HeldStage]) -> None:
    """Nobody may be left to be told how a start ended."""
    if not starting.cancelled():
        starting.exception()
