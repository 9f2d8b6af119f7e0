"""Messages to and from the Chat Completions format, and the budget that trims a history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """A tool call as the model made it; `raw_arguments` is sent back as it came, if it can be."""

    call_id: str
    tool: str
    raw_arguments: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a request. `ref` says which stored thing it is, for the stage's record."""

    role: Role
    content: str
    tool_calls: tuple[RequestedCall, ...] = ()
    tool_call_id: str | None = None
    ref: dict[str, Any] | None = field(default=None, compare=False)

    def as_request(self) -> dict[str, Any]:
        """The message in the Chat Completions format."""
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            # Some servers refuse empty text beside calls, all take null (OpenAI API reference).
            message["content"] = self.content or None
            message["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {"name": call.tool, "arguments": sendable_arguments(call)},
                }
                for call in self.tool_calls
            ]
        if self.tool_call_id is not None:
            message["tool_call_id"] = self.tool_call_id
        return message

    def as_record(self) -> dict[str, Any]:
        """The message by reference where it is stored elsewhere, else whole."""
        return self.ref if self.ref is not None else self.as_request()


RESULTS_SHOWN = "The results were shown to the user."


def as_sent(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Messages in the Chat Completions format, in an order that every prompt template takes.

    Templates of Gemma and Mistral raise where roles do not alternate. So two prompts in a row (the
    first got no answer) go as one, and results that nobody answered are followed by the words that
    say so.
    """
    sent: list[dict[str, Any]] = []
    for message in messages:
        last = sent[-1]["role"] if sent else None
        if message.role == "user" and last == "user":
            sent[-1]["content"] += f"\n\n{message.content}"
            continue
        if message.role == "user" and last == "tool":
            sent.append(ChatMessage("assistant", RESULTS_SHOWN).as_request())
        sent.append(message.as_request())
    return sent


def sendable_arguments(call: RequestedCall) -> str:
    """A call's arguments as they came; where they are no JSON object, one that quotes them.

    Servers parse the calls of a history to fill their template. llama.cpp answers 500 to arguments
    that are no JSON: one call cut off at the token limit would end the whole conversation.
    """
    raw = call.raw_arguments or "{}"
    try:
        if isinstance(orjson.loads(raw), dict):
            return raw
    except orjson.JSONDecodeError:
        pass
    return json.dumps({"invalid_json": raw}, ensure_ascii=False)


def estimate_tokens(message: ChatMessage) -> int:
    """About how many tokens a message costs: a quarter of its UTF-8 bytes, and 8 for its frame."""
    size = len(message.content.encode("utf-8", "replace"))
    size += sum(len(call.raw_arguments) + len(call.tool) + 32 for call in message.tool_calls)
    return size // 4 + 8


def trim_history(history: Sequence[ChatMessage], budget: int | None) -> tuple[ChatMessage, ...]:
    """Drop the oldest turns until the rest fits `budget` tokens (None: no limit).

    A turn starts at a user message and ends before the next, so a call is never split from its
    result. The last turn is always kept, however long.
    """
    if budget is None:
        return tuple(history)
    turns: list[list[ChatMessage]] = []
    for message in history:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    kept: list[list[ChatMessage]] = []
    spent = 0
    for turn in reversed(turns):
        spent += sum(map(estimate_tokens, turn))
        if kept and spent > budget:
            break
        kept.append(turn)
    return tuple(message for turn in reversed(kept) for message in turn)
