"""Stages for tests: tools that work, fail and wait, requests, and a way to run an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

from chat.engine.completions import (
    Delta,
    FinishDelta,
    TextDelta,
    ToolCallDelta,
)
from chat.engine.events import Event, RequestSent
from chat.engine.fold import StageFold
from chat.engine.messages import ChatMessage
from chat.engine.stage import StageEngine, StageRequest
from tests.chat.engine.scripted_client import ScriptedClient
from tools.base import Tool, ToolError, Toolset

STAGE = UUID(int=1)
MESSAGE = UUID(int=2)

PROMPT = ChatMessage("user", "What is it?", ref={"message_id": "m1"})


class Tools:
    """Three tools; `slow` waits for ever, tells when it was begun, and when it was cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cancelled = False
        self.asked: list[str] = []

    async def echo(self, text: str) -> str:
        self.asked.append(text)
        return f"echo {text}"

    async def fail(self) -> str:
        raise ToolError("The oracle is silent.")

    async def slow(self) -> str:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "never"

    def toolset(self) -> Toolset:
        text = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
        none = {"type": "object", "properties": {}}
        return Toolset(
            [
                Tool("echo", "Say it again.", text, self.echo, True, system_prompt="Echo well."),
                Tool("fail", "Fail.", none, self.fail, True),
                Tool("slow", "Wait.", none, self.slow, True),
            ]
        )


def stage_request(**changes: Any) -> StageRequest:
    """A request; a toolchain with all tools unless changed."""
    values: dict[str, Any] = {
        "stage_id": STAGE,
        "message_id": MESSAGE,
        "mode": "toolchain",
        "synthesis": True,
        "stream": True,
        "history": (PROMPT,),
        "toolset": Tools().toolset() if "toolset" not in changes else None,
    }
    return StageRequest(**{**values, **changes})


async def collect(engine: StageEngine) -> tuple[list[Event], list[RequestSent]]:
    """Everything an engine yields, events and requests apart."""
    events: list[Event] = []
    sent: list[RequestSent] = []
    async with aclosing(engine.run()) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, RequestSent):
                sent.append(outcome)
            else:
                events.append(outcome)
    return events, sent


async def run_stage(
    request: StageRequest, *turns: Sequence[Sequence[Delta] | Exception]
) -> tuple[list[Event], list[RequestSent], ScriptedClient]:
    """Run a stage against scripted turns."""
    client = ScriptedClient(turns)
    events, sent = await collect(StageEngine(request, client))
    assert client.open == 0
    return events, sent, client


def folded(events: Sequence[Event]) -> StageFold:
    """The fold of these events."""
    fold = StageFold()
    for event in events:
        fold.apply(event)
    return fold


def says(*texts: str, finish: str = "stop") -> list[Sequence[Delta]]:
    """A turn of text, a batch per text."""
    return [*([TextDelta(text)] for text in texts), [FinishDelta(finish, finish)]]


def asks(*calls: tuple[str, str], text: str = "", finish: str = "tool_calls") -> list[list[Delta]]:
    """A turn that calls tools: (name, arguments) each."""
    batches: list[list[Delta]] = [[TextDelta(text)]] if text else []
    for index, (name, arguments) in enumerate(calls):
        half = len(arguments) // 2
        batches.append([ToolCallDelta(index, f"up{index}", name, arguments[:half])])
        batches.append([ToolCallDelta(index, None, None, arguments[half:])])
    return [*batches, [FinishDelta(finish, finish)]]
