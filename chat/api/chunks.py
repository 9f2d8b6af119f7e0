"""Events as OpenAI ChatCompletionChunks: each from its own data alone, whatever came before it.

So a reader that comes back at any number gets the very chunks that it would have got.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from chat.api.following import Followed

TEXT_EVENT = "chat_completion_chunk"
CALL_EVENT = "tool_completion_chunk"


class ChunkMaker:
    """Makes the chunks of one stage; `started` is its first event.

    Each upstream request is a completion with an id of its own, since the indexes of tool calls
    begin anew with each.
    """

    __slots__ = ("_created", "_model", "_name")

    def __init__(self, stage_id: UUID, started: Followed) -> None:
        self._name = f"chatcmpl-{stage_id.hex}"
        self._model: str = started.data["model"]
        self._created = int(datetime.fromisoformat(started.ts).timestamp())

    def text(self, data: dict[str, Any]) -> dict[str, Any]:
        """What the model says; its reasoning as most servers name it."""
        delta: dict[str, Any] = {}
        if data.get("reasoning") is not None:
            delta["reasoning_content"] = data["reasoning"]
        if data.get("content") is not None:
            delta["content"] = data["content"]
        return self._chunk(data["round"], data["phase"], delta)

    def call(self, data: dict[str, Any]) -> dict[str, Any]:
        """A piece of a tool call; its id and name come with the first, as readers add them up."""
        arguments = data.get("arguments") or ""
        call: dict[str, Any] = {"index": data["index"]}
        if data.get("tool") is None:
            call["function"] = {"arguments": arguments}
        else:
            call |= {"id": data["call_id"], "type": "function"}
            call["function"] = {"name": data["tool"], "arguments": arguments}
        return self._chunk(data["round"], "tools", {"tool_calls": [call]})

    def _chunk(self, round: int, phase: str, delta: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": f"{self._name}-{phase}-{round}",
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        }
