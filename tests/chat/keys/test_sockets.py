"""A websocket opened with a key: what each scope may do there, and how it ends with the key."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat import admission, rate_limits
from chat.database import run_in_pool
from chat.lifecycle import Process
from chat.models import ApiKey, ModelRoute, Stage
from chat.services.api_keys import NewKey, revoke_key
from tests.chat.conftest import cookies, process, replay, routed
from tests.chat.keys.makers import key_of
from tests.chat.socket_talk import Talk
from tests.replay import ReplayServer, Request, Script, Signal, WaitFor, chat_stream

__all__ = ["cookies", "process", "replay", "routed"]

SECONDS = 5.0

Maker = Callable[..., Awaitable[NewKey]]


@pytest.fixture(autouse=True)
def _fresh_counts() -> Iterator[None]:
    admission._good.clear()
    yield
    admission._good.clear()


@pytest.fixture
def make(process: Process, owner: User, routed: ModelRoute) -> Maker:
    """Make a key, of the owner unless somebody else is named."""

    async def key(*scopes: str, of: User = owner, **more: Any) -> NewKey:
        return await run_in_pool(lambda: key_of(of, *scopes, **more))

    return key


@pytest.fixture
def go_on(replay: ReplayServer) -> Signal:
    """Until this, the model holds what answers `Hold.`"""
    signal = Signal()

    def answer(request: Request) -> Script:
        held = request.json["messages"][-1]["content"] == "Hold."
        return chat_stream(["x", WaitFor(signal), "y"] if held else ["x", "y"])

    replay.answer_with(answer)
    return signal


async def test_a_key_needs_no_origin_and_its_stages_say_which_key_it_was(
    make: Maker, go_on: Signal
) -> None:
    made = await make("chat")
    async with Talk(key=made.text, origin=None) as talk:
        accepted = await talk.start("Hello")
        assert (await talk.until_end(accepted["stage_id"])).text == "xy"
    stage = await run_in_pool(Stage.objects.select_related("conversation").get)
    assert stage.api_key_id == made.key.pk
    assert stage.conversation.source == "api"


async def test_the_host_is_checked_all_the_same(make: Maker) -> None:
    made = await make("chat")
    async with Talk(key=made.text, host="rebound.example", origin=None) as talk:
        assert await talk.until_closed() == 4403


async def test_a_wrong_key_is_not_helped_by_a_good_session(
    make: Maker, cookies: dict[str, str]
) -> None:
    made = await make("chat")
    await run_in_pool(revoke_key, made.key.owner, made.key.pk)
    for text in (made.text, "", "tb_x"):
        async with Talk(cookies["owner"], key=text) as talk:
            assert await talk.until_closed() == 4401


@pytest.mark.parametrize(
    ("scopes", "mode", "named"),
    [(("tools", "read"), "chat", "“chat”"), (("chat", "bench"), "toolchain", "“tools”")],
)
async def test_a_start_without_its_scope_is_forbidden_in_words_that_name_it(
    make: Maker, scopes: tuple[str, ...], mode: str, named: str
) -> None:
    made = await make(*scopes)
    async with Talk(key=made.text, origin=None) as talk:
        refused = await talk.start("Hello", mode=mode)
        assert (refused["type"], refused["code"]) == ("rejected", "forbidden")
        assert named in refused["message"]
        assert refused["message"].endswith(".")
    assert not await run_in_pool(Stage.objects.exists)


async def test_other_routes_do_not_exist_for_a_key_that_is_for_some(
    make: Maker, go_on: Signal, lab_route: ModelRoute, routed: ModelRoute
) -> None:
    made = await make("chat", routes=[routed])
    async with Talk(key=made.text, origin=None) as talk:
        refused = await talk.start("Hello", model_route="lab-only")
        assert refused["code"] == "unknown_route"
        assert refused["message"].endswith("Available: small.")
        accepted = await talk.start("Hello")
        assert (await talk.until_end(accepted["stage_id"])).text == "xy"


async def test_without_read_only_what_the_key_started_is_there(
    make: Maker, go_on: Signal, cookies: dict[str, str]
) -> None:
    one, other, reads = [
        (await make(*scopes)).text for scopes in (("chat",), ("chat",), ("chat", "read"))
    ]
    async with (
        Talk(cookies["owner"]) as page,
        Talk(key=one, origin=None) as mine,
        Talk(key=other, origin=None) as others,
        Talk(key=reads, origin=None) as reader,
    ):
        started = {talk: await talk.start(prompt="Hello") for talk in (page, mine, others)}
        ends = {
            stage["stage_id"]: (await talk.until_end(stage["stage_id"])).last
            for talk, stage in started.items()
        }

        async def seen(talk: Talk, stage: dict[str, Any]) -> set[str]:
            replies = [
                await talk.ask(
                    "subscribed",
                    type="stage.subscribe",
                    stage_id=stage["stage_id"],
                    after=ends[stage["stage_id"]],
                ),
                await talk.ask(
                    "subscribed",
                    type="conversation.subscribe",
                    conversation_id=stage["conversation_id"],
                ),
                await talk.ask("accepted", type="stage.cancel", stage_id=stage["stage_id"]),
                await talk.start("More", conversation_id=stage["conversation_id"]),
            ]
            if replies[-1]["type"] == "accepted":
                await talk.until_end(replies[-1]["stage_id"])
            return {str(reply.get("code", reply["type"])) for reply in replies}

        assert await seen(mine, started[mine]) == {"subscribed", "accepted"}
        assert await seen(mine, started[page]) == {"not_found"}
        assert await seen(mine, started[others]) == {"not_found"}
        # Reads all of its owner's, and stops nothing that it did not start.
        assert await seen(reader, started[page]) == {"subscribed", "not_found", "accepted"}
        # The person themselves sees what their keys did.
        assert await seen(page, started[mine]) == {"subscribed", "accepted"}


async def test_the_same_request_by_another_key_shows_nothing_of_the_first(
    make: Maker, go_on: Signal
) -> None:
    one, other = await make("chat"), await make("chat")
    request_id = uuid.uuid4()
    async with (
        Talk(key=one.text, origin=None) as first,
        Talk(key=other.text, origin=None) as second,
    ):
        accepted = await first.start("Hello", request_id=request_id)
        await first.until_end(accepted["stage_id"])
        refused = await second.start("Hello", request_id=request_id)
        assert refused["code"] == "request_id_reused"
        assert accepted["stage_id"] not in str(refused)
        assert (await first.start("Hello", request_id=request_id)) == accepted


async def test_the_key_of_an_admin_stops_no_running_stage_of_others(
    make: Maker, go_on: Signal, admin: User, cookies: dict[str, str]
) -> None:
    made = await make(of=admin)
    async with Talk(cookies["owner"]) as page, Talk(key=made.text, origin=None) as talk:
        held = await page.start("Hold.")
        await page.until_event(held["stage_id"], "chat_completion_chunk")
        refused = await talk.ask("accepted", type="stage.cancel", stage_id=held["stage_id"])
        assert refused["code"] == "not_found"
        go_on.set()
        end = (await page.until_end(held["stage_id"])).terminal
        assert end is not None
        assert end["event"] == "done"


async def test_a_key_stops_its_own_running_stage_and_no_other_key_does(
    make: Maker, go_on: Signal
) -> None:
    one, other = await make("chat"), await make("chat", "read")
    async with Talk(key=one.text, origin=None) as talk, Talk(key=other.text, origin=None) as reader:
        held = await talk.start("Hold.")
        await talk.until_event(held["stage_id"], "chat_completion_chunk")
        refused = await reader.ask("accepted", type="stage.cancel", stage_id=held["stage_id"])
        assert refused["code"] == "not_found"
        await talk.ask("accepted", type="stage.cancel", stage_id=held["stage_id"])
        end = (await talk.until_end(held["stage_id"])).terminal
        assert end is not None
        assert (end["event"], end["data"]["by"]) == ("cancel", "user")


# --- the end of a key ---


async def test_a_revoked_key_loses_its_sockets_at_once_and_no_other_does(
    make: Maker, owner: User, cookies: dict[str, str]
) -> None:
    made, other = await make("chat"), await make("chat")
    async with (
        Talk(cookies["owner"]) as page,
        Talk(key=other.text, origin=None) as bystander,
        Talk(key=made.text, origin=None) as talk,
    ):
        await talk.ask("pong", type="ping")
        begin = time.monotonic()
        await run_in_pool(revoke_key, owner, made.key.pk)
        assert await talk.until_closed() == 4401
        # Told by a hint, not found by the next sweep, which comes after 4 s.
        assert time.monotonic() - begin < 2.0
        for stays in (page, bystander):
            assert (await stays.ask("pong", type="ping"))["type"] == "pong"


async def test_a_key_that_expires_loses_its_sockets_within_five_seconds(make: Maker) -> None:
    made = await make("chat")
    async with Talk(key=made.text, origin=None) as talk:
        await talk.ask("pong", type="ping")
        now = timezone.now()
        await run_in_pool(
            lambda: ApiKey.objects.filter(pk=made.key.pk).update(
                expires_at=now + timedelta(seconds=0.5)
            )
        )
        assert await talk.until_closed() == 4401
        assert timezone.now() - now < timedelta(seconds=0.5 + SECONDS)


async def test_the_keys_of_an_inactive_owner_lose_their_sockets(
    make: Maker, colleague: User
) -> None:
    made = await make("chat", of=colleague)
    async with Talk(key=made.text, origin=None) as talk:
        await talk.ask("pong", type="ping")
        colleague.is_active = False
        await run_in_pool(colleague.save)
        assert await talk.until_closed() == 4401


async def test_a_reviewers_key_loses_its_socket_with_the_right(
    make: Maker, reviewer: User, go_on: Signal, cookies: dict[str, str]
) -> None:
    made = await make("read", of=reviewer)
    async with Talk(cookies["owner"]) as page, Talk(key=made.text, origin=None) as talk:
        held = await page.start("Hold.")
        subscribed = await talk.ask(
            "subscribed", type="stage.subscribe", stage_id=held["stage_id"], after=0
        )
        assert subscribed["type"] == "subscribed"
        await run_in_pool(reviewer.user_permissions.clear)
        assert await talk.until_closed() == 4403
        go_on.set()
        await page.until_end(held["stage_id"])


async def test_the_sweep_asks_no_more_for_more_keys(
    make: Maker, process: Process, django_assert_num_queries: Any
) -> None:
    from chat.sockets import Watched, verdicts

    made = await make("chat")
    async with Talk(key=made.text, origin=None) as talk:
        await talk.ask("pong", type="ping")
        (socket,) = process.sockets
        watched = [Watched(socket.visitor, False)] * 20

        def look() -> None:
            with django_assert_num_queries(2):
                assert verdicts(watched) == {}

        await run_in_pool(look)


# --- limits ---


async def test_commands_count_as_requests_and_stopping_is_never_refused(
    make: Maker, go_on: Signal, settings: Any
) -> None:
    settings.TOOLBENCH_KEY_REQUESTS_PER_MINUTE = 2
    made = await make("chat")
    try:
        async with Talk(key=made.text, origin=None) as talk:
            held = await talk.start("Hold.")
            refused = await talk.start("Hello")
            assert refused["code"] == "rate_limited"
            assert 0 < refused["retry_after"] <= 60
            assert f"Wait {refused['retry_after']} s" in refused["message"]
            await talk.ask("pong", type="ping")
            stopped = await talk.ask("accepted", type="stage.cancel", stage_id=held["stage_id"])
            assert stopped["type"] == "accepted"
            await talk.until_end(held["stage_id"])
        async with Talk(key=made.text, origin=None) as talk:
            assert await talk.until_closed() == 4429
    finally:
        await rate_limits.close()
