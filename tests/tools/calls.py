"""Making small tools out of functions, and calling them as a stage does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from tools.base import CheckedCall, Tool, ToolCall, ToolResult, Toolset
from tools.calling import check_call, run_calls

LIMIT = 10.0
"""Seconds within which what a test waits for must happen."""


def make(function: Callable[..., Any], **options: Any) -> Tool:
    schema = {"type": "object", "properties": options.pop("properties", {})}
    is_async = asyncio.iscoroutinefunction(function)
    return Tool(function.__name__, "A tool.", schema, function, is_async, **options)


def calls(toolset: Toolset, *names: str) -> list[CheckedCall]:
    return [
        check_call(toolset, ToolCall(f"c{number}", name, ""))
        for number, name in enumerate(names, 1)
    ]


async def results(toolset: Toolset, *names: str) -> list[ToolResult]:
    async with asyncio.timeout(LIMIT), aclosing(run_calls(toolset, calls(toolset, *names))) as run:
        return [result async for result in run]


async def only(tool: Tool) -> ToolResult:
    [result] = await results(Toolset([tool]), tool.name)
    return result
