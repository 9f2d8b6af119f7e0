"""What a start through another door than the page may bring along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from chat.engine.caller_tools import caller_toolset
from chat.engine.messages import ChatMessage
from tools.base import Toolset

ToolMode = Literal["native", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartExtras:
    """What the command of a socket has no words for."""

    stage_id: UUID | None = None
    """The caller's own id; taken as the stage's where it is free."""
    messages: tuple[ChatMessage, ...] | None = None
    """The caller's own history, the prompt last, in place of the command's prompt; it is stored as
    the new conversation's messages."""
    caller_tools: tuple[dict[str, Any], ...] = ()
    """Tools that the caller runs itself, as in a Chat Completions request: calls are handed over,
    never run."""
    tool_choice: str | dict[str, Any] | None = None
    """None: auto."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the upstream's request body; the route's own win."""
    toolset: Toolset | None = None
    """In place of the registry's tools."""
    tool_mode: ToolMode = "native"
    """text: the tools are described in the prompt and calls are read from the text."""
    title: str = ""
    """Of the new conversation; else its first words."""

    @property
    def hands_over(self) -> bool:
        """Whether the caller runs the calls."""
        return bool(self.caller_tools)

    def own_toolset(self) -> Toolset | None:
        """The tools to offer in place of the registry's; raises ValueError for two of one name."""
        return caller_toolset(self.caller_tools) if self.caller_tools else self.toolset

    def as_record(self) -> dict[str, Any]:
        """What tells one request from another, as JSON values."""
        return {
            "stage_id": None if self.stage_id is None else str(self.stage_id),
            "messages": None
            if self.messages is None
            else [message.as_request() for message in self.messages],
            "caller_tools": list(self.caller_tools),
            "tool_choice": self.tool_choice,
            "parameters": dict(self.parameters),
            "tools": None if self.toolset is None else self.toolset.specs(),
            "tool_mode": self.tool_mode,
        }


NO_EXTRAS = StartExtras()
