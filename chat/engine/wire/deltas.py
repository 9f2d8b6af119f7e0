"""Data payloads of a chat completion to deltas: chunks of a stream, or one whole body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from chat.engine.completions import (
    Delta,
    FinishDelta,
    ReasoningDelta,
    RepairDelta,
    TextDelta,
    ToolCallDelta,
)
from chat.engine.wire.failures import failure_in, failure_words
from chat.engine.wire.finish import normalise_finish
from chat.engine.wire.text import TextMender, storable
from chat.engine.wire.usage import read_usage


class NotACompletion(ValueError):
    """A payload is no JSON object; carries the start of what came."""


class DeltaReader:
    """Reads payload after payload; only choice 0 counts.

    `failure` holds the upstream's words once it has reported an error: nothing is read after.
    """

    def __init__(self) -> None:
        self.done = False
        self.finished = False
        self.failure: str | None = None
        self.payloads = 0
        self._text = TextMender()
        self._reasoning = TextMender()
        self._arguments: dict[int | None, TextMender] = {}

    def read(self, data: bytes, event: str | None = None) -> list[Delta]:
        """The deltas of one payload; raises NotACompletion where it is no JSON object."""
        data = data.strip()
        if not data or self.done or self.failure is not None:
            return []
        if data == b"[DONE]":
            self.done = True
            return []
        payload = _parse(data)
        if event == "error":
            self.failure = failure_words(failure_in(payload) or payload)
            return []
        if not isinstance(payload, dict):
            raise NotACompletion(data[:200].decode("utf-8", "replace"))
        self.payloads += 1
        text = _only_text(payload)
        if text is None:
            return list(self._read_payload(payload))
        deltas: list[Delta] = [TextDelta(text)] if (text := self._text.feed(text)) else []
        deltas += self._text.take_repairs()
        return deltas

    def finish(self) -> list[Delta]:
        """What was held back for another half that never came."""
        deltas: list[Delta] = []
        if rest := self._reasoning.finish():
            deltas.append(ReasoningDelta(rest))
        if rest := self._text.finish():
            deltas.append(TextDelta(rest))
        for index, mender in self._arguments.items():
            if rest := mender.finish():
                deltas.append(ToolCallDelta(index, None, None, rest))
        return [*deltas, *self._take_repairs()]

    def _read_payload(self, payload: dict[str, Any]) -> Iterator[Delta]:
        choice = _first_choice(payload.get("choices"))
        if choice is not None:
            # Perplexity sends the growing answer in `message` beside `delta`.
            message = choice.get("delta")
            if not isinstance(message, dict):
                message = choice.get("message")
            if isinstance(message, dict):
                yield from self._read_message(message)
                yield from self._take_repairs()
            original = choice.get("finish_reason")
            if isinstance(original, str) and original:
                self.finished = True
                original = storable(original)
                yield FinishDelta(normalise_finish(original), original)
        usage = read_usage(payload)
        if usage is not None:
            yield usage
        failure = failure_in(payload)
        if failure is None and choice is not None:
            failure = choice.get("error")
        if failure:
            self.failure = failure_words(failure)

    def _read_message(self, message: dict[str, Any]) -> Iterator[Delta]:
        if thought := self._reasoning.feed(_reasoning_of(message)):
            yield ReasoningDelta(thought)
        content = message.get("content")
        if isinstance(content, str):
            if content and (text := self._text.feed(content)):
                yield TextDelta(text)
        elif isinstance(content, list):
            for part in content:
                yield from self._read_part(part)
        elif isinstance(content, dict):
            # Cloudflare answers a JSON-mode request with the object itself.
            yield TextDelta(self._text.feed(json.dumps(content, ensure_ascii=False)))
            yield RepairDelta("content_object", "The content came as an object, not as text.")
        refusal = message.get("refusal")
        if isinstance(refusal, str) and refusal and (text := self._text.feed(refusal)):
            yield TextDelta(text)
        yield from self._read_calls(message)

    def _read_part(self, part: Any) -> Iterator[Delta]:
        if isinstance(part, str):
            part = {"text": part}
        if not isinstance(part, dict):
            return
        thinking = part.get("thinking")
        if thinking is not None:
            if thought := self._reasoning.feed(_joined_text(thinking)):
                yield ReasoningDelta(thought)
            return
        for field in ("text", "refusal"):
            value = part.get(field)
            if isinstance(value, str) and value and (text := self._text.feed(value)):
                yield TextDelta(text)

    def _read_calls(self, message: dict[str, Any]) -> Iterator[Delta]:
        calls = message.get("tool_calls")
        if isinstance(calls, dict):
            calls = [calls]
        if isinstance(calls, list) and calls:
            for call in calls:
                if isinstance(call, dict):
                    yield self._read_call(call, _as_index(call.get("index")))
            return
        legacy = message.get("function_call")
        # Some servers fill the old field with empty texts.
        if isinstance(legacy, dict) and (legacy.get("name") or legacy.get("arguments")):
            yield self._read_call({"function": legacy}, 0)

    def _read_call(self, call: dict[str, Any], index: int | None) -> ToolCallDelta:
        function = call.get("function")
        if not isinstance(function, dict):
            function = call
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(arguments, str):
            mender = self._arguments.get(index)
            if mender is None:
                mender = self._arguments[index] = TextMender()
            arguments = mender.feed(arguments)
        elif arguments is not None and not isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        call_id = call.get("id")
        if isinstance(call_id, int):
            call_id = str(call_id)
        return ToolCallDelta(
            index=index,
            id=storable(call_id) if isinstance(call_id, str) and call_id else None,
            name=storable(name) if isinstance(name, str) and name else None,
            arguments=arguments,
        )

    def _take_repairs(self) -> list[RepairDelta]:
        menders = (self._text, self._reasoning, *self._arguments.values())
        return [repair for mender in menders for repair in mender.take_repairs()]


def _parse(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    # orjson refuses lone surrogates, NaN and raw control characters; servers send all three.
    try:
        return json.loads(data.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        raise NotACompletion(data[:200].decode("utf-8", "replace")) from None


def _only_text(payload: dict[str, Any]) -> str | None:
    """The text of a chunk that holds nothing else, as nearly all do; None for any other chunk."""
    choices = payload.get("choices")
    if (
        type(choices) is not list
        or len(choices) != 1
        or payload.get("error")
        or payload.get("usage")
        or "x_groq" in payload
    ):
        return None
    choice = choices[0]
    if (
        type(choice) is not dict
        or choice.get("index")
        or choice.get("finish_reason")
        or choice.get("error")
    ):
        return None
    delta = choice.get("delta")
    if type(delta) is not dict or len(delta) != 1 + ("role" in delta):
        return None
    text = delta.get("content")
    return text if type(text) is str and text else None


def _first_choice(choices: Any) -> dict[str, Any] | None:
    if not isinstance(choices, list):
        return None
    for choice in choices:
        if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
            return choice
    return None


def _reasoning_of(message: dict[str, Any]) -> str:
    """The first reasoning field that holds text; servers that fill both repeat themselves."""
    for field in ("reasoning_content", "reasoning"):
        if thought := _joined_text(message.get(field)):
            return thought
    return ""


def _joined_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_joined_text, value))
    if isinstance(value, dict):
        return next(
            (value[f] for f in ("text", "content", "summary") if isinstance(value.get(f), str)), ""
        )
    return ""


def _as_index(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return None
