"""Conversations, messages, stages, events and tool runs in the admin: to read, linked, cheap."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, Message, ModelRoute, Stage, StageEvent, ToolRun

MODELS = ("conversation", "message", "stage", "stageevent", "toolrun")
BODY = "a body that no list shows"


@pytest.fixture
def site(client_of: Callable[[User | None], Client], admin: User) -> Client:
    return client_of(admin)


@pytest.fixture
def stage(owner: User, route: ModelRoute) -> Stage:
    return make_stage(owner, route, "Weather in Paris")


def make_stage(owner: User, route: ModelRoute, title: str) -> Stage:
    conversation = Conversation.objects.create(owner=owner, title=title)
    prompt = Message.objects.create(conversation=conversation, role="user", content="Paris?")
    stage = Stage.objects.create(
        conversation=conversation,
        owner=owner,
        request_id=conversation.pk,
        request_digest="",
        mode="toolchain",
        synthesis=True,
        status="done",
        ended_at=timezone.now(),
        route=route,
        model="small-1",
        prompt_message=prompt,
        requests=[{"round": 1, "note": BODY}],
    )
    text = "It is sunny. " * 40 + BODY
    Message.objects.create(
        conversation=conversation, parent=prompt, role="assistant", content=text, stage=stage
    )
    StageEvent.objects.create(
        stage=stage,
        sequence_number=1,
        ts=timezone.now(),
        event="stage_started",
        data=f'{{"note": "{BODY}"}}',
    )
    ToolRun.objects.create(
        stage=stage,
        call_id="call_1",
        round=1,
        tool="get_weather",
        origin="native",
        valid=True,
        status="ok",
        arguments={"city": "<script>alert(1)</script>"},
        raw_arguments='{"city": "Paris"}',
        result=BODY,
        duration_ms=12,
    )
    return stage


def rows_of(stage: Stage) -> dict[str, Any]:
    return {
        "conversation": stage.conversation_id,
        "message": stage.message.pk,
        "stage": stage.pk,
        "stageevent": stage.events.get().pk,
        "toolrun": stage.tool_runs.get().pk,
    }


@pytest.mark.parametrize("model", MODELS)
def test_a_list_costs_the_same_for_one_row_and_for_many(
    site: Client, stage: Stage, owner: User, model: str
) -> None:
    url = f"/admin/chat/{model}/"
    site.get(url)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert site.get(url).status_code == 200
    for number in range(12):
        make_stage(owner, stage.route, f"Conversation {number}")
    with CaptureQueriesContext(connection) as many:
        page = site.get(url).content.decode()
    assert len(many) == len(few)
    assert len(many) <= 9
    assert BODY not in page


@pytest.mark.parametrize("model", MODELS)
def test_lists_leave_bodies_in_the_database(site: Client, stage: Stage, model: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        site.get(f"/admin/chat/{model}/")
    (listing,) = [
        query["sql"]
        for query in queries
        if re.search(
            rf'^SELECT (DISTINCT )?"chat_{model}"."id".* FROM "chat_{model}"', query["sql"]
        )
    ]
    columns = listing.partition(f'FROM "chat_{model}"')[0]
    for body in ("data", "result", "raw_arguments", "requests", "content", "turns"):
        assert not re.search(rf'(?<!\()"chat_{model}"\."{body}",', columns), columns


@pytest.mark.parametrize("model", MODELS)
def test_a_row_shows_everything_and_changes_nothing(site: Client, stage: Stage, model: str) -> None:
    pk = rows_of(stage)[model]
    answer = site.get(f"/admin/chat/{model}/{pk}/change/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert model == "conversation" or BODY in page
    assert "<script>alert" not in page
    assert 'name="_save"' not in page
    for address in ("add/", f"{pk}/delete/"):
        assert site.get(f"/admin/chat/{model}/{address}").status_code == 403
    assert site.post(f"/admin/chat/{model}/{pk}/change/", {}).status_code == 403


def test_every_link_between_the_lists_leads_somewhere(site: Client, stage: Stage) -> None:
    todo = ["/admin/chat/conversation/", f"/admin/chat/stage/{stage.pk}/change/"]
    todo.append(f"/admin/chat/conversation/{stage.conversation_id}/change/")
    seen: set[str] = set()
    transcripts = set()
    while todo:
        url = todo.pop()
        if url in seen:
            continue
        seen.add(url)
        answer = site.get(url)
        assert answer.status_code == 200, url
        assert "e=1" not in url
        page = answer.content.decode()
        main = page.partition('id="content"')[2]
        transcripts |= set(re.findall(r'href="(/c/[^"]+)"', main))
        for link in re.findall(r'href="(/admin/chat/[^"#]+)"', main):
            row, question, _ = link.partition("?_changelist_filters=")
            if question or re.search(r"__exact=|/change/$", link):
                todo.append(row.replace("&amp;", "&"))
    for model, pk in rows_of(stage).items():
        assert f"/admin/chat/{model}/{pk}/change/" in {url.partition("?")[0] for url in seen}
    assert transcripts == {f"/c/{stage.conversation_id}/"}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("conversation", "paris"),
        ("conversation", "owner"),
        ("message", "sunny"),
        ("stage", "{stage}"),
        ("stageevent", "{stage}"),
        ("toolrun", "get_weather"),
    ],
)
def test_rows_are_found_by_words_and_ids(
    site: Client, stage: Stage, model: str, words: str
) -> None:
    url = f"/admin/chat/{model}/"
    words = words.format(stage=stage.pk)
    assert site.get(url, {"q": words}).context["cl"].result_count == 1
    assert site.get(url, {"q": "nothing has this"}).context["cl"].result_count == 0


def test_one_stages_journal_reads_from_its_first_event(site: Client, stage: Stage) -> None:
    StageEvent.objects.create(
        stage=stage, sequence_number=2, ts=timezone.now(), event="done", data="{}"
    )
    answer = site.get("/admin/chat/stageevent/", {"stage__id__exact": str(stage.pk)})
    assert [event.sequence_number for event in answer.context["cl"].result_list] == [1, 2]


@pytest.mark.parametrize("model", MODELS)
def test_who_is_not_staff_sees_nothing(
    client_of: Callable[[User | None], Client],
    stage: Stage,
    model: str,
    owner: User,
    stranger: User,
    colleague: User,
    reviewer: User,
) -> None:
    for person in (None, owner, stranger, colleague, reviewer):
        for address in ("", f"{rows_of(stage)[model]}/change/"):
            client = client_of(person)
            answer = client.get(f"/admin/chat/{model}/{address}")
            assert answer.status_code == 302
            login = client.get(answer["Location"])
            assert login.status_code == (302 if person is None else 403)


@pytest.mark.parametrize("model", MODELS)
def test_staff_reads_what_they_may_read_only(
    client_of: Callable[[User | None], Client],
    stage: Stage,
    model: str,
    stranger: User,
    reviewer: User,
) -> None:
    view = Permission.objects.get(content_type__app_label="chat", codename=f"view_{model}")
    for person in (stranger, reviewer):
        User.objects.filter(pk=person.pk).update(is_staff=True)
        person.user_permissions.add(view)
    row = f"/admin/chat/{model}/{rows_of(stage)[model]}/change/"
    blind = client_of(User.objects.get(pk=stranger.pk))
    assert blind.get(f"/admin/chat/{model}/").context["cl"].result_count == 0
    assert blind.get(row).status_code == 302
    seeing = client_of(User.objects.get(pk=reviewer.pk))
    assert seeing.get(f"/admin/chat/{model}/").context["cl"].result_count >= 1
    assert seeing.get(row).status_code == 200


def test_a_person_with_conversations_stays(site: Client, stage: Stage, owner: User) -> None:
    page = site.get(f"/admin/auth/user/{owner.pk}/delete/").content.decode()
    assert "1 conversation of owner. What was said stays: untick Active" in page
    site.post(f"/admin/auth/user/{owner.pk}/delete/", {"post": "yes"})
    assert User.objects.filter(pk=owner.pk).exists()


def test_a_person_without_conversations_can_be_deleted(site: Client, stranger: User) -> None:
    site.post(f"/admin/auth/user/{stranger.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=stranger.pk).exists()


def test_people_lead_to_what_they_said(site: Client, stage: Stage, owner: User) -> None:
    page = site.get("/admin/auth/user/").content.decode()
    link = f"/admin/chat/conversation/?owner__id__exact={owner.pk}"
    assert link in page
    assert site.get(link).context["cl"].result_count == 1


def test_an_admin_stops_running_stages_from_the_list(site: Client, stage: Stage) -> None:
    stage.status, stage.ended_at = "running", None
    stage.save()
    chosen = {"action": "stop_stages", "_selected_action": [str(stage.pk)]}
    answer = site.post("/admin/chat/stage/", chosen, follow=True)
    assert "1 told to stop" in answer.content.decode()
    stage.refresh_from_db()
    assert stage.cancel_requested_by is not None
    assert stage.cancel_requested_by.username == "admin"


def test_a_reviewer_with_a_staff_account_cannot_stop_stages(
    client_of: Callable[[User | None], Client], reviewer: User, stage: Stage
) -> None:
    reviewer.is_staff = True
    reviewer.save()
    reviewer.user_permissions.add(Permission.objects.get(codename="view_stage"))
    chosen = {"action": "stop_stages", "_selected_action": [str(stage.pk)]}
    client_of(reviewer).post("/admin/chat/stage/", chosen, follow=True)
    stage.refresh_from_db()
    assert stage.cancel_requested_at is None
