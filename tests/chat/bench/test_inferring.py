"""Cases made of stored conversations, and that they pass when they are repeated."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.bench.cases import load_suite, suite_yaml
from chat.bench.here import run_here
from chat.bench.inferring import case_id, infer_case, infer_suite
from chat.database import run_in_pool
from chat.models import Conversation, Message, ModelRoute
from chat.services.bench import create_run
from chat.services.refusals import Refused
from tests.chat.bench.conftest import a_case, a_suite, carried_out, trials_of
from tests.chat.bench.rows import a_run, a_stage

PARIS, ROME = {"latitude": 48.9}, {"latitude": 41.9}


def inferred(user: User, conversation_id: uuid.UUID) -> dict[str, Any]:
    return infer_case(user, conversation_id).as_json()


def test_a_single_call_is_expected_with_its_arguments_and_recorded(
    owner: User, route: ModelRoute
) -> None:
    stage = a_stage(owner, route, "How warm is it in Paris?", "21 °C")
    a_run(stage, "get_weather", PARIS, result='{"temperature_c":21.5}')
    assert inferred(owner, stage.conversation_id) == {
        "id": "how_warm_is_it_in_paris",
        "category": "simple",
        "description": "From the conversation “How warm is it in Paris?”.",
        "tools": ["get_weather"],
        "prompt": "How warm is it in Paris?",
        "recorded": [
            {
                "tool": "get_weather",
                "arguments": PARIS,
                "match": "exact",
                "result": {"temperature_c": 21.5},
            }
        ],
        "expect": {"calls": [{"tool": "get_weather", "arguments": PARIS}]},
    }


@pytest.mark.parametrize(
    ("rounds", "expect", "category"),
    [
        ((1, 1), {"parallel": True}, "parallel"),
        ((1, 2), {"order": "as_listed"}, "simple"),
        ((1, 1, 2), {}, "simple"),
    ],
)
def test_rounds_become_parallel_or_order_or_round_numbers(
    owner: User, route: ModelRoute, rounds: tuple[int, ...], expect: dict[str, Any], category: str
) -> None:
    stage = a_stage(owner, route)
    for at, number in enumerate(rounds):
        a_run(stage, "get_weather", {"latitude": at}, round=number)
    case = inferred(owner, stage.conversation_id)
    calls = case["expect"].pop("calls")
    assert (case["expect"], case["category"]) == (expect, category)
    numbered = tuple(call.get("round") for call in calls)
    assert numbered == (rounds if not expect else (None,) * len(rounds))


@pytest.mark.parametrize(
    ("answer", "more", "expect", "category"),
    [
        ("Hello.", {}, {"no_calls": True}, "irrelevance"),
        ("Which city?", {}, {"asks": True}, "missing_parameter"),
        ("Hello.", {"mode": "chat", "synthesis": False, "tools": []}, {}, "irrelevance"),
    ],
)
def test_no_call_is_expected_where_none_was_made(
    owner: User, route: ModelRoute, answer: str, more: dict[str, Any], expect: Any, category: str
) -> None:
    stage = a_stage(owner, route, "Hi", answer, **more)
    case = infer_case(owner, stage.conversation_id)
    assert (case.expect.model_dump(exclude_unset=True), case.category) == (expect, category)
    assert case.mode == stage.mode


def test_several_tools_offered_make_a_case_of_multiple(owner: User, route: ModelRoute) -> None:
    stage = a_stage(owner, route, tools=["get_weather", "find_place"])
    a_run(stage, "get_weather", PARIS)
    assert infer_case(owner, stage.conversation_id).category == "multiple"


def test_errors_are_recorded_and_calls_that_were_not_valid_are_left_out(
    owner: User, route: ModelRoute
) -> None:
    stage = a_stage(owner, route)
    a_run(
        stage, "get_weather", PARIS, status="error", error="Closed.", result="[Tool Error] Closed."
    )
    a_run(stage, "get_weather", {"x": 1}, status="invalid", valid=False)
    a_run(stage, "get_weather", ROME, result="cut", whole_result="the whole")
    case = infer_case(owner, stage.conversation_id)
    assert [(one.error, one.result) for one in case.recorded] == [
        ("Closed.", None),
        (None, "the whole"),
    ]
    assert [call.arguments for call in case.expect.calls] == [PARIS, ROME]


def test_the_newest_branch_becomes_turns(owner: User, route: ModelRoute) -> None:
    first = a_stage(owner, route, "How warm is it in Paris?")
    a_run(first, "get_weather", PARIS)
    old, new = (
        a_stage(owner, route, prompt, conversation=first.conversation, parent=first.message)
        for prompt in ("And in Oslo?", "And in Rome?")
    )
    a_run(old, "get_weather", {"latitude": 59})
    a_run(new, "get_weather", ROME)
    case = infer_case(owner, first.conversation_id)
    assert case.category == "multi_turn"
    assert [turn.prompt for turn in case.all_turns] == ["How warm is it in Paris?", "And in Rome?"]
    assert case.all_turns[1].expect.calls[0].arguments == ROME
    assert [one.arguments for one in case.recorded] == [PARIS, ROME]


def test_what_differs_from_the_usual_is_kept(owner: User, route: ModelRoute) -> None:
    stage = a_stage(owner, route, system_prompt="Be brief.", stream=False, synthesis=False)
    case = infer_case(owner, stage.conversation_id)
    assert (case.system_prompt, case.stream, case.synthesis) == ("Be brief.", False, False)


def test_nobody_makes_a_case_of_what_they_may_not_read(
    owner: User, stranger: User, colleague: User, reviewer: User, route: ModelRoute
) -> None:
    conversation_id = a_stage(owner, route).conversation_id
    for user in (stranger, colleague):
        with pytest.raises(Refused) as refused:
            infer_case(user, conversation_id)
        assert refused.value.code == "not_found"
    assert infer_case(reviewer, conversation_id)


def test_what_no_case_can_repeat_is_refused_in_words(owner: User, route: ModelRoute) -> None:
    empty = Conversation.objects.create(owner=owner)
    with pytest.raises(Refused, match="no answer yet"):
        infer_case(owner, empty.pk)
    with pytest.raises(Refused, match="caller's own"):
        infer_case(owner, a_stage(owner, route, caller_tools=[{"a": 1}]).conversation_id)
    given = Message.objects.create(conversation=empty, role="assistant", content="From elsewhere.")
    a_stage(owner, route, conversation=empty, parent=given)
    with pytest.raises(Refused, match="history"):
        infer_case(owner, empty.pk)


def test_a_suite_of_conversations_is_yaml_that_reads_back(owner: User, route: ModelRoute) -> None:
    made = [a_stage(owner, route, "Same title").conversation_id for _ in range(3)]
    suite = infer_suite(owner, made, "From conversations")
    assert [case.id for case in suite.cases] == ["same_title", "same_title_2", "same_title_3"]
    assert load_suite(suite_yaml(suite)) == suite


@pytest.mark.parametrize(
    ("title", "made"),
    [
        ("Wie warm ist es in Zürich?", "wie_warm_ist_es_in_zurich"),
        ("東京の天気", "fallback"),
        ("  -- ", "fallback"),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_title_becomes_an_id(title: str, made: str) -> None:
    assert case_id(title, "fallback") == made


def test_a_conversation_is_read_in_a_constant_number_of_queries(
    owner: User, route: ModelRoute, django_assert_num_queries: Any
) -> None:
    stage = a_stage(owner, route)
    for _ in range(5):
        a_run(stage, "get_weather", PARIS)
        stage = a_stage(owner, route, conversation=stage.conversation, parent=stage.message)
    owner.has_perm("chat.review")
    with django_assert_num_queries(4):
        assert len(infer_case(owner, stage.conversation_id).all_turns) == 6


async def test_a_case_made_of_a_conversation_passes_again(demo: None, tester: User) -> None:
    first = a_case("weather", "How warm is it in Paris and in Rome?")
    del first["expect"]
    (trial,) = await carried_out(tester, a_suite(first), "demo")
    assert trial.stage is not None
    suite = await run_in_pool(infer_suite, tester, [trial.stage.conversation_id], "again")
    assert suite.cases[0].category == "parallel"
    run = await run_in_pool(create_run, tester, suite, [("demo", "native")], in_process=True)
    await run_here(run)
    (again,) = await trials_of(run)
    assert again.passed, again.message
