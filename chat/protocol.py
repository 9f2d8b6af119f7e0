"""The wire contract of the websocket: commands a client may send, frames it may get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

SUBPROTOCOL = "toolbench.v1"
MESSAGE_LIMIT = 1024 * 1024
PROMPT_LIMIT = 262_144

CLOSE_LOGGED_OUT = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_SLOW_READER = 4408
CLOSE_TOO_LARGE = 4413
CLOSE_TOO_MANY = 4429
CLOSE_GOING_DOWN = 4503

RefusalCode = Literal[
    "unknown_route",
    "route_disabled",
    "route_not_configured",
    "unsupported_protocol",
    "invalid_request",
    "quota_exceeded",
    "not_found",
    "forbidden",
    "conversation_busy",
    "too_many_stages",
    "request_id_reused",
    "rate_limited",
    "going_down",
]

Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
TokenLimit = Annotated[int, Field(ge=1, le=10_000_000)]


class Command(BaseModel):
    """What all commands share: no unknown fields, JSON types taken as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


# JSON has no UUID type, so these fields alone are read from text.
JsonUUID = Annotated[UUID, Field(strict=False)]


class StageStart(Command):
    """Start a stage."""

    type: Literal["stage.start"] = "stage.start"
    request_id: JsonUUID
    conversation_id: JsonUUID | None = None
    mode: Literal["chat", "toolchain"]
    synthesis: bool = False
    stream: bool = True
    model_route: str | None = None
    prompt: Annotated[str, Field(max_length=PROMPT_LIMIT)] = ""
    system_prompt: Annotated[str, Field(max_length=PROMPT_LIMIT)] | None = None
    tools: list[str] | None = None
    temperature: Annotated[list[Temperature | None], Field(min_length=2, max_length=2)] | None = (
        None
    )
    max_tokens: Annotated[list[TokenLimit | None], Field(min_length=2, max_length=2)] | None = None
    parent_message_id: JsonUUID | None = None
    retry_of: JsonUUID | None = None
    continue_of: JsonUUID | None = None
    html: bool = False


class StageSubscribe(Command):
    """Get a stage's events above `after`."""

    type: Literal["stage.subscribe"] = "stage.subscribe"
    stage_id: JsonUUID
    after: Annotated[int, Field(ge=0)] = 0
    html: bool = False


class StageUnsubscribe(Command):
    """Get no more events of a stage."""

    type: Literal["stage.unsubscribe"] = "stage.unsubscribe"
    stage_id: JsonUUID


class ConversationSubscribe(Command):
    """Be told when stages of a conversation start and end."""

    type: Literal["conversation.subscribe"] = "conversation.subscribe"
    conversation_id: JsonUUID


class ConversationUnsubscribe(Command):
    """No longer be told of a conversation's stages."""

    type: Literal["conversation.unsubscribe"] = "conversation.unsubscribe"
    conversation_id: JsonUUID


class StageCancel(Command):
    """Stop a stage."""

    type: Literal["stage.cancel"] = "stage.cancel"
    stage_id: JsonUUID


class ToolCallDecide(BaseModel):
    """Reserved for approvals; refused until they are there."""

    model_config = ConfigDict(extra="allow", frozen=True)
    type: Literal["tool_call.decide"] = "tool_call.decide"


class Ping(Command):
    """Ask for the last numbers of the open subscriptions."""

    type: Literal["ping"] = "ping"


AnyCommand = Annotated[
    StageStart
    | StageSubscribe
    | StageUnsubscribe
    | ConversationSubscribe
    | ConversationUnsubscribe
    | StageCancel
    | ToolCallDecide
    | Ping,
    Field(discriminator="type"),
]

COMMAND_ADAPTER: TypeAdapter[AnyCommand] = TypeAdapter(AnyCommand)


class BadCommand(Exception):
    """A text frame that is no command; `errors` says where and why."""

    def __init__(self, message: str, errors: list[dict[str, str]], request_id: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.errors = errors
        self.request_id = request_id


def parse_command(text: str) -> AnyCommand:
    """The command in a text frame; raises BadCommand, with one entry per field at fault."""
    try:
        raw = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise BadCommand(
            "This is not JSON. Send one JSON object per text frame.", [], None
        ) from None
    if not isinstance(raw, dict):
        raise BadCommand("Send a JSON object with a type.", [], None)
    request_id = raw.get("request_id")
    try:
        return COMMAND_ADAPTER.validate_python(raw)
    except ValidationError as error:
        problems = [
            # Both may repeat what was sent, and that may be long.
            {"loc": ".".join(str(part) for part in item["loc"])[:200], "msg": item["msg"][:300]}
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ][:20]
        first = problems[0]
        raise BadCommand(
            f"The command does not validate: {first['loc'] or 'type'}: {first['msg']}",
            problems,
            request_id if isinstance(request_id, str) and len(request_id) <= 64 else None,
        ) from None


def dump(frame: dict[str, Any]) -> str:
    """A frame as text; UUIDs become strings."""
    return orjson.dumps(frame).decode()


def event_frame(
    stage_id: str, sequence_number: int, ts: datetime | str, event: str, data_json: str
) -> str:
    """An event as every subscriber gets it; `data_json` is stored text and goes out verbatim."""
    stamp = ts if isinstance(ts, str) else format_ts(ts)
    return (
        f'{{"type":"event","v":1,"stage_id":"{stage_id}","sequence_number":{sequence_number},'
        f'"ts":"{stamp}","event":"{event}","data":{data_json}}}'
    )


def format_ts(moment: datetime) -> str:
    """UTC with milliseconds and Z, as the envelope has it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def rejected(
    code: RefusalCode,
    message: str,
    *,
    request_id: Any = None,
    errors: list[dict[str, str]] | None = None,
    **more: Any,
) -> str:
    """A `rejected` frame; `more` holds such as the stage_id that keeps a conversation busy."""
    frame: dict[str, Any] = {"type": "rejected"}
    if request_id is not None:
        frame["request_id"] = str(request_id)
    return dump(frame | {"code": code, "message": message, "errors": errors or []} | more)
