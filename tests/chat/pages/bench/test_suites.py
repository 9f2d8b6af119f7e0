"""Pages of suites: read, write, upload, download, delete, and start a run."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from chat.bench.cases import load_suite
from chat.models import BenchRun, BenchSuite, ModelRoute
from tests.chat.pages.bench.rows import made_case

ClientOf = Callable[[User | None], Client]

GOOD = """\
suite: weather
description: Two cases.
cases:
  - id: one
    prompt: How warm is it in Lyon?
    tools: [get_weather]
    expect: {calls: [{tool: get_weather}]}
  - id: two
    category: irrelevance
    prompt: Say hello.
    expect: {no_calls: true}
"""
WRONG = GOOD.replace("no_calls: true", "no_cals: true")


def _read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def suite(owner: User) -> BenchSuite:
    cases = [made_case("one", "simple"), made_case("two", "parallel")]
    return BenchSuite.objects.create(owner=owner, name="mine", cases=cases)


def test_the_shipped_suite_shows_its_cases_by_category(owner: User, client_of: ClientOf) -> None:
    page = _read(client_of(owner), "/bench/shipped/starter/")
    for category in ("Simple", "Multiple", "Parallel", "Irrelevance", "Multi-turn"):
        assert f">{category}, " in page
    assert "It comes with Toolbench and is read only." in page
    assert "/edit/" not in page


def test_what_is_downloaded_is_a_suite(suite: BenchSuite, owner: User, client_of: ClientOf) -> None:
    client = client_of(owner)
    for path, name, cases in (
        (f"/bench/suites/{suite.pk}/download/", "mine", 2),
        ("/bench/shipped/starter/download/", "starter", 60),
    ):
        answer = client.get(path)
        assert answer["Content-Disposition"] == f'attachment; filename="{name}.yaml"'
        assert len(load_suite(answer.content.decode()).cases) >= cases
    assert client.get("/bench/shipped/no-such/download/").status_code == 404
    assert client.get("/bench/shipped/no-such/").status_code == 404


def test_a_suite_is_written_and_shown(owner: User, client_of: ClientOf) -> None:
    answer = client_of(owner).post("/bench/suites/new/", {"text": GOOD}, follow=True)
    page = answer.content.decode()
    kept = BenchSuite.objects.get()
    assert answer.redirect_chain[-1][0] == f"/bench/suites/{kept.pk}/"
    assert "The suite “weather” is kept." in page
    assert "calls get_weather" in page
    assert "calls nothing" in page


def test_a_file_is_uploaded_in_place_of_the_text(owner: User, client_of: ClientOf) -> None:
    file = SimpleUploadedFile("cases.yaml", GOOD.replace("\n", "\r\n").encode("utf-8-sig"))
    client_of(owner).post("/bench/suites/new/", {"text": "suite: other", "file": file})
    assert BenchSuite.objects.get().name == "weather"


def test_a_file_that_is_no_text_is_refused_and_the_box_stays(
    owner: User, client_of: ClientOf
) -> None:
    file = SimpleUploadedFile("cases.yaml", b"\xff\xfe\x00s")
    answer = client_of(owner).post("/bench/suites/new/", {"text": GOOD, "file": file})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "The file is not text in UTF-8." in page
    assert "How warm is it in Lyon?" in page


def test_mistakes_name_case_and_field_and_the_text_stays_in_the_box(
    owner: User, client_of: ClientOf
) -> None:
    answer = client_of(owner).post("/bench/suites/new/", {"text": WRONG})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "two, expect.no_cals:" in page
    assert "no_cals: true}" in page
    assert not BenchSuite.objects.exists()


def test_a_name_in_use_may_be_replaced_on_request(owner: User, client_of: ClientOf) -> None:
    client = client_of(owner)
    client.post("/bench/suites/new/", {"text": GOOD})
    changed = {"text": GOOD.replace("Two cases.", "Another two.")}
    answer = client.post("/bench/suites/new/", changed)
    assert answer.status_code == 400
    assert "You have a suite “weather” already." in answer.content.decode()
    assert client.post("/bench/suites/new/", {**changed, "replace": "1"}).status_code == 302
    assert BenchSuite.objects.get().description == "Another two."


def test_a_suite_is_edited_and_deleted_after_a_question(
    suite: BenchSuite, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    page = f"/bench/suites/{suite.pk}/"
    assert "What one is about." in _read(client, f"{page}edit/")
    assert client.post(f"{page}edit/", {"text": WRONG}).status_code == 400
    client.post(f"{page}edit/", {"text": GOOD})
    suite.refresh_from_db()
    assert suite.name == "weather"
    assert "Delete the suite “weather”?" in _read(client, f"{page}delete/")
    answer = client.post(f"{page}delete/", follow=True)
    assert "The suite “weather” is deleted. Its runs are kept." in answer.content.decode()
    assert not BenchSuite.objects.exists()


def test_a_run_is_started_as_the_form_says(
    suite: BenchSuite, owner: User, client_of: ClientOf, route: ModelRoute, lab_route: ModelRoute
) -> None:
    sent = {
        "route": ["small", "lab-only"],
        "tool_mode": "both",
        "tries": "3",
        "category": ["simple", "parallel"],
    }
    answer = client_of(owner).post(f"/bench/suites/{suite.pk}/run/", sent)
    run = BenchRun.objects.get()
    assert answer["Location"] == f"/bench/runs/{run.pk}/"
    assert run.total == 2 * 2 * 2 * 3
    assert run.trials.count() == run.total
    assert (run.suite_name, run.tries, run.number, run.status) == ("mine", 3, 1, "queued")
    modes = [(target["route"], target["tool_mode"]) for target in run.targets]
    assert ("lab-only", "text") in modes


def test_only_the_chosen_categories_are_run(
    suite: BenchSuite, owner: User, client_of: ClientOf, route: ModelRoute
) -> None:
    sent = {"route": "small", "tool_mode": "native", "tries": "1", "category": "parallel"}
    client_of(owner).post(f"/bench/suites/{suite.pk}/run/", sent)
    assert [case["id"] for case in BenchRun.objects.get().cases] == ["two"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"route": []}, "Choose at least one route."),
        ({"route": ["lab-only"]}, "You can use no model route “lab-only”."),
        ({"tries": "11"}, "Choose from 1 to 10 tries."),
        ({"tries": "0"}, "Choose from 1 to 10 tries."),
        ({"tries": "many"}, "Choose from 1 to 10 tries."),
        ({"category": []}, "Choose at least one category of cases."),
        ({"tool_mode": "magic"}, "Choose native, text or both."),
    ],
)
def test_what_cannot_be_run_is_said_and_the_form_stays(
    suite: BenchSuite,
    stranger: User,
    client_of: ClientOf,
    route: ModelRoute,
    lab_route: ModelRoute,
    change: dict[str, object],
    words: str,
) -> None:
    sent = {"route": ["small"], "tool_mode": "text", "tries": "4", "category": ["simple"]}
    answer = client_of(stranger).post("/bench/shipped/starter/run/", {**sent, **change})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not BenchRun.objects.exists()


def test_the_form_offers_what_a_person_may_use_with_its_health(
    suite: BenchSuite,
    owner: User,
    stranger: User,
    client_of: ClientOf,
    route: ModelRoute,
    lab_route: ModelRoute,
) -> None:
    ModelRoute.objects.filter(pk=route.pk).update(check_status="online")
    ModelRoute.objects.filter(pk=lab_route.pk).update(enabled=False, check_status="offline")
    page = _read(client_of(owner), f"/bench/suites/{suite.pk}/")
    assert 'value="small" checked><span class="health" data-health="fine"' in page
    assert 'value="lab-only" disabled><span class="health" data-health="down"' in page
    assert "Switched off by an admin." in page
    assert "About 2 stages, estimated." in page
    assert "lab-only" not in _read(client_of(stranger), "/bench/shipped/starter/")


@pytest.mark.parametrize("person", ["stranger", "colleague"])
def test_others_learn_nothing_of_a_suite(
    suite: BenchSuite, person: str, client_of: ClientOf, request: pytest.FixtureRequest
) -> None:
    client = client_of(request.getfixturevalue(person))
    page = f"/bench/suites/{suite.pk}/"
    for path in (page, f"{page}edit/", f"{page}delete/", f"{page}download/"):
        assert client.get(path).status_code == 404
    for path in (f"{page}edit/", f"{page}delete/", f"{page}run/"):
        assert client.post(path, {"text": GOOD}).status_code == 404


def test_a_reviewer_reads_a_suite_and_cannot_change_it(
    suite: BenchSuite, reviewer: User, client_of: ClientOf
) -> None:
    client = client_of(reviewer)
    page = f"/bench/suites/{suite.pk}/"
    assert "owner’s suite, read only." in _read(client, page)
    assert client.get(f"{page}edit/").status_code == 404
    assert client.post(f"{page}delete/").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("id: A B\nprompt: Go.", "A B, id: use lower-case letters, digits, _ and -"),
        ("id: a\nprompt: 3", "a, prompt: write a text"),
        ("id: a", "a: give prompt or turns, one of them"),
        ("prompt: Go.", "case 1, id: this is missing"),
        ("id: a\nprompt: Go.\ncategory: hard", "a, category: write simple, multiple, parallel"),
        ("id: a\nprompt: Go.\nstream: 3", "a, stream: write true or false"),
        ("id: a\nprompt: Go.\nexpect: {count: {min: -1}}", "a, expect.count.min: write 0 or more"),
        ("id: a\nprompt: Go.\nexpect: []", "a, expect: write an object"),
        ("id: a\nprompt: Go.\ntools: x", "a, tools: write a list"),
    ],
)
def test_mistakes_are_told_in_plain_words(
    owner: User, client_of: ClientOf, wrong: str, words: str
) -> None:
    case = "  - " + wrong.replace("\n", "\n    ")
    answer = client_of(owner).post("/bench/suites/new/", {"text": f"suite: s\ncases:\n{case}\n"})
    assert answer.status_code == 400
    assert words in html.unescape(answer.content.decode())
