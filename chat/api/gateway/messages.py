"""The messages of a Chat Completions request, and the history that they make for a stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from chat.api.gateway.standing import Refused
from chat.engine.messages import ChatMessage, RequestedCall

ID_LIMIT = 4096
"""Some gateways pack more than a name into the id of a call."""
_TEXT_FIELDS = {"text": "text", "refusal": "refusal"}


def read_content(value: Any) -> Any:
    """A content's text: a string, or the text of its parts; other parts are refused in words."""
    if not isinstance(value, list):
        return value
    texts = []
    for number, part in enumerate(value):
        kind = part.get("type") if isinstance(part, dict) else None
        text = part.get(_TEXT_FIELDS.get(kind, "")) if isinstance(kind, str) else None
        if isinstance(kind, str) and kind not in _TEXT_FIELDS:
            raise PydanticCustomError(
                "unsupported",
                "Part {number} is of type “{kind}”. This gateway takes text only, and fetches "
                "nothing that a caller names; send the text itself.",
                {"number": number, "kind": kind[:40]},
            )
        if not isinstance(text, str):
            raise PydanticCustomError(
                "content_part",
                "Part {number} is no text part. Send a string, or parts like "
                '{{"type": "text", "text": "…"}}.',
                {"number": number},
            )
        texts.append(text)
    return "\n".join(texts)


Text = Annotated[str, BeforeValidator(read_content)]


class Strict(BaseModel):
    """JSON types as they are, and no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Echo(BaseModel):
    """What an answer said, sent back: fields that clients add to it are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class SystemMessage(Strict):
    """What the model is told before all else; `developer` is the same by a newer name."""

    role: Literal["system", "developer"]
    content: Text
    name: str | None = None


class UserMessage(Strict):
    """What a person asks."""

    role: Literal["user"]
    content: Text
    name: str | None = None


class FunctionCall(Echo):
    """The function of a call, its arguments as the model wrote them."""

    name: str
    arguments: str


class MessageToolCall(Echo):
    """A call that the model made earlier."""

    id: Annotated[str, Field(min_length=1, max_length=ID_LIMIT)]
    type: Literal["function"] = "function"
    function: FunctionCall


class AssistantMessage(Echo):
    """What the model answered earlier."""

    role: Literal["assistant"]
    content: Text | None = None
    refusal: str | None = None
    tool_calls: list[MessageToolCall] | None = None
    function_call: Annotated[
        Any, Refused("Calls of the older kind (function_call) are not taken. Use tool_calls.")
    ] = None
    audio: Annotated[Any, Refused("Audio is not supported. Send text.")] = None


class ToolMessage(Strict):
    """What came of a call that the caller ran."""

    role: Literal["tool"]
    content: Text
    tool_call_id: Annotated[str, Field(min_length=1, max_length=ID_LIMIT)]
    name: str | None = None


Message = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


def check_order(messages: Sequence[Message]) -> None:
    """Every call has its result before the next turn, every result its call, as models' prompt
    templates need it. Raises PydanticCustomError."""
    open_calls: dict[str, None] = {}
    for number, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in open_calls:
                raise _out_of_order(
                    number,
                    f"It answers the call “{message.tool_call_id[:80]}”, which the assistant "
                    "message before it did not make, or which was answered already.",
                )
            del open_calls[message.tool_call_id]
            continue
        _check_answered(open_calls, number)
        if isinstance(message, AssistantMessage):
            open_calls = dict.fromkeys(call.id for call in message.tool_calls or ())
    _check_answered(open_calls, len(messages))


def _check_answered(open_calls: Iterable[str], number: int) -> None:
    missing = ", ".join(open_calls)
    if missing:
        raise _out_of_order(
            number - 1,
            "Each call of an assistant message must be answered by a tool message before the "
            f"next turn. No answer came to: {missing[:300]}.",
        )


def _out_of_order(number: int, words: str) -> PydanticCustomError:
    param = f"messages[{number}]"
    return PydanticCustomError("message_order", "{words}", {"words": words, "param": param})


def system_prompt(messages: Sequence[Message]) -> str | None:
    """What stands before the conversation; None where nothing does, and the route's is used."""
    texts = [message.content for message in _leading(messages)]
    return "\n\n".join(texts) if texts else None


def history(messages: Sequence[Message]) -> tuple[ChatMessage, ...]:
    """The conversation itself, as the model is sent it."""
    return tuple(map(_as_chat_message, messages[len(_leading(messages)) :]))


def first_words(messages: Sequence[Message]) -> str:
    """What the person asked first, for a title."""
    asked = (message.content for message in messages if isinstance(message, UserMessage))
    return next(asked, "")


def _leading(messages: Sequence[Message]) -> list[SystemMessage]:
    leading: list[SystemMessage] = []
    # Something has to be left to answer.
    for message in messages[:-1]:
        if not isinstance(message, SystemMessage):
            break
        leading.append(message)
    return leading


def _as_chat_message(message: Message) -> ChatMessage:
    match message:
        case SystemMessage():
            return ChatMessage("system", message.content)
        case UserMessage():
            return ChatMessage("user", message.content)
        case ToolMessage():
            return ChatMessage("tool", message.content, tool_call_id=message.tool_call_id)
        case AssistantMessage():
            calls = tuple(
                RequestedCall(call.id, call.function.name, call.function.arguments)
                for call in message.tool_calls or ()
            )
            text = message.content or message.refusal or ""
            return ChatMessage("assistant", text, tool_calls=calls)
