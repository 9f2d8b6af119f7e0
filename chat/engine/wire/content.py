"""What a message or a delta says: content, reasoning, refusals, in every shape there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from chat.engine.completions import (
    Delta,
    ObjectDelta,
    ReasoningDelta,
    ReasoningDetailsDelta,
    RefusalDelta,
    TextDelta,
)
from chat.engine.repairs import RepairLog
from chat.engine.wire.text import TextMender, storable, storable_json

_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
_THOUGHT_KINDS = ("thinking", "reasoning", "reasoning_text", "reasoning.text")
_TEXT_FIELDS = ("text", "content", "summary")


class ContentReader:
    """Reads the words of one answer, each channel with a mender of its own."""

    def __init__(self, log: RepairLog) -> None:
        self.text = TextMender(log)
        self._log = log
        self._refusal = TextMender(log)
        self._reasoning = TextMender(log)
        self._has_reasoning = False
        self._from_details = False

    def read(self, message: dict[str, Any]) -> Iterator[Delta]:
        """The words of one message, reasoning first."""
        yield from self._read_reasoning(message)
        content = message.get("content")
        if isinstance(content, str):
            if content and (text := self.text.feed(content)):
                yield TextDelta(text)
        elif isinstance(content, list):
            if content:
                self._log.note("content_parts")
            for part in content:
                yield from self._read_part(part)
        elif isinstance(content, dict):
            yield from self._read_object(content)
        elif content is not None:
            self._log.note("content_object")
            yield TextDelta(self.text.feed(json.dumps(content)))
        refusal = message.get("refusal")
        if isinstance(refusal, str) and refusal and (text := self._refusal.feed(refusal)):
            yield RefusalDelta(text)

    def finish(self) -> Iterator[Delta]:
        """What was held back for another half that never came."""
        if rest := self._reasoning.finish():
            kind = ReasoningDetailsDelta if self._from_details else ReasoningDelta
            yield kind(rest)
        if rest := self.text.finish():
            yield TextDelta(rest)
        if rest := self._refusal.finish():
            yield RefusalDelta(rest)

    def _read_reasoning(self, message: dict[str, Any]) -> Iterator[Delta]:
        """The first field that holds text: servers that fill several repeat themselves."""
        found = ""
        for field in _REASONING_FIELDS:
            if field in message and (words := joined_text(message[field])):
                if found:
                    self._log.note("reasoning_repeated")
                    break
                found = words
        if found:
            self._has_reasoning, self._from_details = True, False
            if thought := self._reasoning.feed(found):
                yield ReasoningDelta(thought)
        elif not self._has_reasoning and (details := joined_text(message.get("reasoning_details"))):
            self._log.note("reasoning_details")
            self._from_details = True
            if thought := self._reasoning.feed(details):
                yield ReasoningDetailsDelta(thought)

    def _read_object(self, content: dict[str, Any]) -> Iterator[Delta]:
        if content.get("type") in ("text", "output_text") and isinstance(content.get("text"), str):
            self._log.note("content_parts")
            yield from self._read_part(content)
            return
        # Cloudflare answers a JSON-mode request with the object itself.
        self._log.note("content_object")
        text = self.text.feed(json.dumps(content, ensure_ascii=False))
        yield ObjectDelta(text, storable_json(content))

    def _read_part(self, part: Any) -> Iterator[Delta]:
        if isinstance(part, str):
            part = {"text": part}
        if not isinstance(part, dict):
            return
        kind = part.get("type")
        thought = joined_text(part.get("thinking")) or joined_text(part.get("reasoning"))
        if not thought and kind in _THOUGHT_KINDS:
            thought = joined_text(part)
        if thought or kind in _THOUGHT_KINDS:
            self._has_reasoning = self._has_reasoning or bool(thought)
            if thought := self._reasoning.feed(thought):
                yield ReasoningDelta(thought)
            return
        text, refusal = joined_text(part.get("text")), part.get("refusal")
        if text:
            if text := self.text.feed(text):
                yield TextDelta(text)
        elif isinstance(refusal, str) and refusal:
            if refusal := self._refusal.feed(refusal):
                yield RefusalDelta(refusal)
        elif kind not in (None, "text", "output_text", "refusal"):
            self._log.note("content_part_unknown", kind=storable(str(kind)[:40]))


def joined_text(value: Any, depth: int = 0) -> str:
    """The text of a string, of a part, or of a list of them."""
    if isinstance(value, str):
        return value
    if depth > 4:
        return ""
    if isinstance(value, list):
        return "".join(joined_text(item, depth + 1) for item in value)
    if isinstance(value, dict):
        for field in (*_TEXT_FIELDS, "value"):
            if text := joined_text(value.get(field), depth + 1):
                return text
    return ""
