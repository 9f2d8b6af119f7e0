"""Tools that the caller runs itself: offered to the model as they came, never run here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tools.base import Tool, Toolset


@dataclass(frozen=True, slots=True)
class CallerTool(Tool):
    """A tool of the caller; `given` is its entry of `tools` word for word."""

    given: dict[str, Any] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """The tool as it was given, `strict` and the like included."""
        return self.given


def caller_toolset(specs: Iterable[dict[str, Any]]) -> Toolset:
    """The tools of a Chat Completions request; raises ValueError where two have one name."""
    return Toolset(_tool(spec) for spec in specs)


def _tool(spec: dict[str, Any]) -> CallerTool:
    function = spec["function"]
    return CallerTool(
        name=function["name"],
        description=function.get("description") or "",
        # A function without parameters takes none (OpenAI API reference, FunctionDefinition).
        input_schema=function.get("parameters") or {"type": "object", "properties": {}},
        function=_run_by_the_caller,
        is_async=False,
        given=spec,
    )


def _run_by_the_caller(**_: Any) -> Any:
    raise NotImplementedError("The caller runs this tool.")
