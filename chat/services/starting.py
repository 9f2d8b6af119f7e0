"""What a start asks for, found for the person who asks, or refused in words."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User

from chat.demo.address import from_here
from chat.encryption import UndecryptableSecret
from chat.engine.completions import RouteSettings
from chat.models import Conversation, Message, ModelRoute, Stage
from chat.models.routes import PROTOCOL_OPENAI
from chat.policy import FULL, Grant, may_start, scope_of
from chat.protocol import StageStart
from chat.services.extras import StartExtras
from chat.services.refusals import Refused, not_found
from tools.base import Toolset
from tools.registry import UnknownTools, choose_toolset

CONTINUE_PROMPT = (
    "Continue your answer exactly where it stopped. Do not repeat what you have already written."
)


def check_grant(grant: Grant, command: StageStart) -> None:
    """Whether the caller's key is for such a start. Raises Refused."""
    if not may_start(grant, command.mode):
        raise Refused(
            "forbidden",
            f"This API key has no scope “{scope_of(command.mode)}”, which mode {command.mode} "
            "needs. Use a key that has it, or make one on the API keys page of your account.",
        )


def check_shape(command: StageStart, extras: StartExtras) -> None:
    """What the command's own fields contradict. Raises Refused."""
    if extras.messages is not None and (not extras.messages or command.conversation_id):
        raise Refused("invalid_request", "A history of one's own is for a new conversation.")
    if command.mode == "chat" and command.synthesis:
        raise Refused(
            "invalid_request",
            "Synthesis belongs to mode toolchain; in mode chat leave it out or false.",
        )
    if command.retry_of and command.continue_of:
        raise Refused("invalid_request", "Give retry_of or continue_of, not both.")
    has_prompt = command.prompt.strip() or extras.messages
    if not (has_prompt or command.retry_of or command.continue_of):
        raise Refused("invalid_request", "The prompt is empty. Write what the model should answer.")


def choose_route(
    user: User, slug: str | None, grant: Grant = FULL
) -> tuple[ModelRoute, RouteSettings]:
    """The route a start names, or the default, ready to be used. Raises Refused."""
    visible = ModelRoute.objects.visible_to(user, grant)
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
        return route, from_here(route.as_settings())
    except UndecryptableSecret:
        raise Refused(
            "route_not_configured",
            f"The key of the route {route.slug} cannot be read any more. An admin stores it again "
            "in the admin panel.",
        ) from None


def choose_tools(user: User, command: StageStart, extras: StartExtras) -> Toolset:
    """The tools a start offers; none in mode chat. Raises Refused."""
    if command.mode == "chat":
        return Toolset()
    try:
        toolset = extras.own_toolset()
        if toolset is None:
            toolset = choose_toolset(user, command.tools)
    except (UnknownTools, ValueError) as error:
        raise Refused("invalid_request", str(error)) from None
    if not len(toolset):
        raise Refused(
            "invalid_request",
            "No tool is chosen. Choose at least one tool, or use mode chat.",
        )
    return toolset


def choose_conversation(
    user: User, command: StageStart, source: str, extras: StartExtras, grant: Grant
) -> Conversation:
    """The conversation a start belongs to; a new one is made and titled. Raises Refused."""
    if command.conversation_id is None:
        if command.retry_of or command.continue_of or command.parent_message_id:
            raise Refused("invalid_request", "Name the conversation that this belongs to.")
        title = " ".join((extras.title or command.prompt).replace("\x00", "").split())
        return Conversation.objects.create(
            owner=user, title=title[:79] + "…" if len(title) > 80 else title, source=source
        )
    # Locked, so that it is neither deleted nor answered by another stage meanwhile.
    rows = Conversation.objects.owned_by(user, grant).select_for_update(no_key=True)
    conversation = rows.filter(pk=command.conversation_id).first()
    if conversation is None:
        raise not_found("conversation")
    return conversation


def check_room(user: User, conversation: Conversation, *, is_new: bool) -> None:
    """A conversation has one stage at a time, a person a limited number. Raises Refused."""
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


def prompt_message(conversation: Conversation, command: StageStart) -> Message:
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
    text = clean(command.prompt)
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


def clean(text: str) -> str:
    """Text as every database takes it: no NUL, no lone surrogates."""
    return (
        text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )
