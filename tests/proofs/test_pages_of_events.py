"""A reader that lags holds one page of events: pages are bounded in size, and none is missing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from chat.engine.events import ChatCompletionChunk
from chat.frames import PAGE_BYTES, read_after
from chat.models import ModelRoute
from chat.pending import MERGE_LIMIT, Pending
from chat.projection import insert_rows
from tests.proofs.test_two_reapers import lose_a_stage

ENTRIES = 150


@pytest.mark.django_db
def test_a_page_of_large_events_is_no_more_than_a_reader_may_leave_unread(
    owner: User, route: ModelRoute
) -> None:
    stage = lose_a_stage(owner, route)
    large = ChatCompletionChunk(phase="tools", round=1, content="x" * MERGE_LIMIT)
    rows = [Pending(large).as_row(number) for number in range(4, 4 + ENTRIES)]
    insert_rows([(stage.pk, rows)])
    read: list[int] = []
    pages = 0
    while frames := read_after(stage.pk, read[-1] if read else 0):
        assert sum(len(frame.text) for frame in frames) <= PAGE_BYTES + 2 * MERGE_LIMIT
        read += [frame.number for frame in frames]
        pages += 1
    assert read == list(range(1, 4 + ENTRIES))
    assert pages > 3
