"""Leases of stages in the database, by its clock only, and the end of those that were lost."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from chat.database import AWAY
from chat.engine.events import CancelledBy, ErrorEvent, Event, parse_event
from chat.engine.fold import StageFold
from chat.models import ACTIVE_STATUSES, Stage, StageEvent
from chat.pending import Pending
from chat.projection import StageKey, end_stage, insert_rows, project, take_fence

logger = logging.getLogger(__name__)

LEASE_RENEWAL_SECONDS = 3.0
FENCED_AT_ONCE = 500

INTERRUPTED = ErrorEvent(
    code="interrupted",
    message="Toolbench restarted while this answer was written. Everything you saw is kept. "
    "Continue the answer, or start over.",
    retryable=True,
)


def renew_leases(owner: str, stage_ids: Sequence[UUID]) -> set[UUID]:
    """Extend the leases of this process's stages; returns those that are still its own."""
    ours: set[UUID] = set()
    for at in range(0, len(stage_ids), FENCED_AT_ONCE):
        ours |= take_fence(stage_ids[at : at + FENCED_AT_ONCE], owner)
    return ours


def requested_cancels(owner: str) -> list[tuple[UUID, CancelledBy]]:
    """Stages of this process that somebody asked to stop by a row, and whether as an admin."""
    rows = Stage.objects.filter(
        lease_owner=owner, status__in=ACTIVE_STATUSES, cancel_requested_at__isnull=False
    ).values_list("pk", "owner_id", "cancel_requested_by_id")
    return [(pk, "user" if owner_id == by else "admin") for pk, owner_id, by in rows]


def end_lost_stages(
    *, all_active: bool, except_for: Collection[UUID]
) -> list[tuple[StageKey, int]]:
    """End active stages whose lease has passed (or all of them) as `error interrupted`.

    Any number of processes may do this at once: whoever changes the row ends the stage. Returns
    those ended here, with the number of their last event.
    """
    lost = Q(status__in=ACTIVE_STATUSES)
    if not all_active:
        lost &= Q(lease_expires_at__lt=Now()) | Q(lease_expires_at__isnull=True)
    candidates = Stage.objects.filter(lost).exclude(pk__in=except_for)
    keys = [
        StageKey(*values)
        for values in candidates.values_list(
            "pk", "conversation_id", "prompt_message_id", "message_id_reserved", "owner_id"
        )
    ]
    ended = []
    for key in keys:
        try:
            number = _end_lost_stage(key, lost)
            if number:
                ended.append((key, number))
        except AWAY as error:
            logger.warning("Lost stages cannot be ended now (%s); they are later.", error)
            break
        except Exception as error:
            # One stage with a bad row must not keep the others open.
            logger.error("Lost stage %s cannot be ended: %s", key.stage_id, type(error).__name__)
    return ended


def _end_lost_stage(key: StageKey, lost: Q) -> int:
    """The number of the event that ended it, 0 where another process was first."""
    with transaction.atomic():
        taken = Stage.objects.filter(lost, pk=key.stage_id).update(
            status=Stage.Status.ERROR, ended_at=timezone.now(), lease_owner=""
        )
        if not taken:
            return 0
        fold, number = load_fold(key.stage_id)
        closing: list[Event] = [*fold.closing_results("lost"), INTERRUPTED]
        rows = [Pending(event).as_row(number + at) for at, event in enumerate(closing, start=1)]
        for event in closing:
            fold.apply(event)
        insert_rows([(key.stage_id, rows)])
        project(key, fold, closing[:-1], None, {})
        end_stage(key, fold, INTERRUPTED)
    return rows[-1].number


def load_fold(stage_id: UUID) -> tuple[StageFold, int]:
    """The fold of a stage's stored events, and the last number."""
    fold = StageFold()
    last = 0
    events = (
        StageEvent.objects.filter(stage_id=stage_id)
        .order_by("sequence_number")
        .values_list("sequence_number", "event", "data")
    )
    for number, event, data in events.iterator(chunk_size=1000):
        fold.apply(parse_event(event, orjson.loads(data)))
        last = number
    return fold, last
