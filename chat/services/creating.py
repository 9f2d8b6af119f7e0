"""A start's rows: checked, stored in one transaction, and what is needed to set it to work."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from uuid import UUID, uuid4

import orjson
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.utils import timezone

from chat.database import AWAY, drop_broken_connections, writing
from chat.engine.events import StageStarted
from chat.engine.messages import ChatMessage
from chat.engine.stage import StageRequest
from chat.models import Conversation, ModelRoute, Stage
from chat.pending import Pending, Row
from chat.policy import FULL, Grant
from chat.projection import StageKey, insert_rows, lease_end
from chat.protocol import StageStart
from chat.runner import Launch
from chat.services.extras import NO_EXTRAS, StartExtras
from chat.services.history import load_history, used_call_ids
from chat.services.own_history import digest_of, find_earlier, store_messages
from chat.services.refusals import Refused, not_found
from chat.services.starting import (
    check_grant,
    check_room,
    check_shape,
    choose_conversation,
    choose_route,
    choose_tools,
    clean,
    prompt_message,
)
from tools.base import Toolset

ANSWER_SECONDS = 5.0
"""How long a start waits for a database that went away as it was asked; half a lease."""


@dataclass(frozen=True, slots=True)
class _Start:
    """A start as it came: who asks through which door, for what."""

    command: StageStart
    source: str
    process_id: str
    digest: str
    grant: Grant
    extras: StartExtras


@dataclass(frozen=True, slots=True)
class _Stored:
    """The rows of a start; `history` where the caller brought its own."""

    stage: Stage
    started: Row
    history: tuple[ChatMessage, ...] | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stage that was started, now or by the same request before."""

    stage_id: UUID
    conversation_id: UUID
    launch: Launch | None


def create_stage(
    user_id: int,
    command: StageStart,
    source: str,
    process_id: str,
    grant: Grant = FULL,
    extras: StartExtras = NO_EXTRAS,
) -> Accepted:
    """Validate a start and store its rows, the first event among them, in one transaction."""
    start = _Start(command, source, process_id, _digest(command, extras), grant, extras)
    try:
        return _create_stage(user_id, start)
    except (IntegrityError, Refused) as failure:
        # Most requests are new, so only one that fails is looked up: it may have been stored
        # before, or by another process meanwhile.
        before = _stored_before(user_id, start)
        if before is not None:
            return before
        if isinstance(failure, Refused):
            raise
    # Two starts raced; the constraints let one through. Tell the other what it met.
    return _create_stage(user_id, start)


def _create_stage(user_id: int, start: _Start) -> Accepted:
    # What can be read before or after stays out of the transaction: on SQLite it holds up the
    # journal of every other stage.
    command, extras = start.command, start.extras
    user = active_user(user_id)
    check_grant(start.grant, command)
    check_shape(command, extras)
    route, route_settings = choose_route(user, command.model_route, start.grant)
    toolset = choose_tools(user, command, extras)
    stored: _Stored | None = None
    try:
        with writing():
            stored = _store_stage(user, start, route, toolset)
    except AWAY:
        # A commit's answer can be lost with the connection, and the commit be done.
        if stored is None or not _came_through(stored.stage.pk):
            raise
    stage, history = stored.stage, stored.history
    is_own = history is not None
    used = frozenset(call.call_id for message in history or () for call in message.tool_calls)
    if command.conversation_id is not None and stage.mode != Stage.Mode.CHAT:
        used = used_call_ids(stage.conversation_id)
    request = StageRequest(
        stage_id=stage.pk,
        message_id=stage.message_id_reserved,
        mode=command.mode,
        synthesis=command.synthesis,
        stream=command.stream,
        history=history
        if history is not None
        else load_history(stage.prompt_message, route.context_budget),
        system_prompt=stage.system_prompt,
        toolset=toolset,
        temperature=(stage.temperature[0], stage.temperature[1]),
        max_tokens=(stage.max_tokens[0], stage.max_tokens[1]),
        max_tool_rounds=route.max_tool_rounds,
        # Nothing is left out of a history that the caller keeps itself.
        context_budget=None if is_own else route.context_budget,
        used_call_ids=used,
        hands_over=extras.hands_over,
        tool_choice=extras.tool_choice,
        tool_mode=extras.tool_mode,
        parameters=extras.parameters,
    )
    key = StageKey(
        stage.pk,
        stage.conversation_id,
        stage.prompt_message_id,
        stage.message_id_reserved,
        user.pk,
    )
    return Accepted(
        stage.pk,
        stage.conversation_id,
        Launch(key, request, route_settings, stored.started, start.grant.key_id),
    )


def _came_through(stage_id: UUID) -> bool:
    """Whether a commit whose answer was lost took place, as soon as the database says so."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        drop_broken_connections()
        try:
            return Stage.objects.filter(pk=stage_id).exists()
        except AWAY:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)


def _stored_before(user_id: int, start: _Start) -> Accepted | None:
    """What an equal request with this id started before; raises Refused where it was another."""
    before = Stage.objects.filter(
        owner_id=user_id, owner__is_active=True, request_id=start.command.request_id
    ).first()
    if before is None:
        return None
    if before.request_digest != start.digest or before.api_key_id != start.grant.key_id:
        raise Refused(
            "request_id_reused",
            "This request_id was used for another request. Use a new one for each request.",
        )
    return Accepted(before.pk, before.conversation_id, None)


def _store_stage(user: User, start: _Start, route: ModelRoute, toolset: Toolset) -> _Stored:
    """Write the rows of a start: conversation, prompt, stage and its first event."""
    command, extras = start.command, start.extras
    if connection.features.has_select_for_update:
        # Makes the count of a person's stages exact where transactions run side by side.
        active_user(user.pk, lock=True)
    history: tuple[ChatMessage, ...] | None = None
    if extras.messages is None:
        conversation = choose_conversation(user, command, start.source, extras, start.grant)
        check_room(user, conversation, is_new=command.conversation_id is None)
        prompt = prompt_message(conversation, command)
    else:
        earlier = find_earlier(user, extras.messages, start.source, start.grant)
        conversation = (
            earlier.answer.conversation
            if earlier
            else choose_conversation(user, command, start.source, extras, start.grant)
        )
        check_room(user, conversation, is_new=True)
        prompt, history = store_messages(conversation, extras.messages, earlier)
    now = timezone.now()
    stage = Stage(
        id=_free_id(extras.stage_id),
        conversation=conversation,
        owner=user,
        request_id=command.request_id,
        request_digest=start.digest,
        mode=command.mode,
        synthesis=command.synthesis,
        stream=command.stream,
        status=Stage.Status.RUNNING,
        route=route,
        model=route.upstream_model,
        prompt_message=prompt,
        system_prompt=(
            route.system_prompt if command.system_prompt is None else clean(command.system_prompt)
        ),
        tools=toolset.names(),
        caller_tools=list(extras.caller_tools),
        tool_mode=extras.tool_mode,
        history_digest=digest_of(extras.messages) if extras.messages else "",
        api_key_id=start.grant.key_id,
        temperature=command.temperature or [route.tool_temperature, route.synthesis_temperature],
        max_tokens=command.max_tokens or [route.tool_max_tokens, route.synthesis_max_tokens],
        retry_of_id=command.retry_of,
        continue_of_id=command.continue_of,
        lease_owner=start.process_id,
        lease_expires_at=lease_end(),
        created_at=now,
    )
    stage.save(force_insert=True)
    if prompt.parent_id is not None:
        Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    started = _first_row(stage, route)
    insert_rows([(stage.pk, [started])])
    return _Stored(stage, started, history)


def _free_id(wanted: UUID | None) -> UUID:
    """The id that the caller wants, unless somebody else's stage has it."""
    taken = wanted is None or Stage.objects.filter(pk=wanted).exists()
    return uuid4() if wanted is None or taken else wanted


def active_user(user_id: int, *, lock: bool = False) -> User:
    """The account that acts; raises Refused where it is gone or inactive."""
    users = User.objects.select_for_update(no_key=True) if lock else User.objects.all()
    user = users.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise not_found("account")
    return user


def _digest(command: StageStart, extras: StartExtras) -> str:
    body = command.model_dump(mode="json", exclude={"html"})
    if extras is not NO_EXTRAS:
        body["extras"] = extras.as_record()
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _first_row(stage: Stage, route: ModelRoute) -> Row:
    event = StageStarted(
        request_id=stage.request_id,
        conversation_id=stage.conversation_id,
        mode=stage.mode,
        synthesis=stage.synthesis,
        stream=stage.stream,
        model_route=route.slug,
        model=route.upstream_model,
        tools=tuple(stage.tools),
    )
    return Pending(event).as_row(1)
