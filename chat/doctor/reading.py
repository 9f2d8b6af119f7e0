"""One answer, read as a stage reads it, with what a stage has no use for noted besides."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from chat.engine.completions import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from chat.engine.errors import UpstreamError
from chat.engine.events import (
    ChatCompletionChunk,
    Event,
    RepairEvent,
    ToolCallEvent,
    UsageEvent,
)
from chat.engine.tool_calls.calls import CallIds
from chat.engine.tool_calls.reader import TextReader
from chat.engine.tool_round import call_event, check_calls
from chat.engine.turn import Turn
from tools.base import Toolset

RAW_KEPT = 256 * 1024

_REASONING_FIELD = re.compile(rb'"(reasoning_content|reasoning|thinking|thoughts?)"\s*:\s*["\[{]')
_OPENING_TAG = re.compile(
    r"<(think|thinking|thought|reasoning|reason|seed:think)>|\[THINK\]|<\|channel\|>analysis", re.I
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What one question brought."""

    text: str
    reasoning: str
    calls: tuple[ToolCallEvent, ...]
    repairs: tuple[str, ...]
    usage: UsageEvent | None
    finish_reason: str | None
    reasoning_place: str
    pieces: int
    reads: int
    longest_line: int
    first_token_ms: int | None
    milliseconds: int
    error: UpstreamError | None

    def checked(self) -> Reply:
        """The reply, where the question was answered; raises the error otherwise."""
        if self.error is not None:
            raise self.error
        return self

    @property
    def status(self) -> str:
        """The HTTP status of a refusal, as text; empty where none is known."""
        detail = self.error.detail if self.error is not None else None
        return detail.removeprefix("HTTP ") if detail and detail.startswith("HTTP ") else ""


class Reading:
    """An answer while it comes: raw bytes to `see`, deltas to `feed`."""

    def __init__(self, tools: Toolset) -> None:
        self.raw = bytearray()
        self.pieces = 0
        self.field_pieces = 0
        self._reads = 0
        self._first_token: float | None = None
        self._given: list[str] = []
        self._events: list[Event] = []
        self._ended = False
        self._tools = tools
        # Read with every dialect, and as if the template opened nothing: what is found is told.
        self._turn = Turn(
            "tools" if len(tools) else "chat",
            1,
            stream=True,
            ids=CallIds(),
            reader=TextReader(
                tools.schemas(),
                dialect="auto",
                keep_calls=not len(tools),
            ),
        )

    @property
    def given(self) -> str:
        """The text so far, as it came."""
        return "".join(self._given)

    def see(self, data: bytes) -> None:
        """Bytes as they came."""
        if len(self.raw) < RAW_KEPT:
            self.raw += data[: RAW_KEPT - len(self.raw)]

    def feed(self, batch: Sequence[Delta]) -> None:
        """The deltas of one network read."""
        pieces = [delta for delta in batch if _says_something(delta)]
        if pieces:
            self._reads += 1
            self.pieces += len(pieces)
            self._first_token = self._first_token or time.monotonic()
        self.field_pieces += sum(isinstance(delta, ReasoningDelta) for delta in pieces)
        self._given += [delta.text for delta in pieces if isinstance(delta, TextDelta)]
        self._events += self._turn.feed(batch)

    def finish(self) -> None:
        """The answer came to its end."""
        self._ended = True
        self._events += self._turn.finish()

    def reply(self, started: float, error: UpstreamError | None) -> Reply:
        """What it was, ended, left or failed."""
        if not self._ended:
            self._events += self._turn.break_off()
        said = [event for event in self._events if isinstance(event, ChatCompletionChunk)]
        usages = [event for event in self._events if isinstance(event, UsageEvent)]
        repairs = [event.code for event in self._events if isinstance(event, RepairEvent)]
        calls = self._checked_calls()
        repairs += [code for call in calls for code in call.repairs]
        reasoning = "".join(event.reasoning or "" for event in said)
        first = self._first_token
        return Reply(
            text="".join(event.content or "" for event in said),
            reasoning=reasoning,
            calls=calls,
            repairs=tuple(dict.fromkeys(repairs)),
            usage=usages[-1] if usages else None,
            finish_reason=self._turn.finish_reason,
            reasoning_place=self._reasoning_place(reasoning, repairs),
            pieces=self.pieces,
            reads=self._reads,
            longest_line=max(map(len, bytes(self.raw).split(b"\n"))),
            first_token_ms=None if first is None else round((first - started) * 1000),
            milliseconds=round((time.monotonic() - started) * 1000),
            error=error,
        )

    def _checked_calls(self) -> tuple[ToolCallEvent, ...]:
        calls = self._turn.calls
        checked_calls = check_calls(self._tools, calls, self._turn.finish_reason)
        pairs = zip(calls, checked_calls, strict=True)
        return tuple(call_event(1, call, checked) for call, checked in pairs)

    def _reasoning_place(self, reasoning: str, repairs: Sequence[str]) -> str:
        """Where the reasoning stood: a field's name, `tags`, `unopened`, or empty for none."""
        if self.field_pieces:
            found = _REASONING_FIELD.search(self.raw)
            return found[1].decode() if found else "parts"
        if "thought_unopened" in repairs:
            return "unopened"
        if reasoning or _OPENING_TAG.search(self.given):
            return "tags"
        return ""


def _says_something(delta: Delta) -> bool:
    return isinstance(delta, TextDelta | ReasoningDelta | ToolCallDelta)
