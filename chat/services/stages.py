"""Starting and stopping stages."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chat import runner as runners
from chat.database import run_in_pool
from chat.encryption import UndecryptableSecret
from chat.engine.completions import RouteSettings
from chat.engine.events import StageStarted
from chat.engine.stage import StageRequest
from chat.models import Conversation, Message, ModelRoute, Stage
from chat.models.routes import PROTOCOL_OPENAI
from chat.pending import Pending, Row
from chat.policy import may_cancel
from chat.projection import StageKey, insert_rows, lease_end
from chat.protocol import StageStart
from chat.runner import Launch
from chat.services.history import load_history, used_call_ids
from chat.services.refusals import Refused, not_found
from tools.base import Toolset
from tools.registry import UnknownTools, choose_toolset

CONTINUE_PROMPT = (
    "Continue your answer exactly where it stopped. Do not repeat what you have already written."
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stage that was started, now or by the same request before."""

    stage_id: UUID
    conversation_id: UUID
    launch: Launch | None


async def start_stage(
    user_id: int, command: StageStart, source: str = Conversation.Source.PAGE
) -> Accepted:
    """Store a stage and set it to work in this process; raises Refused."""
    runner = runners.current()
    if runner.going_down:
        raise Refused(
            "going_down", "Toolbench is being restarted. Send this again in a few seconds."
        )

    async def store_and_launch() -> Accepted:
        accepted = await run_in_pool(create_stage, user_id, command, source, runner.process_id)
        if accepted.launch is not None:
            runner.launch(accepted.launch)
        return accepted

    # Shielded: once its rows are stored a stage runs, though the socket that asked has gone.
    task = asyncio.create_task(store_and_launch(), name=f"start-{command.request_id}")
    runner.starts.add(task)
    task.add_done_callback(runner.starts.discard)
    return await asyncio.shield(task)


async def cancel_stage(user_id: int, stage_id: UUID, *, is_admin: bool) -> str:
    """Stop a stage; its status now. Raises Refused.

    A stage of this process is stopped before anything looks at the database.
    """
    runner = runners.current()
    running = runner.running.get(stage_id)
    if running is not None and (is_admin or running.launch.key.owner_id == user_id):
        own = running.launch.key.owner_id == user_id
        runner.cancel(stage_id, "user" if own else "admin")
        return Stage.Status.RUNNING
    return await run_in_pool(request_cancel, user_id, stage_id)


def request_cancel(user_id: int, stage_id: UUID) -> str:
    """Ask, by a row, the process that runs a stage to stop it; the stage's status."""
    user = _active_user(user_id)
    stage = Stage.objects.visible_to(user).filter(pk=stage_id).first()
    if stage is None or not may_cancel(user, stage.owner_id):
        raise not_found("stage")
    if stage.is_active:
        Stage.objects.active().filter(pk=stage_id, cancel_requested_at__isnull=True).update(
            cancel_requested_by=user, cancel_requested_at=timezone.now()
        )
    return stage.status


def create_stage(user_id: int, command: StageStart, source: str, process_id: str) -> Accepted:
    """Validate a start and store its rows, the first event among them, in one transaction."""
    digest = _digest(command)
    try:
        return _create_stage(user_id, command, source, process_id, digest)
    except IntegrityError:
        # Two starts raced; the constraints let one through. Tell the other what it met.
        return _create_stage(user_id, command, source, process_id, digest)


def _create_stage(
    user_id: int, command: StageStart, source: str, process_id: str, digest: str
) -> Accepted:
    # What can be read before or after stays out of the transaction: on SQLite it holds up the
    # journal of every other stage.
    user = _active_user(user_id)
    before = Stage.objects.filter(owner=user, request_id=command.request_id).first()
    if before is not None:
        if before.request_digest != digest:
            raise Refused(
                "request_id_reused",
                "This request_id was used for another request. Use a new one for each request.",
            )
        return Accepted(before.pk, before.conversation_id, None)
    _check_shape(command)
    route, route_settings = _choose_route(user, command.model_route)
    toolset = _choose_tools(user, command)
    with transaction.atomic():
        stage, started = _store_stage(user, command, source, process_id, digest, route, toolset)
    is_new = command.conversation_id is None
    request = StageRequest(
        stage_id=stage.pk,
        message_id=stage.message_id_reserved,
        mode=command.mode,
        synthesis=command.synthesis,
        stream=command.stream,
        history=load_history(stage.prompt_message),
        system_prompt=stage.system_prompt,
        toolset=toolset,
        temperature=(stage.temperature[0], stage.temperature[1]),
        max_tokens=(stage.max_tokens[0], stage.max_tokens[1]),
        max_tool_rounds=route.max_tool_rounds,
        context_budget=route.context_budget,
        used_call_ids=frozenset() if is_new else used_call_ids(stage.conversation_id),
    )
    key = StageKey(
        stage.pk,
        stage.conversation_id,
        stage.prompt_message_id,
        stage.message_id_reserved,
        user.pk,
    )
    return Accepted(stage.pk, stage.conversation_id, Launch(key, request, route_settings, started))


def _store_stage(
    user: User,
    command: StageStart,
    source: str,
    process_id: str,
    digest: str,
    route: ModelRoute,
    toolset: Toolset,
) -> tuple[Stage, Row]:
    """The rows of a start: conversation, prompt, stage and its first event."""
    if connection.features.has_select_for_update:
        # Makes the count of a person's stages exact where transactions run side by side.
        _active_user(user.pk, lock=True)
    now = timezone.now()
    conversation = _choose_conversation(user, command, source)
    _check_room(user, conversation, is_new=command.conversation_id is None)
    stage = Stage(
        conversation=conversation,
        owner=user,
        request_id=command.request_id,
        request_digest=digest,
        mode=command.mode,
        synthesis=command.synthesis,
        stream=command.stream,
        status=Stage.Status.RUNNING,
        route=route,
        model=route.upstream_model,
        prompt_message=_prompt_message(conversation, command),
        system_prompt=(
            route.system_prompt if command.system_prompt is None else _clean(command.system_prompt)
        ),
        tools=toolset.names(),
        temperature=command.temperature or [route.tool_temperature, route.synthesis_temperature],
        max_tokens=command.max_tokens or [route.tool_max_tokens, route.synthesis_max_tokens],
        retry_of_id=command.retry_of,
        continue_of_id=command.continue_of,
        lease_owner=process_id,
        lease_expires_at=lease_end(),
        created_at=now,
    )
    stage.save(force_insert=True)
    if command.conversation_id is not None:
        Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    started = _first_row(stage, route)
    insert_rows([(stage.pk, [started])])
    return stage, started


def _active_user(user_id: int, *, lock: bool = False) -> User:
    users = User.objects.select_for_update() if lock else User.objects.all()
    user = users.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise not_found("account")
    return user


def _digest(command: StageStart) -> str:
    body = command.model_dump(mode="json", exclude={"html"})
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _check_shape(command: StageStart) -> None:
    if command.mode == "chat" and command.synthesis:
        raise Refused(
            "invalid_request",
            "Synthesis belongs to mode toolchain; in mode chat leave it out or false.",
        )
    if command.retry_of and command.continue_of:
        raise Refused("invalid_request", "Give retry_of or continue_of, not both.")
    if not (command.prompt.strip() or command.retry_of or command.continue_of):
        raise Refused("invalid_request", "The prompt is empty. Write what the model should answer.")


def _choose_route(user: User, slug: str | None) -> tuple[ModelRoute, RouteSettings]:
    visible = ModelRoute.objects.visible_to(user)
    if slug is None:
        route = visible.filter(enabled=True).order_by("-is_default", "pk").first()
        if route is None:
            raise Refused(
                "route_not_configured",
                "No model route is open to you. An admin adds routes in the admin panel.",
            )
    else:
        route = visible.filter(slug=slug).first()
        if route is None:
            available = ", ".join(visible.filter(enabled=True).values_list("slug", flat=True)[:50])
            raise Refused(
                "unknown_route",
                f"There is no model route “{slug[:80]}”. Available: {available or 'none'}.",
            )
    if not route.enabled:
        raise Refused(
            "route_disabled", f"The route {route.slug} is switched off. Choose another route."
        )
    if route.protocol != PROTOCOL_OPENAI:
        raise Refused(
            "unsupported_protocol",
            f"The route {route.slug} speaks “{route.protocol}”. Only “openai” is supported.",
        )
    if not route.is_configured:
        raise Refused(
            "route_not_configured",
            f"The route {route.slug} names no model or no address yet. An admin completes it in "
            "the admin panel.",
        )
    try:
        return route, route.as_settings()
    except UndecryptableSecret:
        raise Refused(
            "route_not_configured",
            f"The key of the route {route.slug} cannot be read any more. An admin stores it again "
            "in the admin panel.",
        ) from None


def _choose_tools(user: User, command: StageStart) -> Toolset:
    if command.mode == "chat":
        return Toolset()
    try:
        toolset = choose_toolset(user, command.tools)
    except UnknownTools as error:
        raise Refused("invalid_request", str(error)) from None
    if not len(toolset):
        raise Refused(
            "invalid_request",
            "No tool is chosen. Choose at least one tool, or use mode chat.",
        )
    return toolset


def _choose_conversation(user: User, command: StageStart, source: str) -> Conversation:
    if command.conversation_id is None:
        if command.retry_of or command.continue_of or command.parent_message_id:
            raise Refused("invalid_request", "Name the conversation that this belongs to.")
        title = " ".join(command.prompt.replace("\x00", "").split())
        return Conversation.objects.create(
            owner=user, title=title[:79] + "…" if len(title) > 80 else title, source=source
        )
    conversation = Conversation.objects.owned_by(user).filter(pk=command.conversation_id).first()
    if conversation is None:
        raise not_found("conversation")
    return conversation


def _check_room(user: User, conversation: Conversation, *, is_new: bool) -> None:
    active = None if is_new else Stage.objects.active().filter(conversation=conversation).first()
    if active is not None:
        raise Refused(
            "conversation_busy",
            "A stage of this conversation is still running. Wait for its end or stop it.",
            stage_id=str(active.pk),
        )
    limit = settings.TOOLBENCH_USER_STAGES
    if Stage.objects.active().filter(owner=user).count() >= limit:
        raise Refused(
            "too_many_stages",
            f"You have {limit} stages running, which is the limit. Wait for one to end or stop it.",
        )


def _prompt_message(conversation: Conversation, command: StageStart) -> Message:
    """The user message that the stage answers: the one retried, or a new one in its place."""
    if command.retry_of is not None:
        retried = (
            Stage.objects.filter(pk=command.retry_of, conversation=conversation)
            .select_related("prompt_message")
            .first()
        )
        if retried is None:
            raise not_found("stage")
        return retried.prompt_message
    text = _clean(command.prompt)
    if command.continue_of is not None:
        parent = Message.objects.filter(
            stage_id=command.continue_of, conversation=conversation
        ).first()
        if parent is None:
            raise Refused(
                "invalid_request",
                "That stage left no text to continue. Start it over with retry_of.",
            )
        text = text if text.strip() else CONTINUE_PROMPT
    elif command.parent_message_id is not None:
        parent = Message.objects.filter(
            pk=command.parent_message_id, conversation=conversation
        ).first()
        if parent is None:
            raise not_found("message")
    elif command.conversation_id is None:
        parent = None
    else:
        # A prompt that got no answer is left aside, so that roles alternate for the model.
        parent = (
            Message.objects.filter(conversation=conversation, role=Message.Role.ASSISTANT)
            .order_by("-created_at")
            .first()
        )
    return Message.objects.create(
        conversation=conversation, parent=parent, role=Message.Role.USER, content=text
    )


def _clean(text: str) -> str:
    """Text as every database takes it: no NUL, no lone surrogates."""
    return (
        text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


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
