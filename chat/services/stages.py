"""Starting and stopping stages."""

from __future__ import annotations

import asyncio
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat import runner as runners
from chat.broadcast import Hints
from chat.database import run_in_pool
from chat.models import Conversation, Stage
from chat.policy import FULL, Grant, may_cancel
from chat.protocol import StageStart
from chat.services.creating import Accepted, active_user, create_stage
from chat.services.extras import NO_EXTRAS, StartExtras
from chat.services.refusals import Refused, not_found


async def start_stage(
    user_id: int,
    command: StageStart,
    source: str = Conversation.Source.PAGE,
    *,
    grant: Grant = FULL,
    extras: StartExtras = NO_EXTRAS,
) -> Accepted:
    """Store a stage and set it to work in this process; raises Refused."""
    runner = runners.current()
    if runner.going_down:
        raise Refused(
            "going_down", "Toolbench is being restarted. Send this again in a few seconds."
        )

    async def store_and_launch() -> Accepted:
        accepted = await run_in_pool(
            create_stage, user_id, command, source, runner.process_id, grant, extras
        )
        if accepted.launch is not None:
            runner.launch(accepted.launch)
        return accepted

    # Shielded: once its rows are stored a stage runs, though the socket that asked has gone.
    task = asyncio.create_task(store_and_launch(), name=f"start-{command.request_id}")
    runner.starts.add(task)
    task.add_done_callback(runner.starts.discard)
    return await asyncio.shield(task)


async def cancel_stage(user_id: int, stage_id: UUID, *, is_admin: bool, grant: Grant = FULL) -> str:
    """Stop a stage; its status now. Raises Refused.

    A stage of this process is stopped before anything looks at the database.
    """
    runner = runners.current()
    running = runner.running.get(stage_id)
    own = running is not None and running.launch.key.owner_id == user_id
    if grant.key_id is not None:
        may = own and running is not None and running.launch.api_key_id == grant.key_id
    else:
        may = own or (is_admin and running is not None)
    if may:
        runner.cancel(stage_id, "user" if own else "admin")
        return Stage.Status.RUNNING
    return await run_in_pool(request_cancel, user_id, stage_id, grant)


def request_cancel(user_id: int, stage_id: UUID, grant: Grant = FULL) -> str:
    """Ask, by a row, the process that runs a stage to stop it; the stage's status."""
    user = active_user(user_id)
    stage = Stage.objects.visible_to(user, grant).filter(pk=stage_id).first()
    if stage is None or not may_cancel(
        user, stage.owner_id, grant=grant, started_by=stage.api_key_id
    ):
        raise not_found("stage")
    if stage.is_active:
        Stage.objects.active().filter(pk=stage_id, cancel_requested_at__isnull=True).update(
            cancel_requested_by=user, cancel_requested_at=timezone.now()
        )
        transaction.on_commit(lambda: runners.hint(Hints(commands={stage_id})))
    return stage.status
