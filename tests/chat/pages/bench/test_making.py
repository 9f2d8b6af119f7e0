"""A test case made of a conversation: shown, changed, kept, run."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.bench.cases import read_case
from chat.bench.yaml_text import read_yaml
from chat.models import BenchRun, BenchSuite
from tests.chat.pages.bench.rows import made_case
from tests.chat.pages.conftest import Talk

ClientOf = Callable[[User | None], Client]

CASE = "id: noon\nprompt: What time is it?\nexpect: {calls: [{tool: current_time}]}\n"


def _address(talk: Talk) -> str:
    return f"/bench/from/{talk.conversation.pk}/"


def _box(page: str) -> str:
    found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_a_conversation_leads_to_its_case(talk: Talk, owner: User, client_of: ClientOf) -> None:
    talk.conversation.stages.filter(mode="toolchain").update(tools=["current_time"])
    client = client_of(owner)
    page = client.get(f"/c/{talk.conversation.pk}/").content.decode()
    assert f'href="{_address(talk)}" data-make-case>' in page
    assert "Make a test case" in page
    case = read_case(read_yaml(_box(client.get(_address(talk)).content.decode())))
    assert case.category == "multi_turn"
    assert [call.tool for call in case.all_turns[-1].expect.calls] == ["current_time"] * 2


def test_the_case_is_kept_in_a_new_suite(talk: Talk, owner: User, client_of: ClientOf) -> None:
    sent = {"text": CASE, "suite": "new", "name": "  My  cases "}
    answer = client_of(owner).post(_address(talk), sent, follow=True)
    kept = BenchSuite.objects.get()
    assert (kept.name, [case["id"] for case in kept.cases]) == ("My cases", ["noon"])
    assert answer.redirect_chain[-1][0] == f"/bench/suites/{kept.pk}/"
    assert "noon is in the suite “My cases”." in answer.content.decode()


def test_the_case_joins_a_suite_behind_the_others(
    talk: Talk, owner: User, client_of: ClientOf
) -> None:
    kept = BenchSuite.objects.create(owner=owner, name="mine", cases=[made_case("one")])
    client = client_of(owner)
    client.post(_address(talk), {"text": CASE, "suite": str(kept.pk)})
    kept.refresh_from_db()
    assert [case["id"] for case in kept.cases] == ["one", "noon"]
    again = client.post(_address(talk), {"text": CASE, "suite": str(kept.pk)})
    assert again.status_code == 400
    assert "has a case noon already" in again.content.decode()


def test_the_case_is_run_from_there(talk: Talk, owner: User, client_of: ClientOf) -> None:
    kept = BenchSuite.objects.create(owner=owner, name="mine", cases=[made_case("one")])
    sent = {"text": CASE, "suite": str(kept.pk), "route": talk.route.slug, "run": "1"}
    answer = client_of(owner).post(_address(talk), sent)
    run = BenchRun.objects.get()
    assert answer["Location"] == f"/bench/runs/{run.pk}/"
    assert [case["id"] for case in run.cases] == ["noon"]


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("id: [", "Mine", "line 1"),
        ("id: noon\nexpect: {calls: 3}", "Mine", "noon, expect.calls:"),
        (CASE, " ", "Write a name for the new suite."),
        (CASE, "taken", "You have a suite “taken” already."),
    ],
)
def test_what_is_wrong_is_said_and_the_text_stays(
    talk: Talk, owner: User, client_of: ClientOf, text: str, name: str, words: str
) -> None:
    BenchSuite.objects.create(owner=owner, name="taken", cases=[made_case("one")])
    sent = {"text": text, "suite": "new", "name": name}
    answer = client_of(owner).post(_address(talk), sent)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert words in page
    assert _box(page).strip() == text.strip()


def test_a_suite_of_somebody_else_does_not_exist(
    talk: Talk, owner: User, colleague: User, client_of: ClientOf
) -> None:
    theirs = BenchSuite.objects.create(owner=colleague, name="theirs", cases=[made_case("one")])
    client = client_of(owner)
    for suite in (str(theirs.pk), "x", "9" * 30):
        sent = {"text": CASE, "suite": suite}
        assert client.post(_address(talk), sent).status_code == 404
    theirs.refresh_from_db()
    assert len(theirs.cases) == 1


@pytest.mark.parametrize("person", ["stranger", "colleague"])
def test_others_make_nothing_of_a_conversation(
    talk: Talk, person: str, client_of: ClientOf, request: pytest.FixtureRequest
) -> None:
    client = client_of(request.getfixturevalue(person))
    assert client.get(_address(talk)).status_code == 404
    assert client.post(_address(talk), {"text": CASE}).status_code == 404


def test_a_conversation_without_an_answer_says_so(
    make_talk: Callable[..., Talk], owner: User, client_of: ClientOf
) -> None:
    talk = make_talk()
    talk.prompt("Anyone?")
    page = client_of(owner).get(_address(talk)).content.decode()
    assert "This conversation has no answer yet to make a case of." in page
    assert "<textarea" not in page
