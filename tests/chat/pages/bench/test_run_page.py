"""A run's page: the grid, the chosen cell, charts, comparison, and who sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import BenchRun, BenchTrial
from tests.chat.pages.bench.rows import make_run
from tests.chat.pages.conftest import Talk

ClientOf = Callable[[User | None], Client]

PASSES: dict[str, list[int | None]] = {"qwen": [5, 2, None], "demo": [4, 0, 5]}


def _page(run: BenchRun, query: str = "") -> str:
    return f"/bench/runs/{run.pk}/{query}"


def _read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def _cell(page: str, case: str, target: str) -> str:
    found = re.search(rf'<a class="bench-cell"[^>]*aria-label="{case} on {target}:.*?</a>', page)
    assert found, f"no cell for {case} on {target}"
    return found[0]


@pytest.fixture
def run(owner: User) -> BenchRun:
    return make_run(owner, PASSES)


def test_each_cell_says_how_many_tries_passed_in_digits_tint_and_words(
    run: BenchRun, owner: User, client_of: ClientOf
) -> None:
    page = _read(client_of(owner), _page(run))
    for case, target, digits, tone, words in (
        ("single_weather", "qwen", "5/5", "all", "5 of 5 tries passed"),
        ("parallel_two_cities", "qwen", "2/5", "some", "2 of 5 tries passed"),
        ("no_tool_needed", "qwen", "not run", "not-run", "not run"),
        ("single_weather", "demo", "4/5", "most", "4 of 5 tries passed"),
        ("parallel_two_cities", "demo", "0/5", "none", "0 of 5 tries passed"),
    ):
        cell = _cell(page, case, target)
        assert f"<span>{digits}</span>" in cell
        assert f'data-tone="{tone}"' in cell
        assert words in cell


def test_the_head_says_what_was_run_and_the_rows_below_what_came_of_it(
    run: BenchRun, owner: User, client_of: ClientOf
) -> None:
    page = _read(client_of(owner), _page(run))
    assert "3 cases, 2 routes, 5 tries each: 25 tries in 6\u00a0min 41\u00a0s, 5 not run." in page
    sums = dict(re.findall(r'<tr class="bench-sums.*?<th[^>]*>(.*?)</th>(.*?)</tr>', page))
    assert re.findall("<td>(.*?)</td>", sums["pass^1"]) == ["0.70", "0.60"]
    assert re.findall("<td>(.*?)</td>", sums["pass^5"]) == ["0.50", "0.33"]
    assert re.findall("<td>(.*?)</td>", sums["Cost of the run"]) == ["€\u00a00.07", "no price"]
    assert "–" in re.findall("<td>(.*?)</td>", sums["First token, p50"]) or " ms" not in page


@pytest.mark.parametrize(
    ("show", "words"),
    [("time", "ms"), ("cost", "€\u00a00.03"), ("repairs", "0 repairs"), ("nonsense", "5/5")],
)
def test_the_cells_show_what_is_chosen(
    run: BenchRun, owner: User, client_of: ClientOf, show: str, words: str
) -> None:
    page = _read(client_of(owner), _page(run, f"?show={show}"))
    assert words in _cell(page, "single_weather", "qwen")


def test_a_chosen_cell_tells_each_try_in_words_and_leads_to_its_stage(
    run: BenchRun, owner: User, client_of: ClientOf, make_talk: Callable[..., Talk]
) -> None:
    talk = make_talk(source="bench")
    stage = talk.toolchain("How warm is it?", "Warm.")
    tried = BenchTrial.objects.filter(run=run, case_id="parallel_two_cities", route="qwen")
    tried.filter(number=1).update(stage=stage)
    client = client_of(owner)
    page = _read(client, _page(run, "?case=parallel_two_cities&on=qwen"))
    assert "qwen passed <strong>2 of 5</strong> tries." in page
    assert page.count("second call used “city”") == 3
    assert page.count("2 valid calls") == 2
    assert "0.12 to 0.77" in page
    address = f"/c/{talk.conversation.pk}/?leaf={stage.pk}#stage-{stage.pk}"
    assert f'href="{address}"' in page
    conversation = _read(client, address)
    assert f'id="stage-{stage.pk}"' in conversation
    back = f"/bench/runs/{run.pk}/?case=parallel_two_cities&amp;on=qwen"
    assert f'href="{back}">Back to Run 1<' in conversation


def test_a_try_that_failed_says_what_first_and_the_rest_in_short(
    run: BenchRun, owner: User, client_of: ClientOf
) -> None:
    wrong = [{"ok": False, "what": f"wrong {n}", "detail": f"why {n}"} for n in range(5)]
    wrong[1]["what"] = "long " * 40
    tried = BenchTrial.objects.filter(run=run, case_id="single_weather", route="qwen")
    tried.filter(number=1).update(passed=False, findings=wrong)
    tried.filter(number=2).update(
        passed=False, status="failed", findings=[], code="ROUTE_GONE", message="The route is gone."
    )
    page = _read(client_of(owner), _page(run, "?case=single_weather&on=qwen"))
    for words in ("wrong 0", "why 0", "wrong 2", "and 2 more", "The route is gone.", "ROUTE_GONE"):
        assert words in page
    for words in ("why 1", "wrong 3", "long " * 20):
        assert words not in page


def test_a_judged_try_leads_to_the_judges_stage_too(
    run: BenchRun, owner: User, client_of: ClientOf, make_talk: Callable[..., Talk]
) -> None:
    judge = make_talk(source="bench").turn("Is it right?", "It is.")
    verdict = {"ok": True, "what": "the judge is content", "stage_id": str(judge.pk)}
    tried = BenchTrial.objects.filter(run=run, case_id="single_weather", route="qwen", number=3)
    tried.update(findings=[verdict])
    page = _read(client_of(owner), _page(run, "?case=single_weather&on=qwen"))
    assert f'href="/c/{judge.conversation_id}/?leaf={judge.pk}#stage-{judge.pk}">Judge<' in page


def test_without_a_choice_the_first_trouble_is_shown_but_not_while_the_run_goes(
    run: BenchRun, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    assert "demo passed <strong>4 of 5</strong>" in _read(client, _page(run))
    BenchRun.objects.filter(pk=run.pk).update(status="running")
    assert "No cell is chosen" in _read(client, _page(run))


@pytest.mark.parametrize(
    "query", ["?case=no_such_case&on=qwen", "?case=single_weather&on=gone", "?against=%00&on=,,"]
)
def test_what_an_address_does_not_know_is_as_if_it_were_absent(
    run: BenchRun, owner: User, client_of: ClientOf, query: str
) -> None:
    assert _read(client_of(owner), _page(run, query))


def test_a_comparison_marks_what_regressed_with_glyph_and_words_and_lists_it(
    owner: User, client_of: ClientOf
) -> None:
    before = make_run(owner, {"qwen": [5, 5, 3]})
    run = make_run(owner, {"qwen": [5, 1, 4]}, baseline=before)
    client = client_of(owner)
    plain = _read(client, _page(run))
    assert "1 cell worse than in run 1" in plain
    assert "was 5/5" not in plain
    page = _read(client, _page(run, f"?against={before.pk}&case=parallel_two_cities&on=qwen"))
    cell = _cell(page, "parallel_two_cities", "qwen")
    assert "#arrow-down" in cell
    assert "was 5/5" in cell
    assert "worse than before: 5 of 5" in cell
    assert "was 3/5" in _cell(page, "no_tool_needed", "qwen")
    assert "was" not in _cell(page, "single_weather", "qwen")
    changes = page[page.index('id="run-changes"') : page.index('id="run-cell"')]
    assert changes.index("Regressed") < changes.index("Improved")
    assert "5 of 5, now 1 of 5; more than noise" in changes
    assert '<dt>Since run 1</dt><dd class="cell-worse">\u22124 passes</dd>' in page


def test_only_ended_runs_of_the_same_suite_are_offered_for_comparison(
    owner: User, client_of: ClientOf
) -> None:
    make_run(owner, {"qwen": [5, 5, 5]}, suite_name="another")
    make_run(owner, {"qwen": [5, 5, 5]}, status="running", ended_at=None)
    run = make_run(owner, {"qwen": [5, 5, 5]})
    assert "Against run" not in _read(client_of(owner), _page(run))


def test_the_line_chart_tells_its_figures_in_words_and_as_a_table(
    run: BenchRun, owner: User, client_of: ClientOf
) -> None:
    page = _read(client_of(owner), _page(run))
    assert "demo: 0.60, 0.53, 0.47, 0.40, 0.33" in page
    assert "The figures as a table" in page
    assert "style=" not in page


def test_native_and_text_calls_of_a_route_stand_side_by_side(
    owner: User, client_of: ClientOf
) -> None:
    run = make_run(owner, {"demo": [5, 5, 5], "demo,text": [5, 0, 1]})
    page = _read(client_of(owner), _page(run, "?case=no_tool_needed&on=demo,text"))
    assert "Native against text" in page
    assert "+0.60, more than noise" in page
    assert "demo (text) passed <strong>1 of 5</strong>" in page


def test_while_it_runs_the_page_has_progress_and_stop_and_asks_for_what_is_new(
    owner: User, client_of: ClientOf
) -> None:
    run = make_run(owner, PASSES, ended=12, status="running", ended_at=None)
    client = client_of(owner)
    page = _read(client, _page(run, "?part=1"))
    assert "<html" not in page
    assert "12 of 30 tries done." in page
    assert f"/bench/runs/{run.pk}/stop/" in page
    assert "data-active" in page
    assert 'data-tone="live"' in _cell(page, "parallel_two_cities", "qwen")
    assert "waiting" in _cell(page, "no_tool_needed", "demo")
    state = re.search(r'data-state="([^"]+)"', page)
    assert state
    seen = f"?part=1&seen={state[1]}"
    assert client.get(_page(run, seen)).status_code == 204
    BenchTrial.objects.filter(run=run, position=12).update(status="executing")
    assert client.get(_page(run, seen)).status_code == 200


def test_a_stopped_run_says_why_and_offers_to_run_the_rest(
    owner: User, client_of: ClientOf
) -> None:
    run = make_run(owner, PASSES, ended=3, status="stopped", problem="It was stopped by a person.")
    client = client_of(owner)
    page = _read(client, _page(run))
    assert "It was stopped by a person." in page
    assert "Run the rest" in page
    client.post(_page(run) + "resume/")
    run.refresh_from_db()
    assert run.status == "queued"
    assert "Waits for its turn." in _read(client, _page(run))
    client.post(_page(run) + "stop/")
    run.refresh_from_db()
    assert run.status == "stopped"


def test_running_again_makes_a_run_of_the_same_cases_compared_with_this_one(
    owner: User, client_of: ClientOf, route: Any
) -> None:
    run = make_run(owner, {"small": [5, 5, 5]})
    answer = client_of(owner).post(_page(run) + "again/")
    made = BenchRun.objects.exclude(pk=run.pk).get()
    assert answer["Location"] == _page(made)
    assert (made.cases, made.targets, made.tries) == (run.cases, run.targets, run.tries)
    assert made.baseline_id == run.pk
    assert made.number == 2


def test_running_again_on_a_route_that_is_gone_says_so(owner: User, client_of: ClientOf) -> None:
    run = make_run(owner, {"gone": [5, 5, 5]})
    answer = client_of(owner).post(_page(run) + "again/", follow=True)
    assert "You can use no model route “gone”." in answer.content.decode()


def test_a_run_is_deleted_after_a_question(run: BenchRun, owner: User, client_of: ClientOf) -> None:
    client = client_of(owner)
    assert "Delete run 1?" in _read(client, _page(run) + "delete/")
    assert "Run 1 is deleted." in client.post(_page(run) + "delete/", follow=True).content.decode()
    assert not BenchRun.objects.exists()


@pytest.mark.parametrize(
    ("form", "start", "kind"),
    [("csv", "", "text/csv"), ("json", "{", "application/json"), ("junit", "<", "application/xml")],
)
def test_a_run_is_exported(
    run: BenchRun, owner: User, client_of: ClientOf, form: str, start: str, kind: str
) -> None:
    answer = client_of(owner).get(f"{_page(run)}export/{form}/")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(kind)
    assert answer.content.decode().startswith(start)
    assert 'attachment; filename="Tool-calling-core-1.' in answer["Content-Disposition"]
    assert client_of(owner).get(f"{_page(run)}export/pdf/").status_code == 404


@pytest.mark.parametrize("person", ["stranger", "colleague"])
def test_others_learn_nothing_of_a_run(
    run: BenchRun, person: str, client_of: ClientOf, request: pytest.FixtureRequest
) -> None:
    client = client_of(request.getfixturevalue(person))
    assert client.get(_page(run)).status_code == 404
    assert client.get(f"/bench/runs/{uuid4()}/").status_code == 404
    for what in ("stop", "resume", "again", "delete"):
        assert client.post(f"{_page(run)}{what}/").status_code == 404
    own = make_run(request.getfixturevalue(person), {"qwen": [5, 5, 5]})
    page = _read(client, _page(own, f"?against={run.pk}"))
    assert "Since run" not in page


def test_a_reviewer_reads_a_run_and_changes_nothing(
    run: BenchRun, reviewer: User, client_of: ClientOf
) -> None:
    page = _read(client_of(reviewer), _page(run))
    assert "owner’s run, read only." in page
    assert "Run again" not in page
    assert "Delete this run" not in page


def test_a_page_costs_the_same_queries_however_large_the_run(
    owner: User, client_of: ClientOf
) -> None:
    small = make_run(owner, {"qwen": [5, 1, 3]})
    cases = [(f"case_{number}", "simple") for number in range(40)]
    large = make_run(
        owner, {name: [3] * 40 for name in ("a", "b", "c")}, cases=cases, suite_name="large"
    )
    client = client_of(owner)
    client.get(_page(small))
    with CaptureQueriesContext(connection) as few:
        client.get(_page(small))
    with CaptureQueriesContext(connection) as many:
        client.get(_page(large))
    assert len(many) == len(few)
    assert len(few) <= 10
