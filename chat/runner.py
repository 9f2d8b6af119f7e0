"""The runner: starts, cancels and leases the stages of this process, and ends lost ones."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
import traceback
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.broadcast import Broadcast, Hints, tell_from_outside
from chat.database import database_answers, run_in_pool
from chat.engine.client_pool import ClientPool
from chat.engine.completions import RouteSettings
from chat.engine.events import Cancel, CancelledBy, ErrorEvent, RepairEvent
from chat.engine.repairs import bounded_raw
from chat.engine.stage import Outcome, StageEngine, StageRequest
from chat.engine.wire.text import storable
from chat.frames import Tail
from chat.hub import Cursor, Hub
from chat.journal import Journal
from chat.leases import LEASE_RENEWAL_SECONDS, end_lost_stages, renew_leases, requested_cancels
from chat.pending import Row
from chat.projection import StageKey
from chat.protocol import dump
from chat.remote import RemoteStages
from chat.stage_log import StageLog, StageLost

logger = logging.getLogger(__name__)

STARTS_SECONDS = 5.0
REAP_SECONDS = 1.0
AGAIN_SECONDS = 0.3
"""Between two rounds of lease work while the database is away."""
SLOW_ROUND_SECONDS = 4.0
"""A round of lease work that takes longer met a database that was away."""
OTHERS_RENEW_SECONDS = 2 * LEASE_RENEWAL_SECONDS
"""How long after such a round every owner has had its chance to renew."""


class NotServing(RuntimeError):
    """Stages run only in a serving process."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A stage whose rows are stored, ready to run."""

    key: StageKey
    request: StageRequest
    route: RouteSettings
    started: Row
    api_key_id: int | None = None
    """With which key it was started."""


@dataclass(slots=True, eq=False)
class RunningStage:
    """A stage at work in this process."""

    launch: Launch
    log: StageLog
    task: asyncio.Task[None] | None = None
    engine_task: asyncio.Task[None] | None = None
    engine: StageEngine | None = None
    cancelled_by: CancelledBy | None = None
    cancel_started: float = 0.0
    request_was_open: bool = False


class Runner:
    """The stages of this process. One per process, made by chat.lifecycle."""

    def __init__(self) -> None:
        self.process_id = f"{os.uname().nodename[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.hub = Hub()
        self.journal = Journal(self.process_id, self)
        self.broadcast = Broadcast(self.process_id, self)
        self.remote = RemoteStages(self.hub, self.journal.logs.__contains__, self._tell_status)
        self.clients = ClientPool()
        self.running: dict[UUID, RunningStage] = {}
        self.going_down = False
        self.starts: set[asyncio.Task[Any]] = set()
        """Starts whose rows are being stored; a drain waits for them."""
        self.rights_changed = asyncio.Event()
        """Set when somebody's session, account or right may be gone."""
        self._lease_tasks: list[asyncio.Task[None]] = []
        self._obeying: asyncio.Task[None] | None = None
        self._reap_from = 0.0

    # --- life ---

    async def start(self, *, several: bool) -> None:
        """Start the writer and the lease loop. Where not `several`, no other process serves this
        database, so stages found running are lost and ended at once."""
        self.journal.start()
        self.broadcast.start()
        if several:
            self.remote.start()
            self._let_others_renew()
        else:
            await self._end_lost_stages(all_active=True)
        self._lease_tasks = [
            asyncio.create_task(self._keep_leases(), name="leases"),
            asyncio.create_task(self._reap(), name="reaper"),
        ]

    async def stop(self, grace_seconds: float) -> None:
        """Let stages end by themselves for the grace time, cancel the rest, write all, stop."""
        self.going_down = True
        if self.starts:
            await asyncio.wait(self.starts, timeout=STARTS_SECONDS)
        tasks = [stage.task for stage in self.running.values() if stage.task]
        if tasks and grace_seconds > 0:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for stage_id in list(self.running):
            self.cancel(stage_id, "shutdown")
        tasks = [stage.task for stage in self.running.values() if stage.task]
        if tasks:
            await asyncio.wait(tasks, timeout=10)
        for task in self._lease_tasks:
            task.cancel()
        await asyncio.gather(*self._lease_tasks, return_exceptions=True)
        await self.journal.stop()
        await self.remote.stop()
        await self.broadcast.stop()
        await self.clients.aclose()

    # --- stages ---

    def launch(self, launch: Launch) -> None:
        """Run a stage whose rows are stored."""
        running = RunningStage(launch, self.journal.open(launch.key, launch.started))
        self.running[launch.key.stage_id] = running
        running.task = asyncio.create_task(self._run(running), name=f"stage-{launch.key.stage_id}")
        self._announce(launch.key, "running")

    def cancel(self, stage_id: UUID, by: CancelledBy) -> bool:
        """Stop a stage of this process: its upstream connection closes now, without a look at the
        database. False if the stage is not at work here."""
        running = self.running.get(stage_id)
        if running is None:
            return False
        if running.cancelled_by is None and not running.log.closed:
            running.cancelled_by = by
            running.cancel_started = time.monotonic()
            running.request_was_open = running.engine is not None and running.engine.request_open
            if running.engine_task is not None:
                running.engine_task.cancel()
        return True

    def cursor(self, stage_id: UUID, after: int) -> Cursor:
        """A place in a stage's journal to read on from."""
        return Cursor(self.tail_of, stage_id, after)

    def tail_of(self, stage_id: UUID) -> Tail | None:
        """The newest frames of a stage that runs here, or elsewhere and is followed here."""
        return self.journal.tail_of(stage_id) or self.remote.tails.get(stage_id)

    async def _run(self, running: RunningStage) -> None:
        log = running.log
        stage_id = running.launch.key.stage_id
        try:
            if running.cancelled_by is None:
                running.engine_task = asyncio.create_task(
                    self._drive(running), name=f"engine-{stage_id}"
                )
                await asyncio.wait({running.engine_task})
            self._finish(running)
            await self.journal.flush(log)
        except StageLost:
            pass
        except Exception:
            logger.exception("Stage %s ended by a bug of the runner.", stage_id)
        finally:
            self.running.pop(stage_id, None)
            self.journal.forget(log)
            self.hub.wake(stage_id)
            if not log.lost and log.closed:
                terminal = log.fold.terminal
                self._announce(running.launch.key, terminal.event if terminal else "error")

    async def _drive(self, running: RunningStage) -> None:
        launch, log = running.launch, running.log
        async with self.clients.lend(launch.route) as client:
            engine = running.engine = StageEngine(launch.request, client)
            log.whole_outputs = engine.whole_outputs
            async with aclosing(engine.run()) as events:
                async for event in events:
                    self.journal.put(log, _without_key(event, launch.route))
                    if log.is_crowded:
                        await self.journal.room(log)

    def _finish(self, running: RunningStage) -> None:
        """Journal what remains once the engine has ended, however it ended."""
        log, engine = running.log, running.engine
        task = running.engine_task
        error = None
        if task is not None and not task.cancelled():
            error = task.exception()
        if log.lost or isinstance(error, StageLost):
            raise StageLost
        if log.closed:
            return
        if engine is not None:
            for event in engine.withheld():
                self.journal.put(log, _without_key(event, running.launch.route))
        for result in log.fold.closing_results("cancelled"):
            self.journal.put(log, result)
        if running.cancelled_by is not None:
            closed_ms = round((time.monotonic() - running.cancel_started) * 1000)
            self.journal.put(
                log,
                Cancel(
                    by=running.cancelled_by,
                    upstream_closed_ms=closed_ms if running.request_was_open else None,
                ),
            )
            return
        if error is not None:
            # The exception's text may hold what was said: class and place only.
            frames = "".join(traceback.format_tb(error.__traceback__))
            name = type(error).__name__
            logger.error("Stage %s: %s\n%s", running.launch.key.stage_id, name, frames)
        self.journal.put(
            log,
            ErrorEvent(
                code="internal",
                message="Toolbench met a fault of its own and stopped this stage. What was said "
                "so far is kept. Try again; if it happens again, tell your admin the stage's id.",
                retryable=True,
            ),
        )

    # --- what the journal tells (chat.journal.Listener) ---

    def committed(self, log: StageLog) -> None:
        """Wake those who follow, here and elsewhere."""
        self.hub.wake(log.key.stage_id)
        self.broadcast.tell_events(log.key.stage_id, log.committed)

    def taken_away(self, log: StageLog) -> None:
        """Another process ended the stage: stop its engine; its events are in the database."""
        self._abandon(log)

    def unwritable(self, log: StageLog) -> None:
        """Close the upstream and tell the viewers; the reaper ends the stage later."""
        self._abandon(log)
        self._tell_outage(log.key.stage_id)
        self.broadcast.tell(Hints(outages={log.key.stage_id}))

    def _abandon(self, log: StageLog) -> None:
        running = self.running.get(log.key.stage_id)
        if running is not None and running.engine_task is not None:
            running.engine_task.cancel()

    # --- what is told, and what other processes tell (chat.broadcast.Listener) ---

    def heard(self, hints: Hints) -> None:
        """Look up what another process, or another thread of this one, hints."""
        for stage_id, number in hints.stages.items():
            self.remote.heard_of_events(stage_id, number)
        for conversation_id, stage_id, status in hints.statuses:
            self.remote.heard_of_status(conversation_id, stage_id, status)
        for stage_id in hints.outages:
            self._tell_outage(stage_id)
        if hints.rights:
            self.rights_changed.set()
        if not hints.commands.isdisjoint(self.running) and not self._is_obeying:
            self._obeying = asyncio.create_task(self._obey_rows(), name="obey-rows")

    def _announce(self, key: StageKey, status: str) -> None:
        """A stage started or ended: tell those who follow its conversation, everywhere."""
        self.remote.heard_of_status(key.conversation_id, key.stage_id, status)
        self.broadcast.tell(Hints(statuses=[(key.conversation_id, key.stage_id, status)]))

    def _tell_status(self, conversation_id: UUID, stage_id: UUID, status: str) -> None:
        self.hub.tell_conversation(
            conversation_id,
            dump(
                {
                    "type": "stage",
                    "conversation_id": str(conversation_id),
                    "stage_id": str(stage_id),
                    "status": status,
                }
            ),
        )

    def _tell_outage(self, stage_id: UUID) -> None:
        self.hub.tell_outage(
            stage_id,
            dump(
                {
                    "type": "unavailable",
                    "stage_id": str(stage_id),
                    "message": "The database cannot be written, so this stage was stopped. What "
                    "you see is stored. The stage is closed as interrupted when the database is "
                    "back; then you can go on from there.",
                }
            ),
        )

    # --- leases ---

    async def _keep_leases(self) -> None:
        pause = LEASE_RENEWAL_SECONDS
        while True:
            await asyncio.sleep(pause)
            begin = time.monotonic()
            try:
                await self._renew()
                await self._obey_rows()
                pause = LEASE_RENEWAL_SECONDS
            except Exception as error:
                self._let_others_renew()
                if pause != AGAIN_SECONDS:
                    logger.warning("Leases could not be renewed: %s", type(error).__name__)
                # They go on passing: a database that is back must not be asked seconds later, nor
                # only after each thread of the pool has found its own connection broken.
                pause = AGAIN_SECONDS
            if time.monotonic() - begin > SLOW_ROUND_SECONDS:
                self._let_others_renew()

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(REAP_SECONDS)
            try:
                if time.monotonic() >= self._reap_from:
                    await self._end_lost_stages(all_active=False)
                else:
                    # Or a database that came back just now would be taken for one that never left.
                    await run_in_pool(database_answers)
            except Exception as error:
                self._let_others_renew()
                logger.warning("Lost stages could not be ended: %s", type(error).__name__)

    def _let_others_renew(self) -> None:
        """A database that was away let no owner renew: nobody's stage is ended until they could."""
        self._reap_from = time.monotonic() + OTHERS_RENEW_SECONDS

    async def _renew(self) -> None:
        """Renew the leases of stages here, and let go of those that were taken away."""
        stage_ids = list(self.running)
        if not stage_ids:
            return
        ours = await run_in_pool(renew_leases, self.process_id, stage_ids)
        for stage_id in stage_ids:
            running = self.running.get(stage_id)
            if running is not None and stage_id not in ours:
                self.journal.lose(running.log)

    @property
    def _is_obeying(self) -> bool:
        return self._obeying is not None and not self._obeying.done()

    async def _obey_rows(self) -> None:
        """Carry out the commands that rows hold for stages of this process."""
        if self.running:
            for stage_id, by in await run_in_pool(requested_cancels, self.process_id):
                self.cancel(stage_id, by)

    async def _end_lost_stages(self, *, all_active: bool) -> None:
        ended = await run_in_pool(
            end_lost_stages, all_active=all_active, except_for=list(self.running)
        )
        for key, number in ended:
            self.hub.wake(key.stage_id)
            self.broadcast.tell_events(key.stage_id, number)
            self._announce(key, "error")


_current: Runner | None = None


def current() -> Runner:
    """The runner of this process; raises NotServing in a process that does not serve."""
    if _current is None:
        raise NotServing("This process does not serve; `manage.py serve` does.")
    return _current


def set_current(runner: Runner | None) -> None:
    """Make a runner the one of this process; chat.lifecycle alone calls this."""
    global _current
    _current = runner


def hint(hints: Hints) -> None:
    """Tell every serving process, this one included, what to look up; from any thread or command
    but not from the event loop."""
    if _current is not None:
        _current.broadcast.tell_from_thread(hints)
    else:
        tell_from_outside(hints)


def _without_key(event: Outcome, route: RouteSettings) -> Outcome:
    """What is journaled of an upstream's own bytes holds no key, whoever in the engine told it."""
    if not isinstance(event, RepairEvent) or not event.raw:
        return event
    return event.model_copy(update={"raw": storable(bounded_raw(event.raw, route.api_key))})
