"""How different servers word the same completion: ids, first deltas, indexes, usage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

CREATED = 1_790_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to be streamed; `arguments` as text is sent exactly as it stands."""

    name: str
    arguments: Mapping[str, Any] | str
    id: str | None = None

    @property
    def raw_arguments(self) -> str:
        """The argument text on the wire."""
        if isinstance(self.arguments, str):
            return self.arguments
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Flavour:
    """A server's handwriting. Change one habit with `replace(openai_like, call_index=None)`."""

    completion_id: str
    model: str
    extra: Mapping[str, Any]
    choice_extra: Mapping[str, Any]
    first_delta: Mapping[str, Any] | None
    # Ollama repeats the role in every delta.
    every_delta: Mapping[str, Any]
    reasoning_field: str
    call_id_prefix: str
    # "count": 0, 1, 2; "zero": every call says 0; None: no index at all.
    call_index: str | None
    # Characters per fragment of arguments; 0: the whole call in one delta.
    argument_piece: int

    def chunk(
        self, delta: Mapping[str, Any], finish: str | None = None, **extra: Any
    ) -> dict[str, Any]:
        """One chat.completion.chunk."""
        choice = {"index": 0, "delta": dict(delta), **self.choice_extra, "finish_reason": finish}
        return {**self._frame("chat.completion.chunk"), "choices": [choice], **extra}

    def usage_chunk(self, usage: Mapping[str, Any]) -> dict[str, Any]:
        """The last chunk under `include_usage`: no choices."""
        return {**self._frame("chat.completion.chunk"), "choices": [], "usage": dict(usage)}

    def text(self, piece: str) -> dict[str, Any]:
        """A chunk of visible text."""
        return self.chunk({**self.every_delta, "content": piece})

    def reasoning(self, piece: str) -> dict[str, Any]:
        """A chunk of reasoning."""
        return self.chunk({**self.every_delta, self.reasoning_field: piece})

    def start(self) -> Iterator[dict[str, Any]]:
        """The chunk before any content, where this server sends one."""
        if self.first_delta is not None:
            yield self.chunk(self.first_delta)

    def call_chunks(self, calls: Sequence[Call]) -> Iterator[list[dict[str, Any]]]:
        """Per call, its chunks in order."""
        for number, call in enumerate(calls):
            head: dict[str, Any] = {"id": self.call_id(number, call), "type": "function"}
            text = call.raw_arguments
            if not self.argument_piece:
                function = {"name": call.name, "arguments": text}
                yield [self._call_delta(number, {**head, "function": function})]
                continue
            first = {**head, "function": {"name": call.name, "arguments": ""}}
            chunks = [self._call_delta(number, first)]
            for at in range(0, len(text), self.argument_piece):
                piece = text[at : at + self.argument_piece]
                chunks.append(self._call_delta(number, {"function": {"arguments": piece}}))
            yield chunks

    def call_id(self, number: int, call: Call) -> str:
        """The call's own id, else one in this server's style."""
        return call.id if call.id is not None else f"{self.call_id_prefix}{number + 1:08x}"

    def whole(
        self,
        text: str | None,
        calls: Sequence[Call] = (),
        *,
        reasoning: str = "",
        finish: str | None = None,
        usage: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A whole chat.completion."""
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if reasoning:
            message[self.reasoning_field] = reasoning
        if calls:
            message["tool_calls"] = [
                {
                    "id": self.call_id(number, call),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.raw_arguments},
                }
                for number, call in enumerate(calls)
            ]
        finish = finish or ("tool_calls" if calls else "stop")
        choice = {"index": 0, "message": message, **self.choice_extra, "finish_reason": finish}
        body = {**self._frame("chat.completion"), "choices": [choice]}
        if usage is not None:
            body["usage"] = dict(usage)
        return body

    def _call_delta(self, number: int, call: dict[str, Any]) -> dict[str, Any]:
        if self.call_index == "count":
            call = {"index": number, **call}
        elif self.call_index == "zero":
            call = {"index": 0, **call}
        return self.chunk({**self.every_delta, "tool_calls": [call]})

    def _frame(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.completion_id,
            "object": kind,
            "created": CREATED,
            "model": self.model,
            **self.extra,
        }


openai_like = Flavour(
    completion_id="chatcmpl-CdR7mYx0kQ2bVn5TzWq8uJ4hLs9eA",
    model="gpt-4o-mini-2024-07-18",
    extra={"service_tier": "default", "system_fingerprint": "fp_560af6e559"},
    choice_extra={"logprobs": None},
    first_delta={"role": "assistant", "content": "", "refusal": None},
    every_delta={},
    reasoning_field="reasoning_content",
    call_id_prefix="call_8fT2kLmQ",
    call_index="count",
    argument_piece=6,
)
ollama_like = Flavour(
    completion_id="chatcmpl-417",
    model="llama3.1:8b",
    extra={"system_fingerprint": "fp_ollama"},
    choice_extra={},
    first_delta=None,
    every_delta={"role": "assistant", "content": ""},
    reasoning_field="reasoning",
    call_id_prefix="call_q7w1",
    call_index=None,
    argument_piece=0,
)
vllm_like = replace(
    openai_like,
    completion_id="chatcmpl-5d2f0c1be1d94d30a6e1bd1f2b7f6c11",
    model="Qwen/Qwen3-8B",
    extra={},
    first_delta={"role": "assistant", "content": ""},
    call_id_prefix="chatcmpl-tool-0f6a41c2d3e94b7c8a5e6d7f",
    argument_piece=9,
)
