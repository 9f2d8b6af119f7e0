"""Events folded onto rows, in the transaction that stores them.

Rows are written at boundaries: ToolRun at `tool_call` and `tool_result`, StageRepair at `repair`,
Stage and its answering Message once, at the terminal event. While a stage runs its text is the fold
of its events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import ExpressionWrapper, Func, Value, fields
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.db.models.sql import UpdateQuery
from django.utils import timezone

from chat.engine.events import (
    Cancel,
    Done,
    ErrorEvent,
    Event,
    RepairEvent,
    ToolCallEvent,
    ToolResultEvent,
)
from chat.engine.fold import StageFold
from chat.models import (
    ACTIVE_STATUSES,
    Conversation,
    Message,
    Stage,
    StageEvent,
    StageRepair,
    ToolRun,
)
from chat.models.repairs import CODE_LIMIT, DETAIL_LIMIT, RAW_LIMIT
from chat.pending import Row

LEASE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class StageKey:
    """The rows that a stage's end touches."""

    stage_id: UUID
    conversation_id: UUID
    prompt_message_id: UUID
    message_id: UUID
    owner_id: int


def lease_end() -> Combinable:
    """When a lease taken now passes, by the database's clock only."""
    if connection.vendor == "sqlite":
        # Django adds there by a Python function per row: half of what a commit costs.
        parts = ("%Y-%m-%d %H:%M:%f", "NOW", f"+{LEASE_SECONDS} seconds")
        return Func(*map(Value, parts), function="STRFTIME", output_field=fields.DateTimeField())
    return ExpressionWrapper(
        Now() + Value(timedelta(seconds=LEASE_SECONDS)), output_field=fields.DateTimeField()
    )


def take_fence(stage_ids: Sequence[UUID], owner: str) -> set[UUID]:
    """Renew the leases of stages still ours; those not returned have been taken away.

    One UPDATE … RETURNING, in the writer's transaction: whoever ends a stage changes the same row,
    so either our events come before its end or not at all.
    """
    if not stage_ids:
        return set()
    sql, places = _fence_statement(len(stage_ids))
    prepare = Stage._meta.pk.get_db_prep_value
    values = {f"id {at}": prepare(pk, connection) for at, pk in enumerate(stage_ids)}
    values["owner"] = owner
    with connection.cursor() as cursor:
        cursor.execute(sql, [values[value] if named else value for value, named in places])
        return {value if isinstance(value, UUID) else UUID(value) for (value,) in cursor.fetchall()}


@lru_cache(maxsize=512)
def _fence_statement(count: int) -> tuple[str, tuple[tuple[Any, bool], ...]]:
    """The fence of so many stages; each parameter is a value, or the name of one.

    Made by Django once per count: making it anew was two thirds of what a commit costs.
    """
    marks = [UUID(int=at) for at in range(count)]
    prepare = Stage._meta.pk.get_db_prep_value
    names = {prepare(mark, connection): f"id {at}" for at, mark in enumerate(marks)}
    names["the owner"] = "owner"
    stages = Stage.objects.filter(pk__in=marks, lease_owner="the owner", status__in=ACTIVE_STATUSES)
    update: Any = stages.query.chain(UpdateQuery)
    update.add_update_values({"lease_expires_at": lease_end()})
    sql, params = update.get_compiler(connection=connection).as_sql()
    return f"{sql} RETURNING id", tuple(
        (names[value], True) if value in names else (value, False) for value in params
    )


def insert_rows(stages: Iterable[tuple[UUID, Sequence[Row]]]) -> None:
    """Store journal entries of several stages in one statement.

    Plain SQL: building model instances would be half of what a commit costs.
    """
    stage_field = Stage._meta.pk
    prepare_ts = connection.ops.adapt_datetimefield_value
    params: list[tuple[Any, ...]] = []
    for stage_id, rows in stages:
        key = stage_field.get_db_prep_value(stage_id, connection)
        params += [(key, row.number, prepare_ts(row.ts), row.event, row.data_json) for row in rows]
    if not params:
        return
    table = connection.ops.quote_name(StageEvent._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (stage_id, sequence_number, ts, event, data) "  # noqa: S608
            "VALUES (%s, %s, %s, %s, %s)",
            params,
        )


def project(
    key: StageKey,
    fold: StageFold,
    events: Sequence[Event],
    requests: list[dict[str, Any]] | None,
    whole_outputs: Mapping[str, str],
) -> None:
    """Bring the rows of a stage to where its newly stored events leave it."""
    if requests is not None:
        Stage.objects.filter(pk=key.stage_id).update(requests=requests)
    for event in events:
        if isinstance(event, ToolCallEvent):
            _insert_run(key, event)
        elif isinstance(event, ToolResultEvent):
            ToolRun.objects.filter(stage_id=key.stage_id, call_id=event.call_id).update(
                status=event.status,
                result=event.content,
                error=event.error or "",
                whole_result=whole_outputs.get(event.call_id),
                duration_ms=event.duration_ms,
            )
        elif isinstance(event, Done | Cancel | ErrorEvent):
            end_stage(key, fold, event)
    _insert_repairs(key, [e for e in events if isinstance(e, RepairEvent) and e in fold.repairs])


def end_stage(key: StageKey, fold: StageFold, event: Done | Cancel | ErrorEvent) -> None:
    """Write the stage's end and the message it made, if it said anything."""
    now = timezone.now()
    values: dict[str, Any] = {
        "status": event.event,
        "ended_at": now,
        "lease_owner": "",
        "lease_expires_at": None,
        "usage": asdict(fold.usage) if fold.usage else {},
        "repairs_count": len(fold.repairs),
    }
    if isinstance(event, Done):
        values["finish_reason"] = (event.finish_reason or "")[:60]
        values["timings"] = event.timings.model_dump()
    elif isinstance(event, ErrorEvent):
        values["error_code"] = event.code
        values["error_message"] = event.message
    Stage.objects.filter(pk=key.stage_id).update(**values)
    turns = fold.turns_record()
    if isinstance(event, Done) or fold.content or fold.reasoning or fold.calls:
        Message.objects.create(
            id=key.message_id,
            conversation_id=key.conversation_id,
            parent_id=key.prompt_message_id,
            role=Message.Role.ASSISTANT,
            content=fold.content,
            reasoning=fold.reasoning,
            tool_calls=[call for turn in turns for call in turn["calls"]],
            turns=turns,
            stage_id=key.stage_id,
            created_at=now,
        )
    Conversation.objects.filter(pk=key.conversation_id).update(updated_at=now)


def _insert_run(key: StageKey, event: ToolCallEvent) -> None:
    ToolRun.objects.create(
        stage_id=key.stage_id,
        call_id=event.call_id,
        upstream_id=(event.upstream_id or "")[:200],
        round=event.round,
        tool=event.tool[:200],
        origin=event.origin[:60],
        raw_arguments=event.raw_arguments,
        arguments=event.arguments,
        valid=event.valid,
        errors=list(event.errors),
        repairs=list(event.repairs),
    )


def _insert_repairs(key: StageKey, events: Sequence[RepairEvent]) -> None:
    if not events:
        return
    # The same repair may come again in a later round; a row has it once.
    StageRepair.objects.bulk_create(
        [
            StageRepair(
                stage_id=key.stage_id,
                round=event.round,
                phase=event.phase or "",
                code=event.code[:CODE_LIMIT],
                detail=event.detail[:DETAIL_LIMIT],
                raw=event.raw[:RAW_LIMIT],
            )
            for event in events
        ],
        ignore_conflicts=True,
    )
