"""The live sockets of this process, and the sweep that closes those that lost their right."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from chat.access import Visitor
from chat.models import ApiKey
from chat.policy import reads_everything
from chat.protocol import CLOSE_FORBIDDEN, CLOSE_LOGGED_OUT

SETTLE_SECONDS = 2.0


class LiveSocket(Protocol):
    """A socket as the sweep sees it."""

    visitor: Visitor

    def foreign_subscriptions(self) -> bool:
        """Whether it follows a conversation of somebody else."""

    def follows_any(self, stage_ids: Container[UUID]) -> bool:
        """Whether it is sent the events of one of these stages."""

    async def settled(self) -> None:
        """Wait until all that is due has been sent."""

    async def close(self, code: int) -> None:
        """Close it with a code."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the sweep needs to know of a socket."""

    visitor: Visitor
    reads_others: bool


class Sockets:
    """The live sockets of this process."""

    def __init__(self) -> None:
        self._live: set[LiveSocket] = set()

    def add(self, socket: LiveSocket) -> None:
        """A socket was accepted."""
        self._live.add(socket)

    def discard(self, socket: LiveSocket) -> None:
        """It is gone."""
        self._live.discard(socket)

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(tuple(self._live))

    def count_of(self, user_id: int) -> int:
        """How many sockets a person has open."""
        return sum(1 for socket in self._live if socket.visitor.user_id == user_id)

    async def close_all(self, code: int) -> None:
        """Close every socket with a code, once it was sent what is due."""
        await _close(tuple(self._live), code)

    async def close_others(self, stage_ids: Container[UUID], code: int) -> None:
        """Close those that follow none of these stages, once they were sent what is due."""
        idle = [socket for socket in self._live if not socket.follows_any(stage_ids)]
        await _close(idle, code)


async def _close(sockets: Sequence[LiveSocket], code: int) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            await asyncio.gather(*(socket.settled() for socket in sockets))
    for socket in sockets:
        await socket.close(code)


def verdicts(watched: list[Watched]) -> dict[int, int]:
    """Close codes by position for sockets that lost their session, key, account or right.

    Three queries whatever the number of sockets; one more per person who reads others'
    conversations.
    """
    standing = _Standing(watched)
    codes: dict[int, int] = {}
    for at, item in enumerate(watched):
        user = standing.user_of(item.visitor)
        if user is None:
            codes[at] = CLOSE_LOGGED_OUT
        elif (item.reads_others and not reads_everything(user)) or (
            item.visitor.is_superuser and not user.is_superuser
        ):
            codes[at] = CLOSE_FORBIDDEN
    return codes


class _Standing:
    """What the database says now of the sessions, keys and accounts of some sockets."""

    def __init__(self, watched: list[Watched]) -> None:
        visitors = [item.visitor for item in watched]
        sessions = {one.session_key for one in visitors if one.grant.key_id is None}
        keys = {one.grant.key_id for one in visitors if one.grant.key_id is not None}
        self._sessions = {
            session.session_key: session.get_decoded()
            for session in Session.objects.filter(
                session_key__in=sessions, expire_date__gt=timezone.now()
            )
        }
        self._keys = set(ApiKey.objects.usable().filter(pk__in=keys).values_list("pk", flat=True))
        self._users = User.objects.in_bulk({one.user_id for one in visitors})

    def user_of(self, visitor: Visitor) -> User | None:
        """The person a socket still stands for; None if it does for nobody."""
        user = self._users.get(visitor.user_id)
        if user is None or not user.is_active:
            return None
        if visitor.grant.key_id is not None:
            return user if visitor.grant.key_id in self._keys else None
        data = self._sessions.get(visitor.session_key, {})
        if (
            str(data.get(SESSION_KEY)) != str(user.pk)
            or BACKEND_SESSION_KEY not in data
            or not constant_time_compare(
                data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
            )
        ):
            return None
        return user
