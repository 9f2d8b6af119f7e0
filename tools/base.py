"""The vocabulary of tools: what a tool is, how it is called, and what comes of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

ToolStatus = Literal["ok", "error", "invalid", "timeout", "denied", "cancelled", "lost"]

TIME_LIMIT = 10.0
OUTPUT_CAP = 16_384


class ToolError(Exception):
    """A tool's own clear words about why it has no result; the model reads them as they are."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a model may call: a function with the words and limits that go with it."""

    name: str
    description: str
    input_schema: dict[str, Any]
    function: Callable[..., Any]
    is_async: bool
    system_prompt: str = ""
    time_limit: float = TIME_LIMIT
    """Seconds."""
    output_cap: int = OUTPUT_CAP
    """Characters of the result that the model reads."""
    read_only_hint: bool = True
    title: str = ""

    def spec(self) -> dict[str, Any]:
        """The tool as an entry of `tools` in a Chat Completions request."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": self.input_schema,
            },
        }


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model asked for, with its argument text as it came."""

    call_id: str
    tool: str
    raw_arguments: str


@dataclass(frozen=True, slots=True)
class CheckedCall:
    """A tool call after validation: its arguments, or sentences on what is wrong with them."""

    call: ToolCall
    arguments: dict[str, Any] | None
    valid: bool
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a tool call."""

    call_id: str
    tool: str
    status: ToolStatus
    content: str
    """What the model reads; at most the tool's output cap, head and tail kept."""
    whole: str | None
    """The whole output, where the cap cut it."""
    error: str | None
    duration_ms: int


class Toolset:
    """The tools offered in one request, in order, by name."""

    __slots__ = ("_tools",)

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ValueError(f"A toolset cannot hold two tools named “{tool.name}”.")
            self._tools[tool.name] = tool

    def specs(self) -> list[dict[str, Any]]:
        """The tools as `tools` of a Chat Completions request."""
        return [tool.spec() for tool in self]

    def schemas(self) -> dict[str, dict[str, Any]]:
        """The tools' parameter schemas by name."""
        return {tool.name: tool.input_schema for tool in self}

    def system_prompt(self) -> str:
        """The tools' own prompts, joined by blank lines; empty when no tool has one."""
        return "\n\n".join(tool.system_prompt for tool in self if tool.system_prompt)

    def get(self, name: str) -> Tool | None:
        """The tool of this name, if it is offered."""
        return self._tools.get(name)

    def names(self) -> list[str]:
        """The tools' names, in order."""
        return list(self._tools)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __repr__(self) -> str:
        return f"Toolset({', '.join(self._tools)})"
