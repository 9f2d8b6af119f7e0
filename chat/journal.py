"""The journal: what happens in a stage is numbered and committed here before anybody sees it.

One writer per process, with a thread and a connection of its own, commits whatever has gathered
while its last commit was under way (group commit). See docs/architecture.md, rule 2.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection

from chat.database import AWAY, drop_broken_connections, keep_connection, writing
from chat.engine.events import TERMINAL_EVENTS, Event, RequestSent
from chat.engine.fold import StageFold
from chat.frames import Tail, frame_of
from chat.models import StageEvent
from chat.pending import Item, Pending, Row, merge_key
from chat.projection import StageKey, insert_rows, project, take_fence
from chat.stage_log import Batch, StageLog, StageLost

logger = logging.getLogger(__name__)

COMMIT_INTERVAL = 0.02
"""Seconds between two commits that hold nothing but text deltas; all else goes at once."""
LONGEST_INTERVAL = 0.1
"""What the interval grows to under load, so that more neighbours merge."""
COMMIT_SHARE = 0.05
"""The part of an interval that a commit may take; one that takes longer makes the next wait."""


class Listener(Protocol):
    """Who is told what became of a commit, on the event loop."""

    def committed(self, log: StageLog) -> None:
        """New frames of the stage are in its tail."""

    def taken_away(self, log: StageLog) -> None:
        """The stage's lease is somebody else's: its engine is to be cancelled."""

    def unwritable(self, log: StageLog) -> None:
        """The stage's events cannot be written: its engine is to be cancelled, viewers told."""


class Journal:
    """The one writer of a process."""

    def __init__(self, owner: str, listener: Listener) -> None:
        self.owner = owner
        self.logs: dict[UUID, StageLog] = {}
        self.commits = 0
        self.retry_seconds: float = settings.TOOLBENCH_JOURNAL_RETRY_SECONDS
        self._listener = listener
        self._condition = threading.Condition()
        self._dirty: dict[StageLog, None] = {}
        self._urgent: dict[StageLog, None] = {}
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    # --- on the event loop ---

    def start(self) -> None:
        """Start the writer's thread; called on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_forever, name="journal", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Write what waits, then end the thread."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        thread = self._thread
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, thread.join, 35.0)

    def open(self, key: StageKey, started: Row) -> StageLog:
        """Begin to journal a stage whose first event is stored already."""
        tail = Tail(started.number)
        tail.remember([frame_of(key.stage_id, started)])
        log = StageLog(key, started.number, StageFold(), tail)
        self.logs[key.stage_id] = log
        return log

    def tail_of(self, stage_id: UUID) -> Tail | None:
        """The newest frames of a stage that is journaled here."""
        log = self.logs.get(stage_id)
        return log.tail if log is not None else None

    def forget(self, log: StageLog) -> None:
        """Stop keeping a stage's tail in memory; readers go on from the database."""
        self.logs.pop(log.key.stage_id, None)

    def lose(self, log: StageLog) -> None:
        """Write no more of a stage: its lease is somebody else's."""
        with self._condition:
            if log.lost or log.closed:
                return
            log.lost = log.given_up = True
        self._listener.taken_away(log)
        log.changed.set()

    def put(self, log: StageLog, item: Item) -> None:
        """Queue what happened; raises StageLost where it can no longer be written."""
        if log.lost:
            raise StageLost
        if isinstance(item, RequestSent):
            with self._condition:
                log.requests.append(item.model_dump(mode="json"))
                log.requests_changed = True
                self._wake(log, urgent=True)
            return
        if log.closed:
            raise StageLost
        log.fold.apply(item)
        self._put_event(log, item)
        if item.event in TERMINAL_EVENTS:
            log.closed = True

    def _put_event(self, log: StageLog, event: Event) -> None:
        key = merge_key(event)
        with self._condition:
            waiting = log.waiting
            if key and waiting and waiting[-1].absorb(event, key):
                log.held += len(getattr(event, key[-1]))
                if log not in self._dirty:
                    self._wake(log, urgent=False)
                return
            pending = Pending(event)
            waiting.append(pending)
            log.held += pending.size
            urgent = key is None or not log.said_something
            log.said_something = log.said_something or key is not None
            self._wake(log, urgent=urgent)

    def _wake(self, log: StageLog, *, urgent: bool) -> None:
        was_idle, was_calm = not self._dirty, not self._urgent
        self._dirty[log] = None
        if urgent:
            self._urgent[log] = None
        if was_idle or (urgent and was_calm):
            self._condition.notify()

    async def room(self, log: StageLog) -> None:
        """Wait until the stage's engine may go on; raises StageLost if it never may."""
        while log.is_crowded and not log.lost:
            log.changed.clear()
            await log.changed.wait()
        if log.lost:
            raise StageLost

    async def flush(self, log: StageLog) -> None:
        """Wait until all that was put is committed; raises StageLost if it never will be."""
        while not log.lost:
            with self._condition:
                if log.committed == log.number and not log.waiting:
                    return
            log.changed.clear()
            await log.changed.wait()
        raise StageLost

    # --- in the writer's thread ---

    def _write_forever(self) -> None:
        keep_connection()
        all_due_at = 0.0
        while True:
            with self._condition:
                while not self._dirty and not self._stopping:
                    self._condition.wait()
                if not self._dirty:
                    break
                while (
                    (pause := all_due_at - time.monotonic()) > 0
                    and not self._urgent
                    and not self._stopping
                ):
                    self._condition.wait(pause)
                # What cannot wait goes alone: the others would lose the neighbours they wait for.
                everything = pause <= 0 or self._stopping
                due = list(self._dirty if everything else self._urgent)
                self._urgent.clear()
                for log in due:
                    self._dirty.pop(log, None)
                batches = [self._take(log) for log in due if not log.given_up]
            began = time.monotonic()
            try:
                self._write([batch for batch in batches if self._encoded(batch)])
            except Exception:
                logger.exception("The journal's writer met a bug; its stages are given up.")
                self._tell(batches, "unwritable")
            if everything:
                took = time.monotonic() - began
                all_due_at = began + max(
                    COMMIT_INTERVAL, min(took / COMMIT_SHARE, LONGEST_INTERVAL)
                )
        connection.close()

    def _take(self, log: StageLog) -> Batch:
        # `held` counts until the commit, so that a failing database holds the engine back.
        waiting, log.waiting = log.waiting, []
        first_number = log.number + 1
        log.number += len(waiting)
        requests = list(log.requests) if log.requests_changed else None
        log.requests_changed = False
        return Batch(log, first_number, waiting, requests)

    def _encoded(self, batch: Batch) -> bool:
        """Whether the batch could be made rows; an entry that cannot costs its own stage only."""
        try:
            batch.encode()
        except Exception as error:
            # The error's text may hold what was said.
            self._give_up(batch, error)
            return False
        return True

    def _write(self, batches: list[Batch]) -> None:
        """Commit all, retry while the database is away, then stage by stage."""
        if not batches:
            return
        deadline = time.monotonic() + self.retry_seconds
        try:
            if self._write_until(batches, deadline):
                return
        except Exception as error:
            logger.warning("A batch of the journal was refused (%s).", _name(error))
        self._write_singly(batches, deadline)

    def _write_until(self, batches: list[Batch], deadline: float, *, again: bool = False) -> bool:
        """Commit, and try again while the database is away; False where that was in vain."""
        wait = 0.05
        while True:
            try:
                self._commit(batches, again=again)
                return True
            except Exception as error:
                drop_broken_connections()
                if not _is_away(error):
                    raise
                again = True
                if time.monotonic() + wait > deadline:
                    return False
                logger.warning("The journal cannot be written (%s); trying again.", _name(error))
                time.sleep(wait)
                wait = min(wait * 2, 1.0)

    def _write_singly(self, batches: list[Batch], deadline: float) -> None:
        """One bad row must not cost the other stages theirs."""
        away = OperationalError("the database is away")
        is_away = False
        for batch in batches:
            error: Exception = away
            try:
                if not is_away and self._write_until([batch], deadline, again=True):
                    continue
                is_away = True
            except Exception as refusal:
                error = refusal
            self._give_up(batch, error)

    def _give_up(self, batch: Batch, error: Exception) -> None:
        stage_id = batch.log.key.stage_id
        logger.error("Stage %s cannot be journaled: %s", stage_id, _name(error))
        self._tell([batch], "unwritable")

    def _commit(self, batches: list[Batch], *, again: bool) -> None:
        """Store batches in one transaction; `again` after a try whose outcome nobody told."""
        with writing():
            stored = [batch for batch in batches if again and _is_stored(batch)]
            batches = [batch for batch in batches if batch not in stored]
            ours = take_fence([batch.log.key.stage_id for batch in batches], self.owner)
            kept = [batch for batch in batches if batch.log.key.stage_id in ours]
            insert_rows([(batch.log.key.stage_id, batch.rows) for batch in kept])
            for batch in kept:
                log = batch.log
                events = [entry.event for entry in batch.entries]
                project(log.key, log.fold, events, batch.requests, log.whole_outputs)
        self.commits += 1
        self._tell(stored + kept, "committed")
        if len(kept) < len(batches):
            self._tell([b for b in batches if b.log.key.stage_id not in ours], "taken_away")

    def _tell(self, batches: list[Batch], outcome: str) -> None:
        if outcome != "committed":
            for batch in batches:
                batch.log.given_up = True
        if batches and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told, batches, outcome)

    # --- on the event loop again ---

    def _told(self, batches: list[Batch], outcome: str) -> None:
        for batch in batches:
            log = batch.log
            if outcome == "committed":
                log.held -= sum(entry.size for entry in batch.entries)
                if batch.rows:
                    log.tail.remember([frame_of(log.key.stage_id, row) for row in batch.rows])
                    self._listener.committed(log)
            elif not log.lost:
                log.lost = True
                if outcome == "taken_away":
                    self._listener.taken_away(log)
                else:
                    self._listener.unwritable(log)
            log.changed.set()


def _is_stored(batch: Batch) -> bool:
    """Whether a commit whose answer was lost took place after all, as its first row tells.

    By number and time: an event that another process wrote under this number has another time.
    """
    return any(
        StageEvent.objects.filter(
            stage_id=batch.log.key.stage_id, sequence_number=row.number, ts=row.ts
        ).exists()
        for row in batch.rows[:1]
    )


def _is_away(error: BaseException | None) -> bool:
    """Whether an error, or what led to it, says that the database is away.

    What follows a broken connection inside a transaction is told as an error of another kind.
    """
    return error is not None and (
        isinstance(error, AWAY) or _is_away(error.__cause__) or _is_away(error.__context__)
    )


def _name(error: Exception) -> str:
    """What to call an error in the log: its text may hold what was said."""
    return type(error).__name__
