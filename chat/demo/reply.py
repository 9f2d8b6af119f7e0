"""What the demo model is about to say, before it is streamed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class DemoCall:
    """A tool call the demo model makes."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def raw_arguments(self) -> str:
        """The arguments as the text that is streamed."""
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """Text, tool calls, or both, with reasoning where the prompt asked for thinking."""

    text: str = ""
    calls: tuple[DemoCall, ...] = ()
    reasoning: str = ""
