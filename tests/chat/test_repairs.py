"""What is kept of repairs: a row each, who reads them, how often a route needs which."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from chat.database import run_in_pool
from chat.engine.events import Cancel, RepairEvent
from chat.engine.fold import REPAIRS_KEPT
from chat.lifecycle import Process
from chat.models import Conversation, Message, ModelRoute, Stage, StageEvent, StageRepair
from chat.models.repairs import repair_counts, repair_counts_by_route
from chat.services.routes import save_route
from tests.chat.conftest import JournalRig, within
from tests.chat.socket_talk import Talk
from tests.chat.test_encryption import CANARY, stored_bytes
from tests.replay import ReplayServer, sse

STOPPED = Cancel(by="user", upstream_closed_ms=None)


@pytest.fixture
def make_stage(owner: User, route: ModelRoute) -> Callable[..., Stage]:
    """A stage that has ended, with repairs of these codes."""

    def make(*codes: str, of: ModelRoute = route, **fields: Any) -> Stage:
        conversation = Conversation.objects.create(owner=owner)
        prompt = Message.objects.create(conversation=conversation, role="user", content="Go.")
        stage = Stage.objects.create(
            conversation=conversation,
            owner=owner,
            request_id=conversation.pk,
            status="done",
            ended_at=timezone.now(),
            route=of,
            model="m",
            mode="chat",
            prompt_message=prompt,
            repairs_count=len(codes),
        )
        for code in codes:
            StageRepair.objects.create(stage=stage, code=code, detail=f"{code} came.", **fields)
        return stage

    return make


async def test_each_repair_of_a_stage_has_one_row_with_its_cause(rig: JournalRig) -> None:
    log = await rig.open()
    first = RepairEvent(code="bare_line", detail="A line.", round=1, phase="tools", raw="{}\n")
    again = first.model_copy(update={"round": 2, "raw": "[]\n"})
    other = RepairEvent(code="done_missing", detail="No [DONE].", round=2, phase="synthesis")
    for event in (first, again, other, STOPPED):
        rig.journal.put(log, event)
    await within(rig.journal.flush(log))

    def kept() -> tuple[list[Any], int]:
        rows = StageRepair.objects.filter(stage_id=log.key.stage_id).order_by("id")
        stage = Stage.objects.get(pk=log.key.stage_id)
        return list(rows.values_list("code", "round", "phase", "raw")), stage.repairs_count

    rows, count = await run_in_pool(kept)
    assert rows == [("bare_line", 1, "tools", "{}\n"), ("done_missing", 2, "synthesis", "")]
    assert count == 2


async def test_a_server_that_errs_without_end_fills_no_table(rig: JournalRig) -> None:
    log = await rig.open()
    for number in range(REPAIRS_KEPT + 20):
        rig.journal.put(log, RepairEvent(code="x", detail=f"The {number}th.", raw="r" * 5_000))
    rig.journal.put(log, STOPPED)
    await within(rig.journal.flush(log))

    def sizes() -> list[int]:
        rows = StageRepair.objects.filter(stage_id=log.key.stage_id)
        return [len(raw) for raw in rows.values_list("raw", flat=True)]

    assert await run_in_pool(sizes) == [1_000] * REPAIRS_KEPT


@pytest.mark.django_db
def test_repairs_stay_when_events_are_removed(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage("bare_line")
    StageEvent.objects.create(
        stage=stage, sequence_number=1, ts=timezone.now(), event="repair", data="{}"
    )
    StageEvent.objects.all().delete()
    assert stage.repairs.get().code == "bare_line"
    stage.conversation.delete()
    assert not StageRepair.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("person", "reads"),
    [("owner", 1), ("stranger", 0), ("colleague", 0), ("reviewer", 1), ("admin", 1)],
)
def test_repairs_are_read_by_those_who_read_the_conversation(
    make_stage: Callable[..., Stage], person: str, reads: int, request: pytest.FixtureRequest
) -> None:
    make_stage("bare_line")
    user = request.getfixturevalue(person)
    assert StageRepair.objects.visible_to(user).count() == reads


@pytest.mark.django_db
def test_a_routes_repairs_are_counted_by_stages_in_one_query(
    make_stage: Callable[..., Stage], route: ModelRoute, django_assert_num_queries: Any
) -> None:
    other = ModelRoute.objects.create(slug="other", base_url="http://h/v1", upstream_model="m")
    make_stage("done_missing", "bare_line")
    make_stage("done_missing", created_at=timezone.now() - timedelta(days=6))
    make_stage("done_missing", created_at=timezone.now() - timedelta(days=8))
    make_stage("name_repeated", of=other)
    since = timezone.now() - timedelta(days=7)
    with django_assert_num_queries(1):
        counts = repair_counts(route, since)
    assert [(count.code, count.stages) for count in counts] == [
        ("done_missing", 2),
        ("bare_line", 1),
    ]
    with django_assert_num_queries(1):
        by_route = repair_counts_by_route([route.pk, other.pk], since)
    assert by_route[route.pk] == counts
    assert [count.code for count in by_route[other.pk]] == ["name_repeated"]


@pytest.mark.django_db
def test_repairs_that_only_journals_hold_get_their_rows(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    Stage.objects.filter(pk=stage.pk).update(repairs_count=3)
    for number in (1, 2, 3):
        StageEvent.objects.create(
            stage=stage,
            sequence_number=number,
            ts=timezone.now(),
            event="repair",
            data=json.dumps({"code": "x", "detail": f"The {number % 2}th."}),
        )
    migration = importlib.import_module("chat.migrations.0002_stage_repairs")
    migration.fill_in(apps, SimpleNamespace(connection=connection))
    stage.refresh_from_db()
    assert sorted(stage.repairs.values_list("code", "detail", "round", "phase")) == [
        ("x", "The 0th.", 1, ""),
        ("x", "The 1th.", 1, ""),
    ]
    assert stage.repairs_count == 2


def test_repairs_of_older_journals_still_parse() -> None:
    old = RepairEvent.model_validate({"code": "x", "detail": "y"})
    assert (old.round, old.phase, old.raw) == (1, None, "")


async def test_the_bytes_of_a_repair_never_hold_the_routes_key(
    process: Process, routed: ModelRoute, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    await run_in_pool(save_route, routed, CANARY)
    spilled = {
        "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}],
        "seen": {"authorization": f"Bearer {CANARY}", "again": "k" * 900 + CANARY},
    }
    replay.answer_with(sse(json.dumps(spilled).encode() + b"\n\n", done=False))
    async with Talk(cookies["owner"]) as talk:
        stage_id = (await talk.start())["stage_id"]
        await talk.until_end(stage_id)
        assert CANARY not in str(talk.frames)

    def raws() -> list[str]:
        rows = StageRepair.objects.filter(stage_id=UUID(stage_id))
        return [row.raw for row in rows if row.code == "bare_line"]

    (raw,) = await run_in_pool(raws)
    assert "Bearer [key removed]" in raw
    stored = await run_in_pool(stored_bytes)
    # Nor the half of it where the bytes were cut.
    assert CANARY[:8].encode() not in stored
