"""The conversation list: whose, in which order, at what cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation
from chat.pages.listing import group_of, read_listing
from tests.chat.pages.conftest import Talk

ClientOf = Callable[[User | None], Client]


def _rows(client: Client, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/conversations/", query).json()["rows"]
    return rows


@pytest.mark.parametrize("person", ["stranger", "colleague", "reviewer", "admin"])
def test_everybody_lists_only_their_own(
    talk: Talk, person: str, client_of: ClientOf, request: pytest.FixtureRequest
) -> None:
    assert _rows(client_of(request.getfixturevalue(person))) == []


def test_rows_say_what_runs_and_what_failed(
    make_talk: Callable[..., Talk], owner: User, client_of: ClientOf
) -> None:
    running, failed, mended = make_talk(), make_talk(), make_talk()
    running.stage(running.prompt("A"), "running")
    failed.stage(failed.prompt("A"), "error")
    mended.stage(mended.prompt("A"), "error")
    mended.turn("B", "Fine.")
    rows = {row["id"]: row for row in _rows(client_of(owner))}
    assert rows[str(running.conversation.pk)]["running"]
    assert rows[str(failed.conversation.pk)]["failed"]
    assert not rows[str(mended.conversation.pk)]["failed"]


def test_runs_of_machines_stand_apart(
    make_talk: Callable[..., Talk], owner: User, client_of: ClientOf
) -> None:
    page, api = make_talk(), make_talk(source="api")
    client = client_of(owner)
    assert [row["id"] for row in _rows(client)] == [str(page.conversation.pk)]
    assert [row["id"] for row in _rows(client, machines="1")] == [str(api.conversation.pk)]


def test_pages_follow_each_other_without_gap_or_repeat(owner: User) -> None:
    moment = timezone.now()
    for number in range(7):
        # Equal times must not lose a row at the edge of a page.
        Conversation.objects.create(owner=owner, title=str(number), updated_at=moment)
    seen: list[str] = []
    after = ""
    while True:
        listing = read_listing(owner, after=after, size=3)
        seen += [row.id for row in listing.rows]
        after = listing.more
        if not after:
            break
    assert len(seen) == len(set(seen)) == 7


def test_a_broken_cursor_is_the_first_page(talk: Talk, owner: User, client_of: ClientOf) -> None:
    assert len(_rows(client_of(owner), after="not a cursor")) == 1


def test_titles_are_filtered_whatever_their_case(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    assert len(_rows(client_of(owner), title="rAi")) == 1
    assert _rows(client_of(owner), title="snow") == []


def test_the_list_is_one_query_and_reads_no_body(
    make_talk: Callable[..., Talk], owner: User
) -> None:
    for _ in range(5):
        make_talk().turn("A", "B")
    with CaptureQueriesContext(connection) as queries:
        read_listing(owner)
    assert len(queries) == 1
    assert "content" not in queries[0]["sql"]


@pytest.mark.parametrize(
    ("days", "group"),
    [(0, "Today"), (1, "Yesterday"), (2, "Last 7 days"), (6, "Last 7 days"), (7, "Earlier")],
)
def test_days_have_their_heading(days: int, group: str) -> None:
    today = date(2026, 11, 21)
    assert group_of(today - timedelta(days=days), today) == group
