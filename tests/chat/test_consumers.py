"""Every command of the contract and what it is answered, over a socket in the test's loop."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from chat.consumers import SocketConsumer
from chat.database import run_in_pool
from chat.lifecycle import Process
from chat.models import Message, ModelRoute, Stage, StageEvent
from chat.protocol import MESSAGE_LIMIT
from tests.chat.conftest import within
from tests.chat.socket_talk import ORIGIN, Talk
from tests.replay import ReplayServer, Signal, WaitFor, chat_stream, never_answers
from tests.sockets import Folded

pytestmark = [pytest.mark.usefixtures("process", "routed")]

WORDS = ("Plain ", "words, ", "naïve ", "🌱.")
TEXT = "".join(WORDS)


@pytest.fixture
async def talk(cookies: dict[str, str], process: Process, routed: ModelRoute) -> Any:
    """The owner's socket."""
    async with Talk(cookies["owner"]) as talk:
        yield talk


@pytest.fixture
def go_on(replay: ReplayServer) -> Signal:
    """The model says half of its text, and the rest after this."""
    signal = Signal()
    replay.answer_with(chat_stream([*WORDS[:2], WaitFor(signal), *WORDS[2:]]))
    return signal


async def half_said(talk: Talk, **more: Any) -> str:
    """Start a stage and read until half of the text is there."""
    accepted = await talk.start(**more)
    stage_id: str = accepted["stage_id"]
    while talk.stages.get(stage_id) is None or talk.stages[stage_id].text != "Plain words, ":
        await talk.receive()
    return stage_id


# --- stage.start ---


async def test_a_start_is_accepted_and_every_event_follows(
    talk: Talk, replay: ReplayServer
) -> None:
    replay.answer_with(chat_stream(WORDS))
    request_id = str(uuid.uuid4())
    accepted = await talk.start(request_id=request_id)
    assert accepted == {
        "type": "accepted",
        "request_id": request_id,
        "stage_id": accepted["stage_id"],
        "conversation_id": accepted["conversation_id"],
    }
    folded = await talk.until_end(accepted["stage_id"])
    assert folded.text == TEXT
    assert folded.names[0] == "stage_started"
    done = folded.terminal
    assert done is not None
    assert done["event"] == "done"
    assert done["data"]["content_length"] == len(TEXT)
    message = await run_in_pool(lambda: Message.objects.get(pk=done["data"]["message_id"]))
    assert message.content == TEXT
    assert talk.frames[0] == accepted
    assert set(folded.events[0]) == {
        "type",
        "v",
        "stage_id",
        "sequence_number",
        "ts",
        "event",
        "data",
    }


async def test_the_same_start_again_answers_the_same_and_sends_all_events(
    talk: Talk, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    replay.answer_with(chat_stream(WORDS))
    request_id = uuid.uuid4()
    accepted = await talk.start(request_id=request_id)
    first = await talk.until_end(accepted["stage_id"])
    async with Talk(cookies["owner"]) as again:
        assert await again.start(request_id=request_id) == accepted
        assert (await again.until_end(accepted["stage_id"])).events == first.events
    assert len(replay.completions) == 1
    refused = await talk.start("Otherwise", request_id=request_id)
    assert (refused["code"], refused["request_id"]) == ("request_id_reused", str(request_id))


async def test_a_refused_start_says_why_and_the_socket_stays_open(talk: Talk) -> None:
    request_id = str(uuid.uuid4())
    refused = await talk.start(request_id=request_id, model_route="no-such")
    assert refused["type"] == "rejected"
    assert (refused["code"], refused["request_id"]) == ("unknown_route", request_id)
    assert refused["errors"] == []
    assert (await talk.ask("pong", type="ping"))["stages"] == {}


async def test_a_busy_conversation_names_the_stage_that_keeps_it(talk: Talk, go_on: Signal) -> None:
    accepted = await talk.start()
    refused = await talk.start(conversation_id=accepted["conversation_id"])
    assert (refused["code"], refused["stage_id"]) == ("conversation_busy", accepted["stage_id"])
    go_on.set()
    await talk.until_end(accepted["stage_id"])
    assert await run_in_pool(Stage.objects.count) == 1


async def test_a_draining_server_takes_no_starts(talk: Talk, process: Process) -> None:
    process.runner.going_down = True
    assert (await talk.start())["code"] == "going_down"


# --- stage.subscribe ---


async def test_a_subscription_at_any_cut_gets_the_rest_and_nothing_twice(
    talk: Talk, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    replay.answer_with(chat_stream(WORDS))
    accepted = await talk.start()
    stage_id = accepted["stage_id"]
    whole = await talk.until_end(stage_id)
    for cut in range(whole.last + 1):
        async with Talk(cookies["owner"]) as other:
            other.stages[stage_id] = Folded(whole.events[:cut])
            reply = await other.ask(
                "subscribed", type="stage.subscribe", stage_id=stage_id, after=cut
            )
            assert reply == {
                "type": "subscribed",
                "stage_id": stage_id,
                "status": "done",
                "last_sequence_number": whole.last,
                "recovered": True,
            }
            got = []
            while cut + len(got) < whole.last:
                got.append(await other.receive())
            assert got == whole.events[cut:]
            assert (await other.ask("pong", type="ping"))["stages"] == {}
            assert other.frames[-1]["type"] == "pong"


async def test_a_live_subscription_joins_stored_and_live_without_a_seam(
    talk: Talk, go_on: Signal, cookies: dict[str, str]
) -> None:
    stage_id = await half_said(talk)
    last = talk.stages[stage_id].last
    async with Talk(cookies["owner"]) as late:
        reply = await late.ask("subscribed", type="stage.subscribe", stage_id=stage_id, after=0)
        assert (reply["status"], reply["last_sequence_number"]) == ("running", last)
        go_on.set()
        assert (await late.until_end(stage_id)).events == (await talk.until_end(stage_id)).events


async def test_a_number_above_the_last_means_another_history_and_all_is_sent(
    talk: Talk, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    replay.answer_with(chat_stream(WORDS))
    stage_id = (await talk.start())["stage_id"]
    whole = await talk.until_end(stage_id)
    async with Talk(cookies["owner"]) as other:
        reply = await other.ask("subscribed", type="stage.subscribe", stage_id=stage_id, after=999)
        assert (reply["recovered"], reply["last_sequence_number"]) == (False, whole.last)
        assert (await other.until_end(stage_id)).events == whole.events


async def test_of_removed_events_none_are_sent(
    talk: Talk, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    replay.answer_with(chat_stream(WORDS))
    stage_id = (await talk.start())["stage_id"]
    await talk.until_end(stage_id)
    await run_in_pool(lambda: StageEvent.objects.filter(stage_id=stage_id).delete())
    async with Talk(cookies["owner"]) as other:
        reply = await other.ask("subscribed", type="stage.subscribe", stage_id=stage_id, after=0)
        assert (reply["recovered"], reply["status"]) == (False, "done")
        assert (await other.ask("pong", type="ping"))["stages"] == {}


async def test_a_second_subscription_replaces_the_first(talk: Talk, go_on: Signal) -> None:
    stage_id = await half_said(talk)
    first = talk.stages.pop(stage_id).events
    await talk.ask("subscribed", type="stage.subscribe", stage_id=stage_id, after=0)
    go_on.set()
    folded = await talk.until_end(stage_id)
    assert folded.events[: len(first)] == first
    # Were the first still there, a number would have come twice, and the fold would have failed.
    assert folded.text == TEXT


async def test_after_unsubscribing_nothing_more_comes(talk: Talk, go_on: Signal) -> None:
    stage_id = await half_said(talk)
    reply = await talk.ask("unsubscribed", type="stage.unsubscribe", stage_id=stage_id)
    assert reply == {"type": "unsubscribed", "stage_id": stage_id}
    seen = talk.stages[stage_id].last
    conversation_id = talk.frames[0]["conversation_id"]
    await talk.ask("subscribed", type="conversation.subscribe", conversation_id=conversation_id)
    go_on.set()
    assert (await talk.reply("stage"))["status"] == "done"
    assert (await talk.ask("pong", type="ping"))["stages"] == {}
    assert talk.stages[stage_id].last == seen


async def test_ping_tells_the_last_number_of_each_open_subscription(
    talk: Talk, go_on: Signal
) -> None:
    stage_id = await half_said(talk)
    pong = await talk.ask("pong", type="ping")
    assert pong == {"type": "pong", "stages": {stage_id: talk.stages[stage_id].last}}
    go_on.set()
    await talk.until_end(stage_id)
    assert (await talk.ask("pong", type="ping"))["stages"] == {}


# --- conversations ---


async def test_followers_of_a_conversation_hear_of_each_start_and_end(
    talk: Talk, go_on: Signal, cookies: dict[str, str]
) -> None:
    stage_id = await half_said(talk)
    conversation_id = talk.frames[0]["conversation_id"]
    async with Talk(cookies["owner"]) as other:
        reply = await other.ask(
            "subscribed", type="conversation.subscribe", conversation_id=conversation_id
        )
        last = talk.stages[stage_id].last
        assert reply == {
            "type": "subscribed",
            "conversation_id": conversation_id,
            "stages": [{"stage_id": stage_id, "status": "running", "last_sequence_number": last}],
        }
        go_on.set()
        about = {"type": "stage", "conversation_id": conversation_id}
        assert await other.receive() == {**about, "stage_id": stage_id, "status": "done"}
        await talk.until_end(stage_id)
        second = await talk.start(conversation_id=conversation_id)
        assert await other.receive() == {
            **about,
            "stage_id": second["stage_id"],
            "status": "running",
        }
        assert (await other.reply("stage"))["status"] == "done"
        reply = await other.ask(
            "unsubscribed", type="conversation.unsubscribe", conversation_id=conversation_id
        )
        assert reply == {"type": "unsubscribed", "conversation_id": conversation_id}
        third = await talk.start(conversation_id=conversation_id)
        await talk.until_end(third["stage_id"])
        assert (await other.ask("pong", type="ping"))["type"] == "pong"
        assert other.frames[-2]["type"] == "unsubscribed"


# --- stage.cancel ---


async def test_a_cancel_closes_the_upstream_and_keeps_what_was_said(
    talk: Talk, go_on: Signal, replay: ReplayServer
) -> None:
    stage_id = await half_said(talk)
    reply = await talk.ask("accepted", type="stage.cancel", stage_id=stage_id)
    assert reply == {"type": "accepted", "stage_id": stage_id, "status": "running"}
    folded = await talk.until_end(stage_id)
    assert folded.terminal is not None
    assert (folded.terminal["event"], folded.terminal["data"]["by"]) == ("cancel", "user")
    assert isinstance(folded.terminal["data"]["upstream_closed_ms"], int)
    exchange = await replay.request_arrived()
    await exchange.closed.waited()
    message = await run_in_pool(lambda: Message.objects.get(stage_id=stage_id))
    assert message.content == folded.text == "Plain words, "
    again = await talk.ask("accepted", type="stage.cancel", stage_id=stage_id)
    assert again["status"] == "cancel"


async def test_a_cancel_reaches_a_model_that_has_not_answered(
    talk: Talk, replay: ReplayServer
) -> None:
    replay.answer_with(never_answers())
    stage_id = (await talk.start(stream=False))["stage_id"]
    exchange = await replay.request_arrived()
    await talk.send(type="stage.cancel", stage_id=stage_id)
    folded = await talk.until_end(stage_id)
    assert folded.names == ["stage_started", "cancel"]
    await exchange.closed.waited()


async def test_an_admin_stops_anothers_stage_and_it_says_so(
    talk: Talk, go_on: Signal, cookies: dict[str, str]
) -> None:
    stage_id = await half_said(talk)
    async with Talk(cookies["admin"]) as admin:
        reply = await admin.ask("accepted", type="stage.cancel", stage_id=stage_id)
        assert reply["type"] == "accepted"
    folded = await talk.until_end(stage_id)
    assert folded.terminal is not None
    assert folded.terminal["data"]["by"] == "admin"


# --- what is no command ---


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no json", "invalid_request"),
        ('{"type":"no.such"}', "invalid_request"),
        ('{"type":"stage.subscribe","stage_id":"x"}', "invalid_request"),
        ('{"type":"tool_call.decide","call_id":"c","approve":true}', "invalid_request"),
        (json.dumps({"type": "stage.subscribe", "stage_id": str(uuid.UUID(int=1))}), "not_found"),
        (json.dumps({"type": "stage.cancel", "stage_id": str(uuid.UUID(int=1))}), "not_found"),
    ],
)
async def test_what_cannot_be_done_is_rejected_and_the_socket_stays_open(
    talk: Talk, text: str, code: str
) -> None:
    await talk.send_text(text)
    frame = await talk.receive()
    assert (frame["type"], frame["code"]) == ("rejected", code)
    assert frame["message"]
    assert set(frame) - {"stage_id"} == {"type", "code", "message", "errors"}
    assert (await talk.ask("pong", type="ping"))["type"] == "pong"


async def test_a_field_at_fault_is_named(talk: Talk) -> None:
    frame = await talk.start(temperature=[9, 0])
    assert frame["code"] == "invalid_request"
    assert "temperature" in frame["errors"][0]["loc"]
    assert frame["request_id"]


async def test_a_binary_frame_is_rejected(talk: Talk) -> None:
    await talk.communicator.send_to(bytes_data=b'{"type":"ping"}')
    assert (await talk.receive())["code"] == "invalid_request"


@pytest.mark.parametrize("text", ["x" * (MESSAGE_LIMIT + 1), "é" * (MESSAGE_LIMIT // 2 + 1)])
async def test_a_message_over_1_mib_closes_the_socket(talk: Talk, text: str) -> None:
    await talk.send_text(text)
    assert await talk.until_closed() == 4413


async def test_a_large_binary_frame_closes_the_socket(talk: Talk) -> None:
    await talk.communicator.send_to(bytes_data=b"x" * (MESSAGE_LIMIT + 1))
    assert await talk.until_closed() == 4413


@pytest.mark.parametrize("binary", [False, True])
async def test_a_flood_closes_the_socket(talk: Talk, settings: Any, binary: bool) -> None:
    settings.TOOLBENCH_COMMANDS_PER_SECOND = 1
    for _ in range(100):
        data = {"bytes_data": b"x"} if binary else {"text_data": '{"type":"ping"}'}
        await talk.communicator.send_to(**data)
    assert await talk.until_closed() == 4429


# --- who comes in ---


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"origin": None}, 4403),
        ({"origin": "null"}, 4403),
        ({"origin": ""}, 4403),
        ({"origin": "http://evil.example"}, 4403),
        ({"origin": "http://sub.localhost:8000"}, 4403),
        ({"origin": "http://localhost:8001"}, 4403),
        ({"origin": "http://localhost"}, 4403),
        ({"origin": "ftp://localhost:8000"}, 4403),
        ({"origin": "http://[localhost:8000"}, 4403),
        ({"origin": "http://evil.example:8000", "host": "evil.example:8000"}, 4403),
        ({"origin": "http://localhost:8000", "host": "evil.example:8000"}, 4403),
        ({"host": ""}, 4403),
        ({"cookie": ""}, 4401),
        ({"cookie": "sessionid=nonsense"}, 4401),
        ({"cookie": "", "origin": "http://evil.example"}, 4403),
    ],
)
async def test_who_may_not_come_in_is_told_by_a_code(
    cookies: dict[str, str], given: dict[str, Any], code: int
) -> None:
    async with Talk(**{"cookie": cookies["owner"], **given}) as talk:
        assert await talk.until_closed() == code


async def test_cookies_of_other_programs_do_not_hide_ours(cookies: dict[str, str]) -> None:
    async with Talk('theme={"dark": true}; a[b]=1; ' + cookies["owner"]) as talk:
        assert (await talk.ask("pong", type="ping"))["type"] == "pong"


async def test_a_trusted_origin_may_come_in(cookies: dict[str, str], settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://chat.example"]
    async with Talk(cookies["owner"], origin="https://chat.example") as talk:
        assert (await talk.ask("pong", type="ping"))["type"] == "pong"


async def test_a_deactivated_account_does_not_come_in(cookies: dict[str, str], owner: User) -> None:
    await run_in_pool(lambda: User.objects.filter(pk=owner.pk).update(is_active=False))
    async with Talk(cookies["owner"]) as talk:
        assert await talk.until_closed() == 4401


async def test_a_person_has_so_many_sockets(cookies: dict[str, str], settings: Any) -> None:
    settings.TOOLBENCH_USER_SOCKETS = 1
    async with Talk(cookies["owner"]) as first, Talk(cookies["stranger"]):
        await first.ask("pong", type="ping")
        async with Talk(cookies["owner"]) as second:
            assert await second.until_closed() == 4429


async def test_another_address_is_no_socket(cookies: dict[str, str]) -> None:
    talk = Talk(cookies["owner"], origin=ORIGIN, path="/ws/other/")
    connected, _ = await talk.communicator.connect()
    assert not connected
    await talk.communicator.wait()


# --- the sweep ---


@pytest.mark.parametrize(
    ("undo", "code"),
    [
        (lambda user: Session.objects.all().delete(), 4401),
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), 4401),
        (lambda user: User.objects.filter(pk=user.pk).update(password="changed"), 4401),
    ],
)
async def test_the_sweep_closes_who_is_no_longer_logged_in(
    talk: Talk, process: Process, owner: User, undo: Any, code: int
) -> None:
    await talk.ask("pong", type="ping")
    await process.sweep_once()
    await talk.ask("pong", type="ping")
    await run_in_pool(undo, owner)
    await process.sweep_once()
    assert await talk.until_closed() == code


async def test_the_sweep_closes_who_lost_the_right_to_read_others(
    talk: Talk, go_on: Signal, process: Process, cookies: dict[str, str], reviewer: User
) -> None:
    stage_id = await half_said(talk)
    async with Talk(cookies["reviewer"]) as reading:
        await reading.ask("subscribed", type="stage.subscribe", stage_id=stage_id, after=0)
        await process.sweep_once()
        await reading.ask("pong", type="ping")
        await run_in_pool(reviewer.user_permissions.clear)
        await process.sweep_once()
        assert await reading.until_closed() == 4403
    go_on.set()
    await talk.until_end(stage_id)


async def test_an_admin_who_is_none_any_more_is_closed(
    process: Process, cookies: dict[str, str], admin: User
) -> None:
    async with Talk(cookies["admin"]) as talk:
        await talk.ask("pong", type="ping")
        await run_in_pool(lambda: User.objects.filter(pk=admin.pk).update(is_superuser=False))
        await process.sweep_once()
        assert await talk.until_closed() == 4403


# --- nothing is left behind ---


async def test_a_socket_that_goes_leaves_its_stage_at_work_and_nothing_else(
    go_on: Signal, process: Process, cookies: dict[str, str]
) -> None:
    async with Talk(cookies["owner"]) as talk:
        stage_id = await half_said(talk, html=True)
        conversation_id = talk.frames[0]["conversation_id"]
        await talk.ask("subscribed", type="conversation.subscribe", conversation_id=conversation_id)
    assert len(process.sockets) == 0
    assert process.runner.hub.followed_stages == []
    assert process.runner.hub._conversations == process.runner.hub._unavailable == {}
    assert process.renderings._stages == {}
    task = next(iter(process.runner.running.values())).task
    assert task is not None
    go_on.set()
    await within(task)
    stage = await run_in_pool(lambda: Stage.objects.get(pk=stage_id))
    assert stage.status == "done"
    assert process.runner.running == process.runner.journal.logs == {}


async def test_a_consumer_that_meets_a_bug_says_so_and_lives(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: SocketConsumer) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(SocketConsumer, "_pong", broken)
    frame = await talk.ask("rejected", type="ping")
    assert "secret" not in frame["message"]
    monkeypatch.undo()
    assert (await talk.ask("pong", type="ping"))["type"] == "pong"
