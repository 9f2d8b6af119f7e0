"""The websocket: commands in, frames out.

A consumer never waits for a stage, nor for the database of others. Three tasks serve a socket:
one receives, one carries out commands in their order, one delivers. `stage.cancel` overtakes.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Container
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError

from chat import protocol
from chat.access import Visitor, origin_is_allowed
from chat.admission import ComesTooOften, NotAdmitted, admit
from chat.database import run_in_pool
from chat.delivery import Delivery
from chat.frames import last_numbers
from chat.live_rendering import LiveRenderings
from chat.models.conversations import Conversation
from chat.protocol import (
    CLOSE_FORBIDDEN,
    CLOSE_GOING_DOWN,
    CLOSE_LOGGED_OUT,
    CLOSE_TOO_LARGE,
    CLOSE_TOO_MANY,
    MESSAGE_LIMIT,
    SUBPROTOCOL,
    BadCommand,
    dump,
    parse_command,
    rejected,
)
from chat.rate_limits import check_rate
from chat.services import Refused, cancel_stage, start_stage
from chat.services.subscriptions import find_conversation, find_stage
from chat.sockets import Sockets

if TYPE_CHECKING:
    from chat.runner import Runner

logger = logging.getLogger(__name__)

QUEUED_COMMANDS = 100
CLOSE_SECONDS = 5.0
MAX_SUBSCRIPTIONS = 256
COUNTED = (protocol.StageStart, protocol.StageSubscribe, protocol.ConversationSubscribe)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class SocketConsumer:
    """One websocket of one person, or of a program with a key of one."""

    def __init__(
        self,
        scope: dict[str, Any],
        receive: Receive,
        send: Send,
        runner: Runner,
        sockets: Sockets,
        renderings: LiveRenderings,
    ) -> None:
        self.visitor: Visitor
        self._scope = scope
        self._receive = receive
        self._send = send
        self._runner = runner
        self._sockets = sockets
        self._delivery = Delivery(runner, renderings, send, scope, self.close)
        self._commands: asyncio.Queue[protocol.AnyCommand] = asyncio.Queue(QUEUED_COMMANDS)
        self._conversations: dict[UUID, int] = {}
        self._allowance = float(settings.TOOLBENCH_COMMANDS_PER_SECOND * 2)
        self._allowance_at = time.monotonic()
        self._closed = False

    async def run(self) -> None:
        """Serve the socket until it closes."""
        await self._receive()
        offered = self._scope.get("subprotocols") or []
        await self._send(
            {
                "type": "websocket.accept",
                "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None,
            }
        )
        if not await self._admit():
            return
        self._sockets.add(self)
        tasks = [
            asyncio.create_task(self._work(), name="socket-commands"),
            asyncio.create_task(self._delivery.run(), name="socket-delivery"),
        ]
        try:
            await self._listen()
        finally:
            self._closed = True
            self._sockets.discard(self)
            for conversation_id in self._conversations:
                self._runner.hub.unfollow_conversation(conversation_id, self._tell)
            self._delivery.end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self, code: int) -> None:
        """Close with a code; what was queued for the other side is not waited for."""
        if not self._closed:
            self._closed = True
            self._delivery.end()
            # Where `send` waits for the reader, one that has stopped reading would be waited for.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._send({"type": "websocket.close", "code": code})

    async def settled(self) -> None:
        """Wait until all that is due has been sent."""
        await self._delivery.settled()

    def foreign_subscriptions(self) -> bool:
        """Whether it follows a conversation of somebody else."""
        own = self.visitor.user_id
        return any(owner != own for owner in self._conversations.values()) or any(
            subscription.owner_id != own for subscription in self._delivery.subscriptions.values()
        )

    def follows_any(self, stage_ids: Container[UUID]) -> bool:
        """Whether it is sent the events of one of these stages."""
        return any(stage_id in stage_ids for stage_id in self._delivery.subscriptions)

    # --- in ---

    async def _admit(self) -> bool:
        if not origin_is_allowed(self._scope):
            await self.close(CLOSE_FORBIDDEN)
            return False
        if self._runner.going_down:
            await self.close(CLOSE_GOING_DOWN)
            return False
        try:
            visitor = await admit(self._scope)
        except DatabaseError:
            await self.close(CLOSE_GOING_DOWN)
            return False
        except NotAdmitted:
            await self.close(CLOSE_LOGGED_OUT)
            return False
        except ComesTooOften:
            await self.close(CLOSE_TOO_MANY)
            return False
        if self._sockets.count_of(visitor.user_id) >= settings.TOOLBENCH_USER_SOCKETS:
            await self.close(CLOSE_TOO_MANY)
            return False
        self.visitor = visitor
        return True

    async def _listen(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if self._closed:
                continue
            if not self._within_rate():
                await self.close(CLOSE_TOO_MANY)
            elif text is None:
                size = len(message.get("bytes") or b"")
                if size > MESSAGE_LIMIT:
                    await self.close(CLOSE_TOO_LARGE)
                else:
                    self._tell(
                        rejected("invalid_request", "Send text frames of JSON, not binary ones.")
                    )
            elif len(text) > MESSAGE_LIMIT or (
                len(text) > MESSAGE_LIMIT // 4 and len(text.encode()) > MESSAGE_LIMIT
            ):
                await self.close(CLOSE_TOO_LARGE)
            else:
                await self._take(text)

    async def _take(self, text: str) -> None:
        try:
            command = parse_command(text)
        except BadCommand as error:
            self._tell(
                rejected(
                    "invalid_request",
                    error.message,
                    request_id=error.request_id,
                    errors=error.errors,
                )
            )
            return
        if isinstance(command, protocol.StageCancel) and command.stage_id in self._runner.running:
            # Stop waits for nothing, not even for the commands sent before it.
            await self._carry_out(command)
            return
        try:
            self._commands.put_nowait(command)
        except asyncio.QueueFull:
            await self.close(CLOSE_TOO_MANY)

    def _within_rate(self) -> bool:
        """A token bucket of two seconds' worth of commands."""
        rate = settings.TOOLBENCH_COMMANDS_PER_SECOND
        now = time.monotonic()
        self._allowance = min(rate * 2.0, self._allowance + (now - self._allowance_at) * rate)
        self._allowance_at = now
        self._allowance -= 1
        return self._allowance >= 0

    async def _work(self) -> None:
        while True:
            command = await self._commands.get()
            if self._closed:
                return
            await self._carry_out(command)

    async def _carry_out(self, command: protocol.AnyCommand) -> None:
        try:
            await self._obey(command)
        except Refused as refusal:
            self._refuse(command, refusal)
        except DatabaseError:
            logger.warning("A command failed because the database did not answer.")
            self._refuse(
                command,
                Refused(
                    "going_down",
                    "The database does not answer, so nothing was done. Send it again in a few "
                    "seconds.",
                ),
            )
        except Exception:
            logger.exception("A %s command met a bug.", command.type)
            self._refuse(
                command,
                Refused(
                    "invalid_request",
                    "Toolbench met a fault of its own with this command. Nothing was changed.",
                ),
            )

    def _refuse(self, command: protocol.AnyCommand, refusal: Refused) -> None:
        """Say why, and which command and stage it is about."""
        more = dict(refusal.more)
        for name in ("stage_id", "conversation_id"):
            if (about := getattr(command, name, None)) is not None:
                more.setdefault(name, str(about))
        request_id = getattr(command, "request_id", None)
        self._tell(rejected(refusal.code, refusal.message, request_id=request_id, **more))

    async def _obey(self, command: protocol.AnyCommand) -> None:
        await self._count(command)
        match command:
            case protocol.StageStart():
                await self._start(command)
            case protocol.StageSubscribe():
                await self._subscribe(command)
            case protocol.StageUnsubscribe(stage_id=stage_id):
                self._delivery.unsubscribe(stage_id)
                self._tell(dump({"type": "unsubscribed", "stage_id": str(stage_id)}))
            case protocol.ConversationSubscribe(conversation_id=conversation_id):
                await self._subscribe_conversation(conversation_id)
            case protocol.ConversationUnsubscribe(conversation_id=conversation_id):
                self._conversations.pop(conversation_id, None)
                self._runner.hub.unfollow_conversation(conversation_id, self._tell)
                self._tell(dump({"type": "unsubscribed", "conversation_id": str(conversation_id)}))
            case protocol.StageCancel(stage_id=stage_id):
                status = await cancel_stage(
                    self.visitor.user_id,
                    stage_id,
                    is_admin=self.visitor.is_superuser,
                    grant=self.visitor.grant,
                )
                self._tell(dump({"type": "accepted", "stage_id": str(stage_id), "status": status}))
            case protocol.Ping():
                await self._pong()
            case protocol.ToolCallDecide():
                raise Refused("invalid_request", "Tool calls need no approval here.")

    async def _count(self, command: protocol.AnyCommand) -> None:
        """A key's commands count as its requests do; stopping and letting go are never refused."""
        if self.visitor.grant.key_id is None or not isinstance(command, COUNTED):
            return
        seconds = await check_rate(self.visitor)
        if seconds is not None:
            wait = max(1, math.ceil(seconds))
            raise Refused(
                "rate_limited",
                f"Too many requests came with this key. Wait {wait} s, then send this again.",
                retry_after=wait,
            )

    async def _start(self, command: protocol.StageStart) -> None:
        self._make_room()
        source = (
            Conversation.Source.PAGE
            if self.visitor.grant.key_id is None
            else Conversation.Source.API
        )
        accepted = await start_stage(
            self.visitor.user_id, command, source, grant=self.visitor.grant
        )
        self._tell(
            dump(
                {
                    "type": "accepted",
                    "request_id": str(command.request_id),
                    "stage_id": str(accepted.stage_id),
                    "conversation_id": str(accepted.conversation_id),
                }
            )
        )
        self._delivery.subscribe(
            accepted.stage_id, after=0, html=command.html, owner_id=self.visitor.user_id
        )

    async def _subscribe(self, command: protocol.StageSubscribe) -> None:
        if command.stage_id not in self._delivery.subscriptions:
            self._make_room()
        standing = await run_in_pool(
            find_stage, self.visitor.user_id, command.stage_id, self.visitor.grant
        )
        last = standing.last_sequence_number
        recovered = command.after <= last and not (standing.has_ended and last == 0)
        self._tell(
            dump(
                {
                    "type": "subscribed",
                    "stage_id": str(command.stage_id),
                    "status": standing.status,
                    "last_sequence_number": last,
                    "recovered": recovered,
                }
            )
        )
        if standing.has_ended and (last == 0 or command.after == last):
            self._delivery.unsubscribe(command.stage_id)
            return
        self._delivery.subscribe(
            command.stage_id,
            after=command.after if recovered else 0,
            html=command.html,
            owner_id=standing.owner_id,
        )

    def _make_room(self) -> None:
        if len(self._delivery.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise Refused(
                "rate_limited",
                f"This socket follows {MAX_SUBSCRIPTIONS} stages, which is the limit. Unsubscribe "
                "from some first.",
            )

    async def _subscribe_conversation(self, conversation_id: UUID) -> None:
        # Followed before it is read, so that no start falls between.
        self._runner.hub.follow_conversation(conversation_id, self._tell)
        try:
            owner_id, stages = await run_in_pool(
                find_conversation, self.visitor.user_id, conversation_id, self.visitor.grant
            )
        except BaseException:
            if conversation_id not in self._conversations:
                self._runner.hub.unfollow_conversation(conversation_id, self._tell)
            raise
        self._conversations[conversation_id] = owner_id
        self._tell(
            dump({"type": "subscribed", "conversation_id": str(conversation_id), "stages": stages})
        )

    async def _pong(self) -> None:
        numbers: dict[str, int] = {}
        elsewhere = []
        for stage_id in self._delivery.subscriptions:
            tail = self._runner.tail_of(stage_id)
            if tail is None:
                elsewhere.append(stage_id)
            else:
                numbers[str(stage_id)] = tail.last
        if elsewhere:
            stored = await run_in_pool(last_numbers, elsewhere)
            numbers |= {str(stage_id): number for stage_id, number in stored.items()}
        self._tell(dump({"type": "pong", "stages": numbers}))

    # --- out ---

    def _tell(self, text: str) -> None:
        """Queue a frame; it goes out before any event queued later."""
        self._delivery.tell(text)
