"""Leases by the database's clock: renewed, passed, and cancels asked for by a row."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.journal import Journal
from chat.leases import end_lost_stages, renew_leases, requested_cancels
from chat.models import ModelRoute, Stage, StageEvent
from chat.projection import take_fence
from chat.services import request_cancel
from tests.chat.conftest import OWNER, JournalRig, Listening

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage_id(owner: User, route: ModelRoute) -> UUID:
    """A running stage leased to this process."""
    rig = JournalRig(Journal(OWNER, Listening()), Listening(), route, owner)
    return rig.store_stage()[0].stage_id


def expire(stage_id: UUID) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Stage.objects.filter(pk=stage_id).update(lease_expires_at=past)


def test_a_lease_that_lasts_is_left_alone(stage_id: UUID) -> None:
    assert end_lost_stages(all_active=False, except_for=[]) == []
    assert Stage.objects.get(pk=stage_id).status == "running"


def test_a_lease_that_has_passed_ends_its_stage(stage_id: UUID) -> None:
    expire(stage_id)
    assert end_lost_stages(all_active=False, except_for=[stage_id]) == []
    ended = end_lost_stages(all_active=False, except_for=[])
    assert [key.stage_id for key, _ in ended] == [stage_id]
    stage = Stage.objects.get(pk=stage_id)
    assert (stage.status, stage.error_code) == ("error", "interrupted")
    last = StageEvent.objects.filter(stage_id=stage_id).latest("sequence_number")
    assert (last.sequence_number, last.event) == (2, "error")
    assert last.parsed_data()["code"] == "interrupted"


def test_a_renewed_lease_lasts(stage_id: UUID) -> None:
    expire(stage_id)
    renew_leases(OWNER, [stage_id])
    assert end_lost_stages(all_active=False, except_for=[]) == []


def test_nobody_renews_anothers_lease(stage_id: UUID) -> None:
    expire(stage_id)
    renew_leases("another", [stage_id])
    assert len(end_lost_stages(all_active=False, except_for=[])) == 1


def test_the_fence_returns_what_is_still_ours(stage_id: UUID) -> None:
    assert take_fence([stage_id], OWNER) == {stage_id}
    assert take_fence([stage_id], "another") == set()
    end_lost_stages(all_active=True, except_for=[])
    assert take_fence([stage_id], OWNER) == set()


def test_a_cancel_asked_for_by_a_row_is_found_by_the_owner_of_the_lease(
    stage_id: UUID, owner: User, admin: User, stranger: User
) -> None:
    assert requested_cancels(OWNER) == []
    assert request_cancel(owner.pk, stage_id) == "running"
    assert requested_cancels(OWNER) == [(stage_id, "user")]
    assert requested_cancels("another") == []
    # Who asked first stays.
    request_cancel(admin.pk, stage_id)
    assert requested_cancels(OWNER) == [(stage_id, "user")]


def test_an_admins_cancel_is_told_as_such(stage_id: UUID, admin: User) -> None:
    request_cancel(admin.pk, stage_id)
    assert requested_cancels(OWNER) == [(stage_id, "admin")]


def test_a_lease_lasts_ten_seconds_of_the_databases_clock(stage_id: UUID) -> None:
    before = timezone.now()
    take_fence([stage_id], OWNER)
    after = timezone.now()
    expires = Stage.objects.get(pk=stage_id).lease_expires_at
    assert expires is not None
    slack = timedelta(milliseconds=5)
    assert before - slack <= expires - timedelta(seconds=10) <= after + slack
