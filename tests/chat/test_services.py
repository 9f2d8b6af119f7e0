"""Starting stages: what is stored, and every refusal in a person's words."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, Message, ModelRoute, Stage, StageEvent, ToolRun
from chat.protocol import StageStart
from chat.services import (
    Refused,
    delete_conversation,
    rename_conversation,
    request_cancel,
)
from chat.services.creating import Accepted, create_stage
from chat.services.routes import save_route
from chat.services.starting import CONTINUE_PROMPT
from tools.models import ToolSetting

pytestmark = pytest.mark.django_db

PROCESS = "this-process"


def command(prompt: str = "Hello", **more: Any) -> StageStart:
    values = {"request_id": uuid.uuid4(), "mode": "chat", "prompt": prompt, **more}
    return StageStart(**values)


def start(user: User, prompt: str = "Hello", **more: Any) -> Accepted:
    return create_stage(user.pk, command(prompt, **more), "page", PROCESS)


def refusal(user: User, prompt: str = "Hello", **more: Any) -> Refused:
    counts = [model.objects.count() for model in (Conversation, Message, Stage, StageEvent)]
    with pytest.raises(Refused) as caught:
        start(user, prompt, **more)
    now = [model.objects.count() for model in (Conversation, Message, Stage, StageEvent)]
    assert now == counts, "a refused start leaves nothing behind"
    assert re.match(r"[A-Z].*\.$", caught.value.message, re.DOTALL)
    assert "!" not in caught.value.message
    return caught.value


def end(stage_id: uuid.UUID, answer: str = "Yes.", status: str = "done") -> Message | None:
    """End a stage as the journal would, with an answer if it said anything."""
    now = timezone.now()
    Stage.objects.filter(pk=stage_id).update(status=status, ended_at=now, lease_owner="")
    stage = Stage.objects.get(pk=stage_id)
    if not answer:
        return None
    turn = {"round": 1, "phase": "chat", "content": answer, "reasoning": "", "calls": []}
    return Message.objects.create(
        id=stage.message_id_reserved,
        conversation_id=stage.conversation_id,
        parent_id=stage.prompt_message_id,
        role="assistant",
        content=answer,
        turns=[turn],
        stage_id=stage_id,
        created_at=now,
    )


def history(accepted: Accepted) -> list[tuple[str, str]]:
    assert accepted.launch is not None
    return [(message.role, message.content) for message in accepted.launch.request.history]


def test_a_start_stores_stage_prompt_conversation_and_the_first_event(
    owner: User, route: ModelRoute
) -> None:
    accepted = start(owner, "What is  a\nshort title?", html=True)
    stage = Stage.objects.get(pk=accepted.stage_id)
    assert (stage.status, stage.lease_owner, stage.route) == ("running", PROCESS, route)
    assert stage.lease_expires_at is not None
    assert stage.conversation.title == "What is a short title?"
    assert stage.conversation.source == "page"
    assert stage.prompt_message.content == "What is  a\nshort title?"
    event = StageEvent.objects.get(stage=stage)
    assert (event.sequence_number, event.event) == (1, "stage_started")
    data = event.parsed_data()
    assert data["conversation_id"] == str(accepted.conversation_id)
    assert (data["mode"], data["model_route"], data["model"]) == ("chat", "small", "small-1")
    assert accepted.launch is not None
    assert accepted.launch.key.message_id == stage.message_id_reserved
    assert accepted.launch.request.temperature == (0.0, 0.0)
    assert accepted.launch.request.max_tokens == (1024, 1024)


def test_a_long_first_prompt_gives_a_short_title(owner: User, route: ModelRoute) -> None:
    accepted = start(owner, "word " * 60)
    title = Conversation.objects.get(pk=accepted.conversation_id).title
    assert len(title) == 80
    assert title.endswith("…")


def test_the_callers_numbers_and_prompt_win_over_the_routes(owner: User, route: ModelRoute) -> None:
    ModelRoute.objects.update(system_prompt="Be kind.")
    accepted = start(owner, temperature=[0.7, None], max_tokens=[None, 5])
    assert accepted.launch is not None
    request = accepted.launch.request
    assert (request.temperature, request.max_tokens) == ((0.7, None), (None, 5))
    assert request.system_prompt == "Be kind."
    end(accepted.stage_id)
    own = start(owner, system_prompt="")
    assert own.launch is not None
    assert own.launch.request.system_prompt == ""


def test_text_is_stored_as_every_database_takes_it(owner: User, route: ModelRoute) -> None:
    accepted = start(owner, "a\x00b", system_prompt="c\x00d")
    stage = Stage.objects.get(pk=accepted.stage_id)
    assert stage.prompt_message.content == "a\ufffdb"
    assert stage.system_prompt == "c\ufffdd"
    assert "\x00" not in stage.conversation.title


# --- routes ---


def test_without_a_route_the_default_is_taken_and_else_one_that_is_open(
    owner: User, stranger: User, route: ModelRoute, lab_route: ModelRoute
) -> None:
    assert Stage.objects.get(pk=start(owner).stage_id).route == route
    ModelRoute.objects.filter(pk=route.pk).update(enabled=False)
    other = start(owner, conversation_id=None)
    assert Stage.objects.get(pk=other.stage_id).route == lab_route
    refused = refusal(stranger)
    assert refused.code == "route_not_configured"


def test_a_route_of_others_groups_does_not_exist(
    owner: User, stranger: User, admin: User, route: ModelRoute, lab_route: ModelRoute
) -> None:
    assert start(owner, model_route="lab-only").launch is not None
    assert start(admin, model_route="lab-only").launch is not None
    refused = refusal(stranger, model_route="lab-only")
    assert refused.code == "unknown_route"
    assert "Available: small." in refused.message
    missing = refusal(stranger, model_route="no-such")
    assert missing.message == refused.message.replace("lab-only", "no-such")


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"enabled": False}, "route_disabled", "small is switched off"),
        ({"protocol": "grpc"}, "unsupported_protocol", "“grpc”"),
        ({"base_url": ""}, "route_not_configured", "names no model or no address"),
        ({"upstream_model": ""}, "route_not_configured", "names no model or no address"),
    ],
)
def test_a_route_that_cannot_be_used_is_refused(
    owner: User, route: ModelRoute, change: dict[str, Any], code: str, said: str
) -> None:
    ModelRoute.objects.update(**change)
    refused = refusal(owner, model_route="small")
    assert refused.code == code
    assert said in refused.message


def test_a_route_whose_key_no_longer_opens_is_refused(
    owner: User, route: ModelRoute, settings: Any
) -> None:
    save_route(route, "sk-one")
    settings.TOOLBENCH_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    refused = refusal(owner)
    assert refused.code == "route_not_configured"
    assert "key of the route small" in refused.message


# --- shape ---


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"prompt": "  \n"}, "The prompt is empty"),
        ({"synthesis": True}, "Synthesis belongs to mode toolchain"),
        ({"mode": "toolchain", "tools": []}, "No tool is chosen"),
        ({"mode": "toolchain", "tools": ["no_such"]}, "“no_such”"),
        ({"retry_of": uuid.uuid4(), "continue_of": uuid.uuid4()}, "not both"),
        ({"retry_of": uuid.uuid4()}, "Name the conversation"),
        ({"continue_of": uuid.uuid4()}, "Name the conversation"),
        ({"parent_message_id": uuid.uuid4()}, "Name the conversation"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    owner: User, route: ModelRoute, more: dict[str, Any], said: str
) -> None:
    refused = refusal(owner, **more)
    assert refused.code == "invalid_request"
    assert said in refused.message


def test_tools_are_those_asked_for_or_all_that_one_may_use(owner: User, route: ModelRoute) -> None:
    ToolSetting.objects.update_or_create(name="get_weather", defaults={"enabled": False})
    accepted = start(owner, mode="toolchain")
    assert accepted.launch is not None
    names = accepted.launch.request.toolset.names()
    assert "calculate" in names
    assert "get_weather" not in names
    end(accepted.stage_id)
    some = start(owner, mode="toolchain", synthesis=True, tools=["calculate"])
    assert some.launch is not None
    assert list(some.launch.request.toolset.names()) == ["calculate"]
    assert StageEvent.objects.get(stage_id=some.stage_id).parsed_data()["tools"] == ["calculate"]
    assert "get_weather" in refusal(owner, mode="toolchain", tools=["get_weather"]).message


# --- who, and how many ---


def test_in_anothers_conversation_nobody_starts(
    owner: User, stranger: User, colleague: User, reviewer: User, admin: User, route: ModelRoute
) -> None:
    first = start(owner)
    end(first.stage_id)
    for other in (stranger, colleague, reviewer, admin):
        refused = refusal(other, conversation_id=first.conversation_id)
        assert refused.code == "not_found"
    assert refusal(owner, conversation_id=uuid.uuid4()).message == refused.message


def test_a_deactivated_account_starts_nothing(owner: User, route: ModelRoute) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert refusal(owner).code == "not_found"


def test_a_conversation_has_one_stage_at_a_time(owner: User, route: ModelRoute) -> None:
    first = start(owner)
    refused = refusal(owner, conversation_id=first.conversation_id)
    assert refused.code == "conversation_busy"
    assert refused.more == {"stage_id": str(first.stage_id)}
    end(first.stage_id)
    assert start(owner, conversation_id=first.conversation_id).launch is not None


def test_a_person_has_so_many_stages_at_a_time(
    owner: User, colleague: User, route: ModelRoute, settings: Any
) -> None:
    settings.TOOLBENCH_USER_STAGES = 3
    started = [start(owner) for _ in range(3)]
    refused = refusal(owner)
    assert refused.code == "too_many_stages"
    assert "3 stages" in refused.message
    assert start(colleague).launch is not None
    end(started[0].stage_id)
    assert start(owner).launch is not None


def test_the_same_request_again_starts_nothing_and_answers_the_same(
    owner: User, colleague: User, route: ModelRoute
) -> None:
    asked = command("Once.")
    first = create_stage(owner.pk, asked, "page", PROCESS)
    again = create_stage(owner.pk, asked.model_copy(update={"html": True}), "page", PROCESS)
    assert (again.stage_id, again.conversation_id) == (first.stage_id, first.conversation_id)
    assert again.launch is None
    assert Stage.objects.count() == 1
    end(first.stage_id)
    assert create_stage(owner.pk, asked, "page", PROCESS).stage_id == first.stage_id
    other = asked.model_copy(update={"prompt": "Twice."})
    with pytest.raises(Refused) as caught:
        create_stage(owner.pk, other, "page", PROCESS)
    assert caught.value.code == "request_id_reused"
    # Another person's ids are their own.
    assert create_stage(colleague.pk, asked, "page", PROCESS).stage_id != first.stage_id


# --- the tree ---


@pytest.fixture
def talk(owner: User, route: ModelRoute) -> Callable[..., Accepted]:
    """Say something in one conversation and have it answered."""
    conversation: list[uuid.UUID] = []

    def say(prompt: str, answer: str = "", **more: Any) -> Accepted:
        if conversation:
            more.setdefault("conversation_id", conversation[0])
        accepted = start(owner, prompt, **more)
        conversation[:] = [accepted.conversation_id]
        if answer:
            end(accepted.stage_id, answer)
        return accepted

    return say


def test_history_is_the_branch_up_to_the_prompt(talk: Callable[..., Accepted]) -> None:
    talk("One?", "First.")
    talk("Two?", "Second.")
    assert history(talk("Three?")) == [
        ("user", "One?"),
        ("assistant", "First."),
        ("user", "Two?"),
        ("assistant", "Second."),
        ("user", "Three?"),
    ]


def test_a_parent_chooses_the_branch(talk: Callable[..., Accepted], owner: User) -> None:
    first = talk("One?", "First.")
    talk("Two?", "Second.")
    parent = Message.objects.get(stage_id=first.stage_id)
    branch = talk("Two, otherwise?", "Other.", parent_message_id=parent.pk)
    assert history(branch) == [
        ("user", "One?"),
        ("assistant", "First."),
        ("user", "Two, otherwise?"),
    ]
    refused = refusal(owner, conversation_id=first.conversation_id, parent_message_id=uuid.uuid4())
    assert refused.code == "not_found"


def test_a_parent_of_another_conversation_is_not_found(
    talk: Callable[..., Accepted], owner: User, colleague: User
) -> None:
    mine = talk("One?", "First.")
    theirs = start(colleague)
    answer = end(theirs.stage_id)
    assert answer is not None
    for more in ({"parent_message_id": answer.pk}, {"retry_of": theirs.stage_id}):
        assert refusal(owner, conversation_id=mine.conversation_id, **more).code == "not_found"
    continued = refusal(owner, conversation_id=mine.conversation_id, continue_of=theirs.stage_id)
    missing = refusal(owner, conversation_id=mine.conversation_id, continue_of=uuid.uuid4())
    assert continued.code == "invalid_request"
    assert continued.message == missing.message


def test_a_retry_answers_the_same_prompt_again(talk: Callable[..., Accepted]) -> None:
    talk("One?", "First.")
    second = talk("Two?", "Second.")
    again = talk("", retry_of=second.stage_id)
    assert history(again) == [("user", "One?"), ("assistant", "First."), ("user", "Two?")]
    stage = Stage.objects.get(pk=again.stage_id)
    assert stage.retry_of_id == second.stage_id
    assert stage.prompt_message == Stage.objects.get(pk=second.stage_id).prompt_message
    assert Message.objects.filter(role="user").count() == 2


def test_a_continuation_goes_on_from_what_was_said(talk: Callable[..., Accepted]) -> None:
    cut = talk("Tell me.", "It was a dark and")
    going_on = talk("", continue_of=cut.stage_id)
    assert history(going_on) == [
        ("user", "Tell me."),
        ("assistant", "It was a dark and"),
        ("user", CONTINUE_PROMPT),
    ]
    assert Stage.objects.get(pk=going_on.stage_id).continue_of_id == cut.stage_id


def test_what_said_nothing_cannot_be_continued(talk: Callable[..., Accepted], owner: User) -> None:
    silent = talk("Tell me.")
    end(silent.stage_id, answer="", status="error")
    refused = refusal(
        owner, "", conversation_id=silent.conversation_id, continue_of=silent.stage_id
    )
    assert refused.code == "invalid_request"
    assert "retry_of" in refused.message


def test_a_prompt_that_got_no_answer_is_left_aside(talk: Callable[..., Accepted]) -> None:
    talk("One?", "First.")
    end(talk("Lost?").stage_id, answer="", status="cancel")
    assert history(talk("Three?")) == [
        ("user", "One?"),
        ("assistant", "First."),
        ("user", "Three?"),
    ]


def add_tool_turn(accepted: Accepted) -> None:
    """Make the stage's answer one that called a tool."""
    call = {
        "call_id": "c1",
        "upstream_id": None,
        "tool": "calculate",
        "raw_arguments": '{ "expression":"6*7" }',
    }
    turns = [
        {"round": 1, "phase": "tools", "content": "", "reasoning": "", "calls": [call]},
        {"round": 1, "phase": "synthesis", "content": "42.", "reasoning": "", "calls": []},
    ]
    Message.objects.filter(stage_id=accepted.stage_id).update(turns=turns, tool_calls=[call])
    ToolRun.objects.create(
        stage_id=accepted.stage_id,
        call_id="c1",
        round=1,
        tool="calculate",
        origin="native",
        raw_arguments=call["raw_arguments"],
        valid=True,
        status="ok",
        result="42",
    )


def test_calls_and_their_results_go_along_as_they_were(talk: Callable[..., Accepted]) -> None:
    add_tool_turn(talk("Six times seven?", "42."))
    accepted = talk("And?", mode="toolchain")
    assert accepted.launch is not None
    request = accepted.launch.request
    _, asked, result, answer, _ = request.history
    assert [m.role for m in request.history] == ["user", "assistant", "tool", "assistant", "user"]
    assert asked.tool_calls[0].raw_arguments == '{ "expression":"6*7" }'
    assert (result.tool_call_id, result.content, answer.content) == ("c1", "42", "42.")
    assert request.used_call_ids == {"c1"}


def test_a_start_costs_the_same_number_of_queries_however_long_the_conversation(
    talk: Callable[..., Accepted],
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            accepted = talk("Next?")
        end(accepted.stage_id, "Answer.")
        add_tool_turn(accepted)
        return len(captured)

    talk("First?", "Answer.")
    queries()
    few = queries()
    for _ in range(12):
        queries()
    assert queries() == few
    assert few < 30


# --- other doors ---


def test_only_the_owner_and_admins_stop_a_stage(
    owner: User, stranger: User, colleague: User, reviewer: User, admin: User, route: ModelRoute
) -> None:
    stage_id = start(owner).stage_id
    for other in (stranger, colleague, reviewer):
        with pytest.raises(Refused) as caught:
            request_cancel(other.pk, stage_id)
        assert caught.value.code == "not_found"
    assert Stage.objects.get(pk=stage_id).cancel_requested_at is None
    assert request_cancel(admin.pk, stage_id) == "running"
    assert Stage.objects.get(pk=stage_id).cancel_requested_by == admin
    end(stage_id)
    assert request_cancel(owner.pk, stage_id) == "done"


@pytest.mark.parametrize("title", ["", "  \x00 ", "x" * 201])
def test_a_title_that_is_none_is_refused(owner: User, route: ModelRoute, title: str) -> None:
    conversation_id = start(owner).conversation_id
    with pytest.raises(Refused) as caught:
        rename_conversation(owner, conversation_id, title)
    assert caught.value.code == "invalid_request"


def test_only_owners_rename_and_delete(owner: User, admin: User, route: ModelRoute) -> None:
    accepted = start(owner)
    rename_conversation(owner, accepted.conversation_id, " A  better\ttitle ")
    assert Conversation.objects.get().title == "A better title"
    with pytest.raises(Refused) as busy:
        delete_conversation(owner, accepted.conversation_id)
    assert busy.value.code == "conversation_busy"
    end(accepted.stage_id)
    for refuse in (
        lambda: rename_conversation(admin, accepted.conversation_id, "Mine"),
        lambda: delete_conversation(admin, accepted.conversation_id),
    ):
        with pytest.raises(Refused) as caught:
            refuse()
        assert caught.value.code == "not_found"
    delete_conversation(owner, accepted.conversation_id)
    assert not Conversation.objects.exists()
    assert not StageEvent.objects.exists()
