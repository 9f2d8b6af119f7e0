"""Hints between processes, through the channel layer: what to look up, never what it says.

Layers lose messages; whatever a hint tells stands in the database first, and is looked up there
without one too, only later (docs/architecture.md, rules 3 and 6).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

logger = logging.getLogger(__name__)

GROUP = "hints"
SEND_SECONDS = 2.0
AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class Hints:
    """What one message tells; hints gather while the last message is under way."""

    stages: dict[UUID, int] = field(default_factory=dict)
    """Stages with new events, and the last number."""
    statuses: list[tuple[UUID, UUID, str]] = field(default_factory=list)
    """Stages that started or ended: conversation, stage, status."""
    commands: set[UUID] = field(default_factory=set)
    """Stages whose rows hold a command for the process that runs them."""
    outages: set[UUID] = field(default_factory=set)
    """Stages that cannot be written."""
    rights: bool = False
    """Whether somebody's session, account or right was taken away."""

    def __bool__(self) -> bool:
        return bool(self.stages or self.statuses or self.commands or self.outages or self.rights)

    def merge(self, other: Hints) -> None:
        """Take another's in; of numbers the higher."""
        for stage_id, number in other.stages.items():
            self.stages[stage_id] = max(number, self.stages.get(stage_id, 0))
        self.statuses += other.statuses
        self.commands |= other.commands
        self.outages |= other.outages
        self.rights = self.rights or other.rights

    def as_message(self, sender: str) -> dict[str, Any]:
        """As a layer carries it."""
        return {
            "type": "hints",
            "from": sender,
            "stages": [[stage_id.bytes, number] for stage_id, number in self.stages.items()],
            "statuses": [[a.bytes, b.bytes, status] for a, b, status in self.statuses],
            "commands": _as_bytes(self.commands),
            "outages": _as_bytes(self.outages),
            "rights": self.rights,
        }

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Hints:
        """As it was before it was carried."""
        return cls(
            stages={UUID(bytes=key): number for key, number in message["stages"]},
            statuses=[(UUID(bytes=a), UUID(bytes=b), s) for a, b, s in message["statuses"]],
            commands={UUID(bytes=key) for key in message["commands"]},
            outages={UUID(bytes=key) for key in message["outages"]},
            rights=message["rights"],
        )


class Listener(Protocol):
    """Who is told what other processes, and other threads of this one, hint."""

    def heard(self, hints: Hints) -> None:
        """Look up what is hinted; called on the event loop."""


class Broadcast:
    """A serving process's end of the hints."""

    def __init__(self, process_id: str, listener: Listener) -> None:
        self._process_id = process_id
        self._listener = listener
        self._waiting = Hints()
        self._something = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._reached = True

    def start(self) -> None:
        """Listen and send, where other processes may serve; called on the event loop."""
        self._loop = asyncio.get_running_loop()
        if settings.TOOLBENCH_SEVERAL:
            self._tasks = [
                asyncio.create_task(self._listen(), name="hints-in"),
                asyncio.create_task(self._send(), name="hints-out"),
            ]

    async def stop(self) -> None:
        """Send what waits, then leave the layer."""
        if not self._tasks:
            return
        if self._waiting:
            await self._send_once()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        layer: Any = get_channel_layer()
        if hasattr(layer, "flush"):
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await layer.flush()
            except Exception as error:
                logger.debug("The layer could not be left in order: %s", type(error).__name__)

    def tell(self, hints: Hints) -> None:
        """Hint to the other processes; waits for nothing."""
        if self._tasks:
            self._waiting.merge(hints)
            self._something.set()

    def tell_events(self, stage_id: UUID, number: int) -> None:
        """Hint that a stage has events up to a number: `tell` for every commit of every stage."""
        if self._tasks:
            self._waiting.stages[stage_id] = number
            self._something.set()

    def tell_from_thread(self, hints: Hints) -> None:
        """Hint to this process too, from a thread of it."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_all, hints)

    def _tell_all(self, hints: Hints) -> None:
        self._listener.heard(hints)
        self.tell(hints)

    async def _send(self) -> None:
        while True:
            await self._something.wait()
            await self._send_once()

    async def _send_once(self) -> None:
        self._something.clear()
        hints, self._waiting = self._waiting, Hints()
        try:
            await _send_to_group(hints, self._process_id)
            self._note_reached(True)
        except Exception as error:
            self._note_reached(False, error)

    async def _listen(self) -> None:
        layer: Any = get_channel_layer()
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                while True:
                    message = await layer.receive(channel)
                    if message["from"] != self._process_id:
                        self._listener.heard(Hints.from_message(message))
            except Exception as error:
                self._note_reached(False, error)
                await asyncio.sleep(AGAIN_SECONDS)

    def _note_reached(self, reached: bool, error: Exception | None = None) -> None:
        if reached != self._reached:
            self._reached = reached
            if reached:
                logger.info("Other processes are reached again.")
            else:
                logger.warning(
                    "Other processes are not reached (%s): their viewers see this one's events "
                    "up to a second late.",
                    type(error).__name__,
                )


def tell_from_outside(hints: Hints) -> None:
    """Hint from a process that does not serve, such as a command. Failing only costs time."""
    if not settings.TOOLBENCH_SEVERAL:
        return
    try:
        async_to_sync(_send_to_group)(hints, "outside")
    except Exception as error:
        logger.warning("The serving processes are not told at once: %s", type(error).__name__)


async def _send_to_group(hints: Hints, sender: str) -> None:
    layer: Any = get_channel_layer()
    async with asyncio.timeout(SEND_SECONDS):
        await layer.group_send(GROUP, hints.as_message(sender))


def _as_bytes(ids: Iterable[UUID]) -> list[bytes]:
    return [one.bytes for one in ids]
