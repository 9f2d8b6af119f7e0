"""What a stage gave: a text, the results of tool calls, or a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Terminal = Literal["done", "cancel", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOutput:
    """A whole answer of type `text`, or of type `error`, whose message is the text then."""

    text: str
    is_error: bool = False
    error_code: str = ""
    type: Literal["text"] = "text"

    @property
    def failure(self) -> str:
        """Why the stage did not do what was asked, in words; empty where it did."""
        return self.text or self.error_code or "error" if self.is_error else ""

    def shown(self) -> str:
        """What a judge or a person reads."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallOutput:
    """A whole answer of type `tool_results`: by call id, what the tool gave, as text."""

    tool_results: Mapping[str, str]
    type: Literal["tool_results"] = "tool_results"

    @property
    def failure(self) -> str:
        """A result is no failure, even where a tool's own words tell of one."""
        return ""

    def shown(self) -> str:
        """What a judge or a person reads."""
        return "\n".join(f"{call_id}: {text}" for call_id, text in self.tool_results.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One server-sent event: its name, its id, its data as text."""

    event: str
    id: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedCall:
    """A tool call put together from a stream; rounds count from 1."""

    round: int
    index: int
    call_id: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOutput:
    """A stream, collected.

    `text` is all that the model said; `answer` what it said after the last tool results, or all
    where there were none. `terminal` is None where the stream broke off.
    """

    frames: tuple[Frame, ...]
    text: str
    answer: str
    calls: tuple[StreamedCall, ...]
    summary: Mapping[str, str]
    terminal: Terminal | None
    error_code: str = ""
    error_message: str = ""
    finish_reason: str = ""
    usage: Mapping[str, int] | None = None
    type: Literal["stream"] = "stream"

    @property
    def failure(self) -> str:
        """Why the stage did not do what was asked, in words; empty where it did."""
        if self.terminal == "error":
            return self.error_message or self.error_code or "error"
        return "The endpoint cancelled the stage." if self.terminal == "cancel" else ""

    def shown(self) -> str:
        """What a judge or a person reads: calls, results, and what was said."""
        lines = [f"{call.tool}({call.arguments})" for call in self.calls]
        lines += [f"{call_id}: {text}" for call_id, text in self.summary.items()]
        return "\n".join([*lines, self.answer or self.text]).strip()


Output = TextOutput | ToolCallOutput | StreamOutput


def output_as_json(output: Output | None) -> dict[str, Any] | None:
    """An output as plain values."""
    return None if output is None else asdict(output)
