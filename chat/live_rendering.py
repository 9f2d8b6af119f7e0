"""Markdown of a running stage: rendered once for all viewers, in a worker thread, in steps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from django.db import DatabaseError

from chat.hub import Cursor
from chat.protocol import dump
from chat.rendering import IncrementalRenderer, Update
from chat.runner import Runner

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.2
AGAIN_SECONDS = 0.5

_thread = ThreadPoolExecutor(1, thread_name_prefix="rendering")

SectionKey = tuple[int, str]


@dataclass(slots=True, eq=False)
class Section:
    """The text of one phase of one round."""

    round: int
    phase: str
    renderer: IncrementalRenderer = field(default_factory=IncrementalRenderer)
    unread: list[str] = field(default_factory=list)
    unread_through: int = 0
    blocks: list[str] = field(default_factory=list)
    tail: str = ""
    through: int = 0
    version: int = 0

    def apply(self, update: Update, through: int) -> None:
        """Take in what a step changed."""
        self.blocks[update.from_block :] = update.blocks
        self.tail = update.tail
        self.through = through
        self.version += 1


@dataclass(slots=True)
class Shown:
    """What one viewer has of a section."""

    version: int = 0
    blocks: int = 0
    started: bool = False


class LiveRendering:
    """A stage's text as HTML while it grows; viewers share it."""

    def __init__(self, stage_id: UUID, cursor: Cursor) -> None:
        self.stage_id = stage_id
        self.sections: dict[SectionKey, Section] = {}
        self.finished = asyncio.Event()
        self._cursor = cursor
        self._viewers: set[Callable[[], None]] = set()
        self._something = asyncio.Event()
        self._something.set()
        self._hurried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something new of the stage is stored."""
        self._something.set()

    def hurry(self) -> None:
        """The stage has ended and a viewer waits: pace no more."""
        self._hurried.set()

    def join(self, viewer: Callable[[], None]) -> None:
        """Wake `viewer` after each step."""
        self._viewers.add(viewer)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"rendering-{self.stage_id}")

    def leave(self, viewer: Callable[[], None]) -> bool:
        """Wake it no longer; true if nobody is left and the rendering ended."""
        self._viewers.discard(viewer)
        if self._viewers:
            return False
        if self._task is not None:
            self._task.cancel()
        return True

    def frames(self, shown: dict[SectionKey, Shown], sent: int) -> list[str]:
        """The `html` frames that bring a viewer up to date, not ahead of the events it was sent."""
        frames = []
        for key, section in self.sections.items():
            have = shown.setdefault(key, Shown())
            if have.version == section.version or section.through > sent:
                continue
            start = have.blocks if have.started else 0
            frames.append(
                dump(
                    {
                        "type": "html",
                        "stage_id": str(self.stage_id),
                        "round": section.round,
                        "phase": section.phase,
                        "through": section.through,
                        "from_block": start,
                        "blocks": section.blocks[start:],
                        "tail": section.tail,
                    }
                )
            )
            have.version, have.blocks, have.started = section.version, len(section.blocks), True
        return frames

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not self.finished.is_set():
                await self._something.wait()
                self._something.clear()
                try:
                    ended = await self._take_new()
                except DatabaseError:
                    ended = False
                    loop.call_later(AGAIN_SECONDS, self.wake)
                work = [section for section in self.sections.values() if ended or section.unread]
                updates = await loop.run_in_executor(_thread, _render, work, ended)
                # Applied here, on the loop, so that no viewer sees half a step.
                for section, update, through in updates:
                    section.apply(update, through)
                if ended:
                    self.finished.set()
                for viewer in tuple(self._viewers):
                    viewer()
                # The pace of the steps, not a wait for something: more would only cost.
                with suppress(TimeoutError):
                    async with asyncio.timeout(STEP_SECONDS):
                        await self._hurried.wait()
        except Exception:
            logger.exception("Stage %s is shown without Markdown.", self.stage_id)
            self.finished.set()

    async def _take_new(self) -> bool:
        """Hand all that is stored to its sections; whether the stage has ended."""
        while frames := await self._cursor.read():
            for frame in frames:
                if frame.event == "chat_completion_chunk":
                    data: dict[str, Any] = orjson.loads(frame.text)["data"]
                    if content := data.get("content"):
                        key = (data["round"], data["phase"])
                        if key not in self.sections:
                            self.sections[key] = Section(*key)
                        self.sections[key].unread.append(content)
                        self.sections[key].unread_through = frame.number
            if frames[-1].is_terminal:
                return True
        return False


def _render(sections: list[Section], ended: bool) -> list[tuple[Section, Update, int]]:
    """Render what changed (in the worker thread, which alone touches the renderers)."""
    updates: list[tuple[Section, Update, int]] = []
    for section in sections:
        section.renderer.feed("".join(section.unread))
        section.unread.clear()
        update = section.renderer.finish() if ended else section.renderer.update()
        if update is not None:
            updates.append((section, update, section.unread_through))
    return updates


class LiveRenderings:
    """The renderings of this process, one per stage that somebody views."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._stages: dict[UUID, LiveRendering] = {}

    def join(self, stage_id: UUID, viewer: Callable[[], None]) -> LiveRendering:
        """The stage's rendering, begun if this is its first viewer."""
        rendering = self._stages.get(stage_id)
        if rendering is None:
            rendering = LiveRendering(stage_id, self._runner.cursor(stage_id, 0))
            self._stages[stage_id] = rendering
            self._runner.hub.follow(stage_id, rendering.wake)
        rendering.join(viewer)
        return rendering

    def leave(self, rendering: LiveRendering, viewer: Callable[[], None]) -> None:
        """One viewer less; the last one ends the rendering."""
        if rendering.leave(viewer) and self._stages.get(rendering.stage_id) is rendering:
            del self._stages[rendering.stage_id]
            self._runner.hub.unfollow(rendering.stage_id, rendering.wake)
