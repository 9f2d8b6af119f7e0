"""A case's tools: the registry's, answering from what was recorded instead of running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User

from chat.bench.cases import Case, Recorded
from chat.bench.values import holds, is_same, unmet
from tools.base import Tool, ToolError, Toolset
from tools.output import as_text
from tools.registry import choose_toolset

SHOWN = 300


class Recording:
    """The recorded results of one trial; a result recorded twice for a call is given in turn."""

    def __init__(self, recorded: list[Recorded]) -> None:
        self._recorded = recorded
        self._used: set[int] = set()
        self._turn = asyncio.Lock()

    def toolset(self, offered: Toolset) -> Toolset:
        """The same tools, described alike, answering from here."""
        return Toolset(
            replace(tool, function=self._answering(tool), is_async=True) for tool in offered
        )

    def answer(self, tool: str, arguments: dict[str, Any]) -> Any:
        """What was recorded for a call. Raises ToolError where that is an error, or nothing is."""
        fitting = [
            at
            for at, one in enumerate(self._recorded)
            if one.tool == tool and _is_for(one, arguments)
        ]
        if not fitting:
            shown = as_text(arguments)[:SHOWN]
            raise ToolError(f"There is no recorded result for {tool} with {shown}.")
        at = next((at for at in fitting if at not in self._used), fitting[-1])
        self._used.add(at)
        found = self._recorded[at]
        if found.error is not None:
            raise ToolError(found.error)
        return as_text(found.result)

    def _answering(self, tool: Tool) -> Callable[..., Awaitable[Any]]:
        async def answer(**arguments: Any) -> Any:
            # In turn, so that calls side by side get the results in their order; and not on the
            # event loop, for a predicate's pattern may take long.
            async with self._turn:
                return await asyncio.to_thread(self.answer, tool.name, arguments)

        return answer


def case_toolset(user: User, case: Case, recording: Recording, *, live: bool) -> Toolset | None:
    """What a case offers its user; None in mode chat. Raises UnknownTools."""
    if case.mode == "chat":
        return None
    offered = choose_toolset(user, case.tools)
    runs_real_tools = live if case.live is None else case.live
    return offered if runs_real_tools else recording.toolset(offered)


def _is_for(recorded: Recorded, arguments: dict[str, Any]) -> bool:
    agrees = is_same if recorded.match == "exact" else holds
    if recorded.arguments is not None and not agrees(recorded.arguments, arguments):
        return False
    return all(
        unmet(path, predicate, arguments) is None for path, predicate in recorded.where.items()
    )
