"""Rows as stages leave them, for tests that need no stage to run."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import Conversation, Message, ModelRoute, Stage, ToolRun


def a_stage(
    user: User,
    route: ModelRoute,
    prompt: str = "Go.",
    answer: str = "Done.",
    *,
    conversation: Conversation | None = None,
    parent: Message | None = None,
    source: str = "bench",
    **more: Any,
) -> Stage:
    """A stage that has ended, with its prompt and answer."""
    conversation = conversation or Conversation.objects.create(
        owner=user, source=source, title=prompt
    )
    asked = Message.objects.create(
        conversation=conversation, role="user", content=prompt, parent=parent
    )
    fields = {"mode": "toolchain", "synthesis": True, "tools": ["get_weather"], **more}
    stage = Stage.objects.create(
        conversation=conversation,
        owner=user,
        request_id=uuid.uuid4(),
        request_digest="0",
        status="done",
        route=route,
        model="m",
        prompt_message=asked,
        ended_at=timezone.now(),
        **fields,
    )
    Message.objects.create(
        conversation=conversation, role="assistant", content=answer, parent=asked, stage=stage
    )
    return stage


def a_run(stage: Stage, tool: str, arguments: dict[str, Any], **more: Any) -> ToolRun:
    """A tool's call in a stage."""
    fields = {"round": 1, "status": "ok", "result": "21", "valid": True, **more}
    return ToolRun.objects.create(
        stage=stage,
        call_id=uuid.uuid4().hex,
        tool=tool,
        origin="native",
        arguments=arguments,
        **fields,
    )
