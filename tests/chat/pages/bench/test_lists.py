"""The bench's list of suites and runs: who sees what, how far runs are, page by page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import BenchSuite
from chat.pages.bench.listing import PAGE_SIZE
from tests.chat.pages.bench.rows import made_case, make_run

ClientOf = Callable[[User | None], Client]


def _read(client: Client, path: str = "/bench/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_bench_says_what_it_is_for_and_what_to_do(
    owner: User, client_of: ClientOf
) -> None:
    page = _read(client_of(owner))
    assert "Nothing has been run yet" in page
    assert 'href="/bench/shipped/starter/#start"' in page
    assert 'href="/bench/" aria-current="page">Bench' in page


def test_runs_stand_newest_first_with_state_progress_and_success(
    owner: User, client_of: ClientOf
) -> None:
    make_run(owner, {"qwen": [5, 5, 2]})
    make_run(owner, {"qwen": [5, 5, 5]}, ended=6, status="running", ended_at=None)
    page = _read(client_of(owner))
    assert page.index("Run 2") < page.index("Run 1")
    rows = re.findall(r'<tr>\s*<th scope="row".*?</tr>', page, re.DOTALL)
    assert "Running 6 of 15" in rows[0]
    assert "100\u00a0%" in rows[0]
    assert "Done" in rows[1]
    assert "12 of 15 tries" in rows[1]
    assert "80\u00a0%" in rows[1]
    assert "data-active" in page


def test_others_see_neither_suites_nor_runs_of_a_person(
    owner: User, colleague: User, reviewer: User, client_of: ClientOf
) -> None:
    make_run(owner, {"qwen": [5, 5, 5]}, suite_name="secret suite")
    BenchSuite.objects.create(owner=owner, name="secret cases", cases=[made_case("a")])
    page = _read(client_of(colleague))
    assert "secret" not in page
    assert "Nothing has been run yet" in page
    seen = _read(client_of(reviewer))
    assert "secret suite" in seen
    assert "secret cases" in seen


def test_the_list_goes_on_page_by_page_without_losing_or_repeating_a_run(
    owner: User, client_of: ClientOf
) -> None:
    for _ in range(PAGE_SIZE + 3):
        make_run(owner, {"qwen": [1]}, cases=[("a", "simple")], tries=1)
    client = client_of(owner)
    first = _read(client)
    more = re.search(r'href="(\?after=[^"]+)"', first)
    assert more
    second = _read(client, f"/bench/{more[1]}")
    shown = [int(number) for page in (first, second) for number in re.findall(r">Run (\d+)<", page)]
    assert shown == list(range(PAGE_SIZE + 3, 0, -1))
    assert "?after=" not in second


@pytest.mark.parametrize("after", ["x", "%00", "bm90IGEgY3Vyc29y", "=" * 300])
def test_a_wrong_place_to_go_on_from_shows_the_newest(
    owner: User, client_of: ClientOf, after: str
) -> None:
    make_run(owner, {"qwen": [1]}, cases=[("a", "simple")], tries=1)
    assert "Run 1" in _read(client_of(owner), f"/bench/?after={after}")


def test_the_list_costs_the_same_queries_however_long_it_is_and_reads_no_body(
    owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    make_run(owner, {"qwen": [5, 5, 5]})
    BenchSuite.objects.create(owner=owner, name="one", cases=[made_case("a"), made_case("b")])
    client.get("/bench/")
    with CaptureQueriesContext(connection) as short:
        client.get("/bench/")
    for number in range(10):
        make_run(owner, {"qwen": [5, 5, 5]})
        BenchSuite.objects.create(owner=owner, name=f"more {number}", cases=[made_case("a")])
    with CaptureQueriesContext(connection) as long:
        page = client.get("/bench/").content.decode()
    assert len(long) == len(short) <= 8
    assert "2 cases" in page
    read = "\n".join(query["sql"] for query in long)
    assert '"chat_benchrun"."cases"' not in read
    assert '"chat_benchtrial"."findings"' not in read


def test_the_part_is_the_runs_alone(owner: User, client_of: ClientOf) -> None:
    make_run(owner, {"qwen": [5, 5, 5]})
    part = _read(client_of(owner), "/bench/?part=1")
    assert "<html" not in part
    assert "Run 1" in part
    assert "starter" not in part


def test_conversations_of_the_bench_stand_in_no_conversation_list(
    owner: User, client_of: ClientOf, make_talk: Callable[..., object]
) -> None:
    make_talk(source="bench")
    client = client_of(owner)
    for machines in ("0", "1"):
        rows = client.get(f"/conversations/?machines={machines}").json()["rows"]
        assert rows == []
