"""Stored conversations of every kind, made as rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import Conversation, Message, ModelRoute, Stage, StageEvent, StageRepair, ToolRun


class Talk:
    """A conversation that grows turn by turn."""

    def __init__(self, owner: User, route: ModelRoute, **fields: Any) -> None:
        self.conversation = Conversation.objects.create(owner=owner, title="Rain", **fields)
        self.route = route
        self.clock = timezone.now() - timedelta(hours=1)
        self.last: Message | None = None

    def tick(self) -> Any:
        self.clock += timedelta(seconds=1)
        return self.clock

    def prompt(self, text: str) -> Message:
        return Message.objects.create(
            conversation=self.conversation,
            parent=self.last,
            role="user",
            content=text,
            created_at=self.tick(),
        )

    def stage(self, prompt: Message, status: str = "done", **fields: Any) -> Stage:
        values: dict[str, Any] = {
            "mode": "chat",
            "usage": [{"round": 1, "phase": "chat", "input_tokens": 312, "output_tokens": 268}],
            "timings": {"queued_ms": 1, "first_token_ms": 310, "total_ms": 4020},
        }
        ended = None if status in ("queued", "running", "waiting") else self.tick()
        return Stage.objects.create(
            conversation=self.conversation,
            owner=self.conversation.owner,
            request_id=uuid4(),
            status=status,
            route=self.route,
            model=self.route.upstream_model,
            prompt_message=prompt,
            created_at=prompt.created_at if ended is None else self.clock,
            ended_at=ended,
            **(values | fields),
        )

    def answer(self, stage: Stage, text: str, turns: list[dict[str, Any]] | None = None) -> Message:
        self.last = Message.objects.create(
            id=stage.message_id_reserved,
            conversation=self.conversation,
            parent=stage.prompt_message,
            role="assistant",
            content=text,
            turns=turns or [{"round": 1, "phase": "chat", "content": text, "calls": []}],
            stage=stage,
            created_at=self.tick(),
        )
        return self.last

    def turn(self, prompt: str, text: str) -> Stage:
        stage = self.stage(self.prompt(prompt))
        self.answer(stage, text)
        return stage

    def toolchain(self, prompt: str, text: str) -> Stage:
        stage = self.stage(self.prompt(prompt), mode="toolchain", synthesis=True)
        turns = [
            {
                "round": 1,
                "phase": "tools",
                "content": "Let me look.",
                "reasoning": "Hm.",
                "calls": [],
            },
            {"round": 1, "phase": "synthesis", "content": text, "calls": []},
        ]
        self.answer(stage, text, turns)
        for number in (1, 2):
            ToolRun.objects.create(
                stage=stage,
                call_id=f"call_{number}",
                round=1,
                tool="current_time",
                origin="native",
                raw_arguments='{"time_zone":"Europe/Paris"}',
                arguments={"time_zone": "Europe/Paris"},
                valid=True,
                status="ok",
                result='{"time":"12:00"}',
                duration_ms=412,
            )
        return stage

    def repair(self, stage: Stage, code: str, raw: str = "", **fields: Any) -> None:
        StageRepair.objects.create(
            stage=stage, code=code, detail=f"What {code} is.", raw=raw, **fields
        )

    def end_event(self, stage: Stage, event: str, data: dict[str, Any]) -> None:
        StageEvent.objects.create(
            stage=stage, sequence_number=9, ts=timezone.now(), event=event, data=json.dumps(data)
        )


@pytest.fixture
def make_talk(owner: User, route: ModelRoute) -> Callable[..., Talk]:
    """A new conversation, of `owner` unless told otherwise."""

    def make(of: User = owner, **fields: Any) -> Talk:
        return Talk(of, route, **fields)

    return make


@pytest.fixture
def talk(make_talk: Callable[..., Talk]) -> Talk:
    """A conversation of `owner` with one chat turn and one tool chain."""
    talk = make_talk()
    talk.turn("How much rain?", "One *litre*.")
    talk.toolchain("What time is it?", "It is noon.")
    return talk
