"""Several reapers at once on a real SQLite file: every lost stage ends exactly once."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from chat.engine.events import ChatCompletionChunk, StageStarted, ToolCallEvent
from chat.engine.fold import StageFold
from chat.leases import end_lost_stages
from chat.models import Conversation, Message, ModelRoute, Stage, StageEvent, ToolRun
from chat.pending import Pending
from chat.projection import StageKey, insert_rows, project

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LOST = 60
REAPERS = 4


def lose_a_stage(owner: User, route: ModelRoute, *, expired: bool = True) -> Stage:
    """A stage as a killed process leaves it: said something, called a tool, no end."""
    conversation = Conversation.objects.create(owner=owner)
    prompt = Message.objects.create(conversation=conversation, role="user", content="Hello")
    away = timedelta(seconds=-60 if expired else 60)
    stage = Stage.objects.create(
        conversation=conversation,
        owner=owner,
        request_id=uuid.uuid4(),
        request_digest="0" * 64,
        mode="toolchain",
        status="running",
        route=route,
        prompt_message=prompt,
        lease_owner="gone",
        lease_expires_at=timezone.now() + away,
    )
    events = [
        StageStarted(
            request_id=stage.request_id,
            conversation_id=conversation.pk,
            mode="toolchain",
            synthesis=False,
            stream=True,
            model_route=route.slug,
            model="small-1",
            tools=("calculate",),
        ),
        ChatCompletionChunk(phase="tools", round=1, content="Let me see."),
        ToolCallEvent(
            round=1,
            call_id="call_1",
            tool="calculate",
            arguments={"expression": "1"},
            raw_arguments='{"expression": "1"}',
            origin="native",
            valid=True,
        ),
    ]
    rows = [Pending(event).as_row(number) for number, event in enumerate(events, start=1)]
    key = StageKey(stage.pk, conversation.pk, prompt.pk, stage.message_id_reserved, owner.pk)
    insert_rows([(stage.pk, rows)])
    project(key, StageFold(), events, None, {})
    return stage


def reap_at_once(*, all_active: bool) -> list[uuid.UUID]:
    """What several reapers say they ended, let loose at one moment."""
    ended: list[uuid.UUID] = []
    failures: list[BaseException] = []
    gate = threading.Barrier(REAPERS)

    def reap() -> None:
        try:
            gate.wait(10)
            ended.extend(
                key.stage_id for key, _ in end_lost_stages(all_active=all_active, except_for=())
            )
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=reap) for _ in range(REAPERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    return ended


@pytest.mark.parametrize("all_active", [True, False])
def test_reapers_that_race_end_every_lost_stage_exactly_once(
    owner: User, route: ModelRoute, all_active: bool
) -> None:
    lost = [lose_a_stage(owner, route) for _ in range(LOST)]
    ended = reap_at_once(all_active=all_active)
    assert sorted(ended) == sorted(stage.pk for stage in lost)
    for stage in lost:
        stage.refresh_from_db()
        names = list(StageEvent.objects.filter(stage=stage).values_list("event", flat=True))
        assert names == [
            "stage_started",
            "chat_completion_chunk",
            "tool_call",
            "tool_result",
            "error",
        ]
        assert (stage.status, stage.error_code, stage.lease_owner) == ("error", "interrupted", "")
        assert ToolRun.objects.get(stage=stage).status == "lost"
        assert Message.objects.get(stage=stage).content == "Let me see."


def test_a_stage_whose_lease_holds_is_left_alone(owner: User, route: ModelRoute) -> None:
    alive = lose_a_stage(owner, route, expired=False)
    assert reap_at_once(all_active=False) == []
    alive.refresh_from_db()
    assert alive.status == "running"
