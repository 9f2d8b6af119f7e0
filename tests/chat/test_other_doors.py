"""Starts through other doors than the page: ids, histories and tools of the caller's own."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.engine.messages import ChatMessage, RequestedCall
from chat.models import Conversation, Message, ModelRoute, Stage
from chat.pages.transcript import read_transcript
from chat.protocol import StageStart
from chat.services import Refused
from chat.services.creating import Accepted, create_stage
from chat.services.extras import StartExtras
from chat.services.history import load_history
from tools.base import Toolset

pytestmark = pytest.mark.django_db

TRAIN: dict[str, Any] = {
    "type": "function",
    "function": {"name": "find_train", "parameters": {"type": "object", "properties": {}}},
}
HISTORY = (
    ChatMessage("user", "When does the train leave?"),
    ChatMessage("assistant", "", (RequestedCall("call_1", "find_train", '{"to": "Lyon"}'),)),
    ChatMessage("tool", "At 12:04.", tool_call_id="call_1"),
)


def start(user: User, *, mode: str = "chat", prompt: str = "Hello", **extras: Any) -> Accepted:
    command = StageStart(request_id=uuid.uuid4(), mode=mode, prompt=prompt)
    return create_stage(user.pk, command, "gateway", "here", extras=StartExtras(**extras))


def test_a_callers_id_becomes_the_stages_where_it_is_free(owner: User, route: ModelRoute) -> None:
    wanted = uuid.uuid4()
    assert start(owner, stage_id=wanted).stage_id == wanted
    assert start(owner, stage_id=wanted).stage_id != wanted


def test_a_callers_history_is_stored_shown_and_asked(owner: User, route: ModelRoute) -> None:
    accepted = start(
        owner, mode="toolchain", prompt="", messages=HISTORY, caller_tools=(TRAIN,), title="Trains"
    )
    assert accepted.launch is not None
    request = accepted.launch.request
    assert [(m.role, m.content, m.tool_calls) for m in request.history] == [
        (m.role, m.content, m.tool_calls) for m in HISTORY
    ]
    assert request.used_call_ids == {"call_1"}
    assert request.context_budget is None
    assert request.hands_over
    conversation = Conversation.objects.get(pk=accepted.conversation_id)
    assert (conversation.title, conversation.source) == ("Trains", "gateway")
    stage = Stage.objects.get(pk=accepted.stage_id)
    assert stage.caller_tools == [TRAIN]
    assert stage.prompt_message.role == Message.Role.TOOL
    turns = read_transcript(conversation).turns
    assert [turn.prompt.role for turn in turns if turn.prompt] == ["user", "assistant", "tool"]
    assert turns[1].prompt is not None
    assert turns[1].prompt.calls[0].raw_arguments == '{"to": "Lyon"}'
    assert turns[-1].stage is not None
    assert [turn.stage for turn in turns[:-1]] == [None, None]
    # A later request in this conversation sends it all again, as it was.
    again = load_history(stage.prompt_message)
    assert [message.as_request() for message in again] == [m.as_request() for m in HISTORY]


def test_a_history_of_ones_own_needs_a_new_conversation(owner: User, route: ModelRoute) -> None:
    first = start(owner)
    command = StageStart(
        request_id=uuid.uuid4(), mode="chat", conversation_id=first.conversation_id
    )
    for extras in (StartExtras(messages=HISTORY), StartExtras(messages=())):
        with pytest.raises(Refused, match="new conversation"):
            create_stage(owner.pk, command, "gateway", "here", extras=extras)


def test_tools_given_take_the_place_of_the_registrys(owner: User, route: ModelRoute) -> None:
    accepted = start(owner, mode="toolchain", caller_tools=(TRAIN,))
    assert accepted.launch is not None
    assert accepted.launch.request.toolset.names() == ["find_train"]
    with pytest.raises(Refused, match="find_train"):
        start(owner, mode="toolchain", caller_tools=(TRAIN, TRAIN))
    with pytest.raises(Refused, match="No tool is chosen"):
        start(owner, mode="toolchain", toolset=Toolset())


def test_the_same_request_with_other_extras_is_another_request(
    owner: User, route: ModelRoute
) -> None:
    command = StageStart(request_id=uuid.uuid4(), mode="toolchain", prompt="Hello")
    warm = StartExtras(caller_tools=(TRAIN,), parameters={"top_p": 0.5})
    cold = StartExtras(caller_tools=(TRAIN,), parameters={"top_p": 0.1})
    first = create_stage(owner.pk, command, "gateway", "here", extras=warm)
    again = create_stage(owner.pk, command, "gateway", "here", extras=warm)
    assert (again.stage_id, again.launch) == (first.stage_id, None)
    with pytest.raises(Refused) as caught:
        create_stage(owner.pk, command, "gateway", "here", extras=cold)
    assert caught.value.code == "request_id_reused"


def test_text_mode_is_kept_with_the_stage(owner: User, route: ModelRoute) -> None:
    accepted = start(owner, mode="toolchain", tool_mode="text")
    assert accepted.launch is not None
    assert accepted.launch.request.tool_mode == "text"
    assert Stage.objects.get(pk=accepted.stage_id).tool_mode == "text"


def answered(accepted: Accepted, content: str, calls: list[dict[str, Any]]) -> Message:
    """End a stage as the journal would."""
    now = timezone.now()
    Stage.objects.filter(pk=accepted.stage_id).update(status="done", ended_at=now, lease_owner="")
    stage = Stage.objects.get(pk=accepted.stage_id)
    return Message.objects.create(
        id=stage.message_id_reserved,
        conversation_id=stage.conversation_id,
        parent_id=stage.prompt_message_id,
        role="assistant",
        content=content,
        tool_calls=calls,
        stage=stage,
        created_at=now,
    )


def test_a_history_that_goes_on_with_an_answer_stays_in_its_conversation(
    owner: User, route: ModelRoute
) -> None:
    call = {"call_id": "call_1", "tool": "find_train", "raw_arguments": '{"to": "Lyon"}'}
    first = start(owner, mode="toolchain", prompt="", messages=HISTORY[:1], caller_tools=(TRAIN,))
    answered(first, "", [call])
    second = start(owner, mode="toolchain", prompt="", messages=HISTORY, caller_tools=(TRAIN,))
    assert second.conversation_id == first.conversation_id
    assert Message.objects.filter(conversation_id=first.conversation_id).count() == 3
    assert second.launch is not None
    history = second.launch.request.history
    assert [message.as_request() for message in history] == [m.as_request() for m in HISTORY]
    assert all(message.ref for message in history)
    answered(second, "At 12:04.\n", [])
    third = start(
        owner,
        prompt="",
        messages=(
            *HISTORY,
            ChatMessage("assistant", "At 12:04."),
            ChatMessage("user", "From where?"),
        ),
    )
    assert third.conversation_id == first.conversation_id
    turns = read_transcript(Conversation.objects.get(pk=first.conversation_id)).turns
    assert [turn.prompt.role for turn in turns if turn.prompt] == ["user", "tool", "user"]
    assert [turn.stage.id for turn in turns if turn.stage] == [
        str(one.stage_id) for one in (first, second, third)
    ]


def test_a_history_with_another_answer_or_a_busy_conversation_is_a_new_one(
    owner: User, stranger: User, route: ModelRoute
) -> None:
    first = start(owner, prompt="", messages=HISTORY[:1])
    answered(first, "At noon.", [])
    told_otherwise = (*HISTORY[:1], ChatMessage("assistant", "At one."), ChatMessage("user", "?"))
    assert start(owner, prompt="", messages=told_otherwise).conversation_id != first.conversation_id
    goes_on = (*HISTORY[:1], ChatMessage("assistant", "At noon."), ChatMessage("user", "?"))
    assert start(stranger, prompt="", messages=goes_on).conversation_id != first.conversation_id
    second = start(owner, prompt="", messages=goes_on)
    assert second.conversation_id == first.conversation_id
    # It is at work now, and nobody is refused for that.
    third = start(owner, prompt="", messages=goes_on)
    assert third.conversation_id != first.conversation_id
