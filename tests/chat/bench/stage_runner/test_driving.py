"""Trials over HTTP: both kinds of cases, retries, the ledger, and going on after an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from chat.bench.cases import Case, Suite, read_suite
from chat.bench.stage_runner.driving import drive, results_in
from chat.bench.stage_runner.endpoint import Endpoint, Endpoints, build_client
from chat.bench.stage_runner.executor import CannotRun, HttpExecutor
from chat.bench.stage_runner.ledger import BadLedger, Ledger, heads_in, read_ledger
from chat.bench.stage_runner.suite_cases import try_suite_case, why_not
from chat.bench.stage_runner.test_case import TestCase
from chat.bench.stage_runner.test_cases import routes_of, try_test_case
from chat.bench.stage_runner.trials import TrialKey, TrialResult
from tests.chat.bench.stage_runner.plain_endpoint import CALL, PlainEndpoint


@pytest.fixture
def plain() -> Iterator[PlainEndpoint]:
    """A plain endpoint that needs no key."""
    with PlainEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def executor(plain: PlainEndpoint) -> AsyncIterator[HttpExecutor]:
    """The way to it."""
    async with build_client() as client:
        yield HttpExecutor(Endpoints(option=Endpoint.at(plain.url)), client)


def key(case_id: str = "a", number: int = 1) -> TrialKey:
    return TrialKey("traditional", "native", case_id, number)


def stage(**changes: Any) -> dict[str, Any]:
    return {
        "system_prompt": "",
        "user_prompt": "Hello there",
        "model_container": "traditional",
        "prompt_tool_spec": {"strategy": "chat_completion"},
    } | changes


JUDGE = stage(model_container="judge", user_prompt="Polite?", stream=True)


def case_of(**changes: Any) -> TestCase:
    return TestCase.model_validate({"id": "a", "stage_a": stage(), **changes})


async def test_a_case_without_evaluation_passes_with_an_answer(executor: HttpExecutor) -> None:
    result = await try_test_case(case_of(), key(), executor)
    assert (result.passed, result.status, result.category) == (True, "success", "chat_completion")
    assert result.output == {"type": "text", "text": "You said: Hello there"}


@pytest.mark.parametrize(
    ("verdict", "passed", "code"),
    [
        ("VERDICT: PASS", True, ""),
        ("VERDICT: FAIL, too short", False, "JUDGED_FAILED"),
        ("Who knows.", False, "JUDGE_FAILED"),
    ],
)
async def test_a_judge_decides_where_there_is_one(
    plain: PlainEndpoint, executor: HttpExecutor, verdict: str, passed: bool, code: str
) -> None:
    plain.verdict = verdict
    result = await try_test_case(case_of(evaluation=True, stage_b=JUDGE), key(), executor)
    assert (result.passed, result.code) == (passed, code)
    first, second = plain.asked
    assert first.path == "/completion/v1/chat"
    assert second.path == "/stream/v1/chat"
    assert second.body["user_prompt"].endswith("The output to judge:\nYou said: Hello there")


async def test_a_judge_that_fails_fails_the_case_and_says_so(
    plain: PlainEndpoint, executor: HttpExecutor
) -> None:
    plain.behaviours["Polite?"] = "cut"
    result = await try_test_case(case_of(evaluation=True, stage_b=JUDGE), key(), executor)
    assert (result.status, result.passed, result.code) == ("success", False, "JUDGE_FAILED")
    assert "without done" in result.message


async def test_an_error_answer_does_not_pass(plain: PlainEndpoint, executor: HttpExecutor) -> None:
    plain.behaviours["Hello"] = "no call"
    case = case_of(stage_a=stage(prompt_tool_spec={"strategy": "tool_call"}))
    result = await try_test_case(case, key(), executor)
    assert (result.passed, result.code, result.message) == (False, "ERROR", "No tool calls found.")


async def test_a_failing_stage_is_tried_again_as_often_as_asked(
    plain: PlainEndpoint, executor: HttpExecutor
) -> None:
    plain.behaviours["Hello"] = "500"
    executor.retries = 2
    result = await try_test_case(case_of(), key(), executor)
    assert (result.passed, result.tries, len(plain.asked)) == (False, 3, 3)
    assert len({asked.body["stage_id"] for asked in plain.asked}) == 3


async def test_a_refused_stage_is_not_asked_again(
    plain: PlainEndpoint, executor: HttpExecutor
) -> None:
    executor.retries = 2
    result = await try_test_case(case_of(), TrialKey("nobody", "native", "a", 1), executor)
    assert (result.http_status, len(plain.asked)) == (400, 1)


async def test_an_endpoint_that_asks_to_wait_is_asked_again_and_it_counts_as_one_try(
    plain: PlainEndpoint, executor: HttpExecutor
) -> None:
    plain.limited = 3
    result = await try_test_case(case_of(), key(), executor)
    assert (result.passed, result.tries, len(plain.asked)) == (True, 1, 4)


async def test_a_key_that_is_not_taken_stops_everything(
    plain: PlainEndpoint, executor: HttpExecutor
) -> None:
    plain.key = "wanted"
    with pytest.raises(CannotRun, match="does not take the key"):
        await try_test_case(case_of(), key(), executor)


async def test_an_endpoint_that_is_gone_stops_everything() -> None:
    async with build_client() as client:
        executor = HttpExecutor(Endpoints(option=Endpoint.at("http://127.0.0.1:9")), client)
        with pytest.raises(CannotRun, match="Nothing answers at"):
            await try_test_case(case_of(), key(), executor)


def suite_of(**case: Any) -> tuple[Suite, Case]:
    suite = read_suite(
        {"suite": "s", "cases": [{"id": "a", "prompt": "How warm is it in Lyon?", **case}]}
    )
    return suite, suite.cases[0]


WEATHER = {
    "calls": [
        {
            "tool": "get_current_temperature",
            "where": {"latitude": {"near": CALL["latitude"], "within": 0.1}},
        }
    ],
    "text": {"contains": ["12.5"]},
}


async def test_a_suites_case_is_judged_by_its_expectations(
    plain: PlainEndpoint, executor: HttpExecutor
) -> None:
    _, case = suite_of(expect=WEATHER)
    result = await try_suite_case(case, key(), executor, "traditional")
    assert result.passed, result.message
    assert [finding["ok"] for finding in result.findings] == [True] * 3
    (asked,) = plain.asked
    assert asked.path == "/stream/v1/toolchain"
    # Left to the route.
    assert "temperature" not in asked.body
    assert "max_tokens" not in asked.body


async def test_a_call_that_was_not_expected_is_found(executor: HttpExecutor) -> None:
    _, case = suite_of(expect={"no_calls": True})
    result = await try_suite_case(case, key(), executor, "traditional")
    assert (result.passed, result.code) == (False, "UNWANTED_CALL")
    assert "get_current_temperature" in result.message


async def test_a_rubric_is_judged_over_the_same_endpoint(
    plain: PlainEndpoint, executor: HttpExecutor
) -> None:
    _, case = suite_of(expect=WEATHER | {"judge": {"rubric": "Polite.", "route": "judge"}})
    plain.verdict = '{"pass": false, "reason": "Curt."}'
    result = await try_suite_case(case, key(), executor, "traditional")
    assert (result.passed, result.code) == (False, "JUDGED_FAILED")
    assert "Rubric:\nPolite." in plain.asked[-1].body["user_prompt"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ({"tools": ["get_current_temperature"]}, "chooses its tools"),
        ({"recorded": [{"tool": "t", "result": "x"}]}, "recorded"),
        ({"prompt": None, "turns": [{"prompt": "a"}, {"prompt": "b"}]}, "several turns"),
        ({"stream": False, "expect": {"no_calls": True}}, "looks at calls"),
        ({"stream": False, "expect": {"text": {"contains": ["x"]}}}, ""),
        ({"mode": "chat"}, ""),
    ],
)
def test_what_an_endpoint_cannot_do_is_told(case: dict[str, Any], words: str) -> None:
    suite, case_read = suite_of(**case)
    told = why_not(case_read, suite, "native")
    assert words in told
    assert bool(words) == bool(told)
    assert "call tools by text" in why_not(case_read, suite, "text")


KEYS = [key(number=number) for number in range(1, 6)]


async def attempt(one: TrialKey) -> TrialResult:
    return TrialResult(
        route=one.route,
        tool_mode=one.tool_mode,
        case_id=one.case_id,
        category="simple",
        number=one.number,
        status="success",
        passed=one.number % 2 == 0,
    )


async def test_a_run_that_was_cut_off_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    whole = Ledger.create(tmp_path, "cases", "d", len(KEYS))
    await drive(KEYS, attempt, whole, lambda _: None)

    async def ends_at_three(one: TrialKey) -> TrialResult:
        if one.number == 3:
            raise CannotRun("Gone.")
        return await attempt(one)

    path = tmp_path / "second"
    second = Ledger.create(path, "cases", "d", len(KEYS))
    with pytest.raises(CannotRun):
        await drive(KEYS, ends_at_three, second, lambda _: None)
    second.close()
    with path.open("ab") as file:
        file.write(b'{"route": "tradi')
    tried = []

    async def noted(one: TrialKey) -> TrialResult:
        tried.append(one.number)
        return await attempt(one)

    resumed = Ledger.reopen(path)
    await drive(KEYS, noted, resumed, lambda _: None, parallel=2)
    assert tried == [3, 4, 5]
    assert results_in(resumed) == results_in(whole)
    resumed.close()
    assert len(read_ledger(path)[1]) == 5
    whole.close()
    assert [(head.total, done) for _, head, done in heads_in(tmp_path)] == [(5, 5)]


async def test_side_by_side_means_as_many_as_asked(tmp_path: Path) -> None:
    at_once, most, both = 0, 0, asyncio.Event()

    async def meets(one: TrialKey) -> TrialResult:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == 2:
            both.set()
        if one.number < 3:
            async with asyncio.timeout(10):
                await both.wait()
        at_once -= 1
        return await attempt(one)

    ledger = Ledger.create(tmp_path, "cases", "d", len(KEYS))
    await drive(KEYS, meets, ledger, lambda _: None, parallel=2)
    ledger.close()
    assert most == 2


def test_a_state_file_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "run", "cases", "d", 1)
    with pytest.raises(BadLedger, match="Another process"):
        Ledger.reopen(tmp_path / "run")
    ledger.close()
    Ledger.reopen(tmp_path / "run").close()


def test_a_file_that_is_no_state_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "notes"
    other.write_text("Buy milk.\n")
    with pytest.raises(BadLedger, match="not the state of a run"):
        Ledger.reopen(other)
    assert other.read_text() == "Buy milk.\n"


def test_the_commands_routes_stand_for_the_cases_own() -> None:
    assert routes_of(case_of(), []) == ("traditional",)
    assert routes_of(case_of(), ["x", "y"]) == ("x", "y")
    assert routes_of(case_of(stage_a=stage(model_container="")), []) == ()


async def test_the_client_follows_no_redirect_and_keeps_no_cookie() -> None:
    async with build_client() as client:
        assert isinstance(client, httpx2.AsyncClient)
        assert not client.follow_redirects
