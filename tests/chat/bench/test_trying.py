"""Trials through the real runner: on the demo routes, and on a server that says what it is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.database import run_in_pool
from chat.models import Message, ModelRoute, Stage, ToolRun
from tests.chat.bench.conftest import a_case, a_suite, carried_out
from tests.replay import ReplayServer, chat_stream, tool_stream

WEATHER = {"latitude": 48.86, "longitude": 2.35}


async def test_a_trial_is_a_stage_like_any_other(demo: None, tester: User) -> None:
    await run_in_pool(
        ModelRoute.objects.filter(slug="demo").update,
        price_input=Decimal(2),
        price_output=Decimal(10),
        currency="EUR",
    )
    case = a_case(
        "paris", expect={"calls": [{"tool": "get_weather"}], "text": {"contains": ["21"]}}
    )
    (trial,) = await carried_out(tester, a_suite(case), "demo")
    assert (trial.status, trial.passed, trial.code, trial.message) == ("success", True, "", "")
    assert [finding["ok"] for finding in trial.findings] == [True, True, True]
    stage = trial.stage
    assert stage is not None
    assert (stage.status, stage.owner_id) == ("done", tester.pk)
    assert (stage.conversation.source, stage.conversation.title) == ("bench", "small: paris, try 1")
    assert stage.tools == ["get_weather"]
    assert trial.execution_ms == stage.timings["total_ms"]
    assert trial.first_token_ms == stage.timings["first_token_ms"]
    assert trial.request_ms is not None
    assert trial.request_ms >= trial.execution_ms >= (trial.upstream_ms or 0)
    tokens = (stage.usage["input_tokens"], stage.usage["output_tokens"])
    assert (trial.input_tokens, trial.output_tokens) == tokens
    assert (trial.cost, trial.currency) == (
        (tokens[0] * 2 + tokens[1] * 10) / Decimal(10**6),
        "EUR",
    )
    assert trial.started_at
    assert trial.ended_at


async def test_recorded_results_are_what_the_model_reads(demo: None, tester: User) -> None:
    recorded = [
        {"tool": "get_weather", "arguments": {"latitude": 1}, "result": "never"},
        {"tool": "get_weather", "arguments": {}, "result": "It rains frogs."},
    ]
    (trial,) = await carried_out(tester, a_suite(a_case("frogs", recorded=recorded)), "demo")
    run = await run_in_pool(ToolRun.objects.get, stage=trial.stage_id)
    assert (run.status, run.result) == ("ok", "It rains frogs.")


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        ([], "There is no recorded result for get_weather"),
        ([{"tool": "get_weather", "error": "The station is closed."}], "The station is closed."),
    ],
)
async def test_a_call_without_a_recorded_result_is_a_tool_error(
    demo: None, tester: User, recorded: list[dict[str, Any]], words: str
) -> None:
    (trial,) = await carried_out(tester, a_suite(a_case("none", recorded=recorded)), "demo")
    run = await run_in_pool(ToolRun.objects.get, stage=trial.stage_id)
    assert run.status == "error"
    assert words in run.result
    assert trial.passed


async def test_what_was_not_as_expected_is_told_with_its_code(demo: None, tester: User) -> None:
    case = a_case("rome", expect={"calls": [{"tool": "get_weather", "arguments": {"latitude": 0}}]})
    (trial,) = await carried_out(tester, a_suite(case), "demo")
    assert (trial.status, trial.passed, trial.code) == ("success", False, "WRONG_ARGUMENTS")
    assert trial.message.startswith("the call used latitude 48.")


@pytest.mark.parametrize(
    ("more", "route", "code"),
    [
        ({}, "demo-fails", "upstream_failed"),
        ({"tools": ["no_such_tool"]}, "demo", "UNKNOWN_TOOLS"),
    ],
)
async def test_a_trial_without_an_output_has_failed(
    demo: None, tester: User, more: dict[str, Any], route: str, code: str
) -> None:
    suite = a_suite(a_case("bad", "Tell me a long story about everything.", **more))
    (trial,) = await carried_out(tester, suite, route)
    assert (trial.status, trial.passed, trial.code) == ("failed", False, code)
    assert trial.message


async def test_a_route_that_was_switched_off_meanwhile_fails_its_trials(
    demo: None, tester: User
) -> None:
    from chat.bench.here import run_here
    from tests.chat.bench.conftest import make_run, trials_of

    run = await make_run(tester, a_suite(a_case("off")), "demo")
    await run_in_pool(ModelRoute.objects.filter(slug="demo").update, enabled=False)
    await run_here(run)
    (trial,) = await trials_of(run)
    assert (trial.status, trial.code) == ("failed", "route_disabled")


async def test_turns_stand_in_one_conversation(demo: None, tester: User) -> None:
    turns = [
        {"prompt": "How warm is it in Paris?", "expect": {"calls": [{"tool": "get_weather"}]}},
        {"prompt": "Thank you.", "expect": {"no_calls": True}},
    ]
    case = a_case("talk", category="multi_turn", turns=turns)
    del case["prompt"], case["expect"]
    (trial,) = await carried_out(tester, a_suite(case), "demo")
    assert trial.passed, trial.message
    assert [finding.get("turn") for finding in trial.findings] == [1, 1, 2]
    assert trial.stage is not None
    roles = Message.objects.filter(conversation=trial.stage.conversation_id).values_list(
        "role", flat=True
    )
    assert await run_in_pool(list, roles) == ["user", "assistant", "user", "assistant"]
    stages = Stage.objects.filter(conversation=trial.stage.conversation_id)
    totals = await run_in_pool(list, stages.values_list("timings__total_ms", flat=True))
    assert trial.execution_ms == sum(totals)


async def test_no_call_without_synthesis_is_what_a_case_may_want(demo: None, tester: User) -> None:
    case = a_case("hello", "Hello!", synthesis=False, expect={"no_calls": True})
    (trial,) = await carried_out(tester, a_suite(case), "demo")
    assert (trial.status, trial.passed) == ("success", True)
    assert trial.stage is not None
    assert trial.stage.error_code == "no_tool_calls"


async def test_calls_in_the_prompt_are_asked_for_and_read_as_text(
    routed: ModelRoute, replay: ReplayServer, process: Any, tester: User
) -> None:
    call = '<tool_call>{"name": "get_weather", "arguments": {"latitude": 1, "longitude": 2}}'
    replay.answer_with([chat_stream([call, "</tool_call>"]), chat_stream(["It is 21.5 °C."])])
    case = a_case("text", expect={"calls": [{"tool": "get_weather", "arguments": {"latitude": 1}}]})
    (trial,) = await carried_out(tester, a_suite(case), "small/text")
    assert trial.passed, trial.message
    assert trial.stage is not None
    assert (trial.tool_mode, trial.stage.tool_mode) == ("text", "text")
    # That calls come as text is what was asked for, and no deviation.
    assert (trial.stage.repairs_count, trial.repairs) == (1, 0)
    assert "tools" not in replay.exchanges[0].request.json


async def test_mended_arguments_are_judged_as_numbers_and_counted_as_repairs(
    routed: ModelRoute, replay: ReplayServer, process: Any, tester: User
) -> None:
    broken = tool_stream([("get_weather", "{'latitude': 45.7, 'longitude': 4.8}")])
    replay.answer_with([broken, chat_stream(["Warm."])])
    case = a_case(
        "mended", expect={"calls": [{"tool": "get_weather", "arguments": {"latitude": 45.7}}]}
    )
    (trial,) = await carried_out(tester, a_suite(case), "small")
    assert trial.passed, trial.message
    assert trial.repairs >= 1
