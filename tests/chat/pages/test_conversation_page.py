"""The conversation's page: who sees it, and what stands on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import Stage, ToolRun
from tests.chat.pages.conftest import Talk

ClientOf = Callable[[User | None], Client]


def _page(talk: Talk, query: str = "") -> str:
    return f"/c/{talk.conversation.pk}/{query}"


def _read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_owner_reads_prompts_answers_and_tool_cards(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    page = _read(client_of(owner), _page(talk))
    assert "How much rain?" in page
    assert "One <em>litre</em>." in page
    assert "current_time" in page
    assert "Done 412\u00a0ms" in page
    assert "Let me look." in page
    assert "data-composer" in page


@pytest.mark.parametrize("person", ["stranger", "colleague"])
def test_others_learn_nothing_of_a_conversation(
    talk: Talk, person: str, client_of: ClientOf, request: pytest.FixtureRequest
) -> None:
    client = client_of(request.getfixturevalue(person))
    stage = talk.conversation.stages.latest("created_at")
    assert client.get(_page(talk)).status_code == 404
    assert client.get(f"{_page(talk)}turn/{stage.pk}/").status_code == 404
    assert client.post(f"{_page(talk)}rename/", {"title": "Mine"}).status_code == 404
    assert client.post(f"{_page(talk)}delete/").status_code == 404
    talk.conversation.refresh_from_db()
    assert talk.conversation.title == "Rain"


@pytest.mark.parametrize("person", ["reviewer", "admin"])
def test_those_who_read_all_read_without_a_composer_and_see_whose_it_is(
    talk: Talk, person: str, client_of: ClientOf, request: pytest.FixtureRequest
) -> None:
    client = client_of(request.getfixturevalue(person))
    page = _read(client, _page(talk))
    assert "One <em>litre</em>." in page
    assert "owner’s conversation, read only" in page
    assert "data-composer" not in page
    assert '<button class="icon-button button-small" type="button" data-retry' not in page
    assert client.post(f"{_page(talk)}rename/", {"title": "Mine"}).status_code == 404
    assert client.post(f"{_page(talk)}delete/").status_code == 404


def test_logged_out_leads_to_the_log_in_page_and_back(talk: Talk, client_of: ClientOf) -> None:
    for path in ("/", _page(talk), "/conversations/"):
        answer = client_of(None).get(path)
        assert answer.status_code == 302
        assert answer["Location"] == f"/accounts/login/?next={path}"


def test_a_conversation_that_is_not_there_is_404(owner: User, client_of: ClientOf) -> None:
    assert client_of(owner).get(f"/c/{uuid4()}/").status_code == 404


def test_a_page_costs_the_same_queries_however_long_it_is(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    client.get(_page(talk))
    with CaptureQueriesContext(connection) as short:
        client.get(_page(talk))
    for number in range(30):
        talk.repair(talk.toolchain(f"Question {number}", f"Answer {number}"), "done_missing")
    with CaptureQueriesContext(connection) as long:
        client.get(_page(talk))
    assert len(long) == len(short)
    assert len(long) <= 20


def test_repairs_stand_in_a_list_with_what_came(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    stage = talk.toolchain("Again?", "Yes.")
    talk.repair(stage, "name_repeated", '{"a":"<b>"}', phase="tools", round=2)
    talk.repair(stage, "done_missing", phase="synthesis")
    page = _read(client_of(owner), f"{_page(talk)}turn/{stage.pk}/")
    assert page.count("data-repair-code") == 2
    assert ">2 repairs<" in page
    assert "What name_repeated is." in page
    assert "Round 2" in page
    assert "{&quot;a&quot;:&quot;&lt;b&gt;&quot;}" in page
    assert "What came, <span data-repair-size>11 bytes</span>" in page


def test_mended_arguments_stand_beside_what_the_model_wrote(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    stage = talk.toolchain("Again?", "Yes.")
    run = stage.tool_runs.order_by("id")[0]
    run.raw_arguments = "{'time_zone': 'Europe/Paris', \"exact\": true}"
    run.arguments = {"time_zone": "Europe/Paris", "exact": True}
    run.repairs = ["tool_index_missing", "args_repaired_json"]
    run.save()
    page = _read(client_of(owner), f"{_page(talk)}turn/{stage.pk}/")
    assert 'data-argument="time_zone" data-check="mended"' in page
    assert "was &#x27;Europe/Paris&#x27;" in page
    assert 'data-argument="exact" data-check="ok"' in page
    assert "What the model wrote" in page
    assert "<code>tool_index_missing</code>" in page


def test_over_six_calls_are_a_list_of_cards_to_open(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    stage = talk.toolchain("Again?", "Yes.")
    for number in range(3, 8):
        assert "data-many" not in _read(client_of(owner), f"{_page(talk)}turn/{stage.pk}/")
        ToolRun.objects.create(
            stage=stage, call_id=f"call_{number}", round=1, tool="t", origin="native", valid=True
        )
    assert "data-many" in _read(client_of(owner), f"{_page(talk)}turn/{stage.pk}/")


def test_a_long_conversation_shows_its_last_turns_and_a_way_to_the_rest(
    make_talk: Callable[..., Talk], owner: User, client_of: ClientOf
) -> None:
    talk = make_talk()
    for number in range(104):
        talk.turn(f"Question {number}.", "Yes.")
    page = _read(client_of(owner), _page(talk))
    assert "Question 103." in page
    assert "Question 3." not in page
    assert "4 earlier turns not shown" in page
    assert "Question 3." in _read(client_of(owner), _page(talk, "?turns=200"))


def test_a_running_stage_is_a_frame_that_the_script_fills(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    stage = talk.stage(talk.prompt("And now?"), "running", mode="toolchain")
    ToolRun.objects.create(
        stage=stage, call_id="call_x", round=1, tool="secret_tool", origin="native", valid=True
    )
    page = _read(client_of(owner), _page(talk))
    assert f'data-stage-id="{stage.pk}" data-status="running"' in page
    assert "secret_tool" not in page


def test_a_stage_stored_a_moment_before_its_prompt_is_shown(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    prompt = talk.prompt("At once?")
    stage = talk.stage(prompt, "running")
    Stage.objects.filter(pk=stage.pk).update(created_at=prompt.created_at - timedelta(seconds=1))
    assert str(stage.pk) in _read(client_of(owner), _page(talk))


def test_answers_to_one_prompt_are_versions_that_can_be_walked(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    prompt = talk.prompt("Again?")
    first, second = talk.stage(prompt), talk.stage(prompt)
    talk.answer(first, "The first answer.")
    talk.answer(second, "The second answer.")
    page = _read(client_of(owner), _page(talk))
    assert "The second answer." in page
    assert "The first answer." not in page
    assert "2 of 2" in page
    earlier = _read(client_of(owner), _page(talk, f"?leaf={first.pk}"))
    assert "The first answer." in earlier
    assert "1 of 2" in earlier


def test_a_failed_stage_says_what_to_do(talk: Talk, owner: User, client_of: ClientOf) -> None:
    message = "The model server did not answer. small at 127.0.0.1:9 refused the connection."
    talk.stage(
        talk.prompt("Hello?"),
        "error",
        error_code="upstream_unreachable",
        error_message=message,
        timings={},
    )
    page = _read(client_of(owner), _page(talk))
    assert "<strong>The model server did not answer.</strong> small at 127.0.0.1:9" in page
    assert "Try again" in page


def test_a_stopped_stage_has_a_receipt_and_a_way_to_go_on(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    stage = talk.stage(talk.prompt("Tell a story."), "cancel", timings={})
    talk.answer(stage, "Once upon")
    talk.end_event(stage, "cancel", {"by": "user", "upstream_closed_ms": 38})
    page = _read(client_of(owner), _page(talk))
    assert "Stopped by you" in page
    assert "38\u00a0ms after Stop" in page
    assert "Continue the answer" in page


def test_what_was_said_is_text_and_never_markup(
    make_talk: Callable[..., Talk], owner: User, client_of: ClientOf
) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    talk = make_talk()
    stage = talk.toolchain(hostile, hostile)
    ToolRun.objects.filter(stage=stage).update(
        tool=hostile, arguments={hostile: hostile}, result=hostile, errors=[hostile]
    )
    page = _read(client_of(owner), _page(talk))
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_a_turn_is_fetched_as_the_page_shows_it(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    stage = talk.conversation.stages.latest("created_at")
    turn = _read(client, f"{_page(talk)}turn/{stage.pk}/")
    assert "What time is it?" in turn
    assert "It is noon." in turn
    assert "How much rain?" not in turn
    assert _normal(turn) in _normal(_read(client, _page(talk)))


def test_a_turn_of_another_conversation_is_not_there(
    talk: Talk, make_talk: Callable[..., Talk], owner: User, client_of: ClientOf
) -> None:
    other = make_talk().turn("Elsewhere", "Yes.")
    assert client_of(owner).get(f"{_page(talk)}turn/{other.pk}/").status_code == 404


def test_a_title_is_changed_and_an_empty_one_refused(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    client, headers = client_of(owner), {"Accept": "application/json"}
    answer = client.post(f"{_page(talk)}rename/", {"title": " Balcony "}, headers=headers)
    assert answer.json() == {"title": "Balcony"}
    refused = client.post(f"{_page(talk)}rename/", {"title": " "}, headers=headers)
    assert refused.status_code == 400
    assert refused.json()["message"]


def test_deleting_needs_a_post_and_waits_for_a_running_stage(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    client: Any = client_of(owner)
    assert client.get(f"{_page(talk)}delete/").status_code == 405
    stage = talk.stage(talk.prompt("Busy"), "running")
    headers = {"Accept": "application/json"}
    assert client.post(f"{_page(talk)}delete/", headers=headers).status_code == 409
    stage.delete()
    assert client.post(f"{_page(talk)}delete/")["Location"] == "/"
    assert client.get(_page(talk)).status_code == 404


def test_the_first_page_offers_what_works_without_network(
    owner: User, route: Any, client_of: ClientOf
) -> None:
    page = _read(client_of(owner), "/")
    assert "What time is it in Paris and in Tokyo?" in page
    assert "Ask something, and watch how it is answered" in page


def test_only_routes_a_person_may_see_are_offered_and_never_their_addresses(
    owner: User, stranger: User, route: Any, lab_route: Any, client_of: ClientOf
) -> None:
    route.enabled = False
    route.save()
    own = _read(client_of(owner), "/")
    assert "Lab only" in own
    assert "Switched off by an admin." in own
    assert "127.0.0.1:9" not in own
    assert "Lab only" not in _read(client_of(stranger), "/")


def _normal(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("finish_reason", "words"),
    [
        ("length", "The answer was cut off at the token limit."),
        ("content_filter", "The model server&#x27;s filter ended this answer."),
    ],
)
def test_an_answer_that_was_cut_short_says_so(
    talk: Talk, owner: User, client_of: ClientOf, finish_reason: str, words: str
) -> None:
    stage = talk.stage(talk.prompt("Go on"), finish_reason=finish_reason, max_tokens=[1024, 512])
    talk.answer(stage, "Once upon a")
    page = _read(client_of(owner), _page(talk))
    assert words in page
    assert ("limit of 1,024 tokens" in page) == (finish_reason == "length")
    assert ("data-continue" in page) == (finish_reason == "length")
