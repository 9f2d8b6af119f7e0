"""Who follows what in this process: one wake-up per follower, and cursors over the journal.

Page load, reconnect, a second tab, a slow reader and a lost hint are the same code here: subscribe
to wake-ups first, read after N, follow (docs/architecture.md, rule 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from chat.database import run_in_pool
from chat.frames import Frame, Tail, read_after

Wake = Callable[[], None]
Tell = Callable[[str], None]
F = TypeVar("F", bound=Callable[..., None])


class Hub:
    """Followers of stages, by wake-up; followers of conversations, by frame."""

    def __init__(self) -> None:
        self._stages: dict[UUID, set[Wake]] = {}
        self._conversations: dict[UUID, set[Tell]] = {}
        self._unavailable: dict[UUID, set[Tell]] = {}

    def follow(self, stage_id: UUID, wake: Wake) -> None:
        """Call `wake` whenever something new of the stage is stored."""
        self._stages.setdefault(stage_id, set()).add(wake)

    def unfollow(self, stage_id: UUID, wake: Wake) -> None:
        """Call it no longer."""
        _discard(self._stages, stage_id, wake)

    def wake(self, stage_id: UUID) -> None:
        """Something new of the stage is stored."""
        for wake in tuple(self._stages.get(stage_id, ())):
            wake()

    def follow_conversation(self, conversation_id: UUID, tell: Tell) -> None:
        """Send frames about the conversation's stages to `tell`."""
        self._conversations.setdefault(conversation_id, set()).add(tell)

    def unfollow_conversation(self, conversation_id: UUID, tell: Tell) -> None:
        """Send them no longer."""
        _discard(self._conversations, conversation_id, tell)

    def tell_conversation(self, conversation_id: UUID, frame: str) -> None:
        """A stage of the conversation started or ended."""
        for tell in tuple(self._conversations.get(conversation_id, ())):
            tell(frame)

    def follow_outages(self, stage_id: UUID, tell: Tell) -> None:
        """Send the `unavailable` frame of a stage to `tell`, should there be one."""
        self._unavailable.setdefault(stage_id, set()).add(tell)

    def unfollow_outages(self, stage_id: UUID, tell: Tell) -> None:
        """Send it no longer."""
        _discard(self._unavailable, stage_id, tell)

    def tell_outage(self, stage_id: UUID, frame: str) -> None:
        """The stage's events cannot be written."""
        for tell in tuple(self._unavailable.get(stage_id, ())):
            tell(frame)

    @property
    def followed_stages(self) -> list[UUID]:
        """Stages with at least one follower."""
        return list(self._stages)

    def follows(self, stage_id: UUID) -> bool:
        """Whether the stage has a follower."""
        return stage_id in self._stages

    @property
    def followed_conversations(self) -> list[UUID]:
        """Conversations with at least one follower."""
        return list(self._conversations)


class Cursor:
    """A place in a stage's journal: reads on from memory where it can, else from the database.

    `tail_of` gives the tail of a stage that this process runs or follows, None for any other.
    """

    __slots__ = ("_tail_of", "number", "stage_id")

    def __init__(self, tail_of: Callable[[UUID], Tail | None], stage_id: UUID, after: int) -> None:
        self._tail_of = tail_of
        self.stage_id = stage_id
        self.number = after

    async def read(self) -> list[Frame]:
        """The next frames in order, at most a page; empty where there is nothing new."""
        frames = self.peek()
        if frames is None:
            frames = await run_in_pool(read_after, self.stage_id, self.number)
        if frames:
            self.number = frames[-1].number
        return frames

    def peek(self) -> list[Frame] | None:
        """What `read` would give, without moving; None where the database must be asked."""
        tail = self._tail_of(self.stage_id)
        return tail.after(self.number) if tail is not None else None


def _discard(followers: dict[UUID, set[F]], key: UUID, one: F) -> None:
    group = followers.get(key)
    if group is not None:
        group.discard(one)
        if not group:
            del followers[key]
