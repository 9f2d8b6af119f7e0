"""A reply in the words of the Chat Completions API: streamed chunks with their pace, or whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from chat.demo.misbehaviour import Behaviour, endless_lines
from chat.demo.reply import Reply

_ARGUMENT_PIECE = 6
_PIECE = re.compile(r"\s*\S{1,12}\s*|\s+")


@dataclass(frozen=True, slots=True)
class Frame:
    """What is common to the chunks of one completion."""

    completion_id: str
    model: str
    created: int
    prompt_tokens: int
    call_ids: Sequence[str]

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        """One chat.completion.chunk."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self.head("chat.completion.chunk"), "choices": [choice]}

    def head(self, kind: str) -> dict[str, Any]:
        """The fields that every object of the completion starts with."""
        return {
            "id": self.completion_id,
            "object": kind,
            "created": self.created,
            "model": self.model,
        }

    def usage(self, pieces: int) -> dict[str, int]:
        """Estimated tokens: a piece said counts as one."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": pieces,
            "total_tokens": self.prompt_tokens + pieces,
        }


@dataclass(frozen=True, slots=True)
class Timed:
    """Something to send after a pause."""

    seconds: float
    payload: dict[str, Any]


def pieces_of(text: str) -> list[str]:
    """The text in small pieces, about a word each; together they are the text."""
    return _PIECE.findall(text)


def streamed(
    reply: Reply,
    behaviour: Behaviour,
    frame: Frame,
    *,
    max_tokens: int | None = None,
    include_usage: bool = False,
) -> Iterator[Timed]:
    """The chunks of a reply, each with the pause before it; the last says how it ended.

    A behaviour that fails ends early: with an error object, or with nothing.
    """
    yield Timed(0.0, frame.chunk({"role": "assistant", "content": ""}))
    reply = behaviour.shape(reply)
    pause = 1 / behaviour.pieces_per_second
    finish = "tool_calls" if reply.calls else "stop"
    said = 0
    for delta, counts in _deltas(reply, behaviour, frame):
        if counts and max_tokens is not None and said >= max_tokens:
            finish = "length"
            break
        if behaviour.fails_after is not None and said >= behaviour.fails_after:
            yield Timed(pause, failure())
            return
        if behaviour.breaks_off_after is not None and said >= behaviour.breaks_off_after:
            return
        first = behaviour.first_token_seconds if said == 0 and counts else 0.0
        yield Timed((pause if counts else 0.0) + first, frame.chunk(delta))
        said += counts
    # A reply shorter than the piece it should fail at fails at its end.
    if behaviour.fails_after is not None and finish != "length":
        yield Timed(pause, failure())
        return
    if behaviour.breaks_off_after is not None and finish != "length":
        return
    yield Timed(0.0, frame.chunk({}, finish))
    if include_usage:
        head = frame.head("chat.completion.chunk")
        yield Timed(0.0, {**head, "choices": [], "usage": frame.usage(said)})


def whole(chunks: Iterable[dict[str, Any]], frame: Frame) -> dict[str, Any]:
    """The whole completion that the chunks add up to; `chunks` must end properly."""
    content, reasoning, finish, pieces = "", "", "stop", 0
    calls: list[dict[str, Any]] = []
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            content += delta.get("content") or ""
            reasoning += delta.get("reasoning_content") or ""
            finish = choice["finish_reason"] or finish
            for call in delta.get("tool_calls", ()):
                if call["function"]["arguments"] == "":
                    calls.append({**call, "function": dict(call["function"])})
                else:
                    calls[-1]["function"]["arguments"] += call["function"]["arguments"]
        if "usage" in chunk:
            pieces = chunk["usage"]["completion_tokens"]
    message: dict[str, Any] = {"role": "assistant", "content": content or None}
    if reasoning:
        message["reasoning_content"] = reasoning
    if calls:
        # Only in deltas does a call say where it belongs.
        message["tool_calls"] = [{k: v for k, v in c.items() if k != "index"} for c in calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {**frame.head("chat.completion"), "choices": [choice], "usage": frame.usage(pieces)}


def failure() -> dict[str, Any]:
    """The error object that the failing demo model sends in the middle of its answer."""
    message = "The demo model fails on purpose in the middle of its answer."
    return {"error": {"message": message, "type": "server_error", "param": None, "code": "demo"}}


def _deltas(
    reply: Reply, behaviour: Behaviour, frame: Frame
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Deltas in order, and whether each counts as a token."""
    for piece in pieces_of(reply.reasoning):
        yield {"reasoning_content": piece}, True
    text: Iterable[str] = pieces_of(reply.text)
    if behaviour.never_ends and not reply.calls:
        endless = (piece for line in endless_lines() for piece in pieces_of(line))
        text = chain(text, endless)
    for piece in text:
        yield {"content": piece}, True
    for number, call in enumerate(reply.calls):
        place = behaviour.place(number, frame.call_ids[number])
        named = {"name": call.tool}
        head = {**place, "id": frame.call_ids[number], "type": "function"}
        yield {"tool_calls": [{**head, "function": {**named, "arguments": ""}}]}, False
        raw = behaviour.written(call)
        for at in range(0, len(raw), _ARGUMENT_PIECE):
            fragment = {"arguments": raw[at : at + _ARGUMENT_PIECE]}
            if behaviour.repeats_names:
                fragment |= named
            yield {"tool_calls": [{**place, "function": fragment}]}, True
