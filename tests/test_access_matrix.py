"""The access matrix: every address and every socket command, for each of the six roles."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import AsyncClient, Client
from django.utils import timezone

from chat.database import run_in_pool
from chat.lifecycle import Process
from chat.models import (
    BenchRun,
    BenchSuite,
    Conversation,
    Message,
    ModelRoute,
    Stage,
    StageEvent,
    ToolRun,
)
from tests.access_matrix import COMMANDS, PAGES, ROLES, Rule, note, patterns
from tests.chat.conftest import cookies, process, replay, routed
from tests.chat.keys.makers import key_of
from tests.chat.pages.bench.rows import make_run
from tests.chat.socket_talk import Talk
from tests.replay import ReplayServer, Request, Script, Signal, WaitFor, chat_stream
from tools.models import ToolSetting

__all__ = ["cookies", "process", "replay", "routed"]


@dataclass
class World:
    """What the owner has said, and the ids that addresses need."""

    people: dict[str, User | None]
    conversation: Conversation
    stage: Stage
    suite: BenchSuite
    run: BenchRun
    ids: dict[str, object]

    def address(self, pattern: str) -> str:
        """The pattern filled in with what belongs to the owner."""
        path = pattern
        for model, pk in self.ids.items():
            if f"admin/{model}/" in path:
                path = path.replace("<path:object_id>", str(pk)).replace("<id>", str(pk))
                path = path.replace("<int:pk>", str(pk))
        values = {
            "<uuid:conversation_id>": self.conversation.pk,
            "<uuid:stage_id>": self.stage.pk,
            "<uuid:run_id>": self.run.pk,
            "<int:suite_id>": self.suite.pk,
            "<int:key_id>": self.ids["chat/apikey"],
            "<slug:name>": "starter",
            "<str:slug>": "small",
            "<path:rest>": "no/such/endpoint",
            "<slug:form>": "csv",
            "<str:token>": "no-such-token",
            "<path:content_type_id>": 1,
            "<path:object_id>": 1,
            "^(?P<app_label>auth|tools|chat)/$": "chat/",
            "(?P<url>.*)$": "no/such/page/",
        }
        for name, value in values.items():
            path = path.replace(name, str(value))
        assert "<" not in path, f"{pattern} has a part that this test cannot fill in"
        return f"/{path}"


@pytest.fixture
def world(
    owner: User,
    stranger: User,
    colleague: User,
    reviewer: User,
    admin: User,
    route: ModelRoute,
    settings: Any,
) -> World:
    """A conversation of the owner with an ended stage, a tool run and an answer."""
    settings.TOOLBENCH_DEMO = True
    people = [None, stranger, colleague, owner, reviewer, admin]
    conversation = Conversation.objects.create(owner=owner, title="Mine")
    prompt = Message.objects.create(conversation=conversation, role="user", content="Go.")
    now = timezone.now()
    stage = Stage.objects.create(
        conversation=conversation,
        owner=owner,
        request_id=uuid.uuid4(),
        request_digest="0",
        mode="toolchain",
        status="done",
        ended_at=now,
        route=route,
        model="m",
        prompt_message=prompt,
        timings={"queued_ms": 0, "first_token_ms": 1, "total_ms": 2},
    )
    message = Message.objects.create(
        id=stage.message_id_reserved,
        conversation=conversation,
        parent=prompt,
        role="assistant",
        content="Gone.",
        stage=stage,
    )
    event = StageEvent.objects.create(
        stage=stage, sequence_number=1, ts=now, event="repair", data='{"code":"a","detail":"b"}'
    )
    run = ToolRun.objects.create(
        stage=stage, call_id="c1", round=1, tool="calculate", origin="native", valid=True
    )
    case = {"id": "one", "prompt": "Go."}
    suite = BenchSuite.objects.create(owner=owner, name="old", cases=[case])
    bench_run = make_run(owner, {"small": [1]}, cases=[("one", "simple")], tries=1)
    setting, _ = ToolSetting.objects.get_or_create(name="calculate")
    ids: dict[str, object] = {
        "auth/group": Group.objects.get(name="lab").pk,
        "auth/user": stranger.pk,
        "tools/toolsetting": setting.pk,
        "chat/modelroute": route.pk,
        "chat/apikey": key_of(owner).key.pk,
        "chat/conversation": conversation.pk,
        "chat/message": message.pk,
        "chat/stageevent": event.pk,
        "chat/stage": stage.pk,
        "chat/toolrun": run.pk,
    }
    return World(dict(zip(ROLES, people, strict=True)), conversation, stage, suite, bench_run, ids)


def test_every_address_of_the_site_is_in_the_matrix_and_no_other() -> None:
    assert set(PAGES) == set(patterns())


@pytest.fixture
def answered() -> Callable[..., str]:
    """What a role gets at an address, once redirects are followed."""

    def ask(client: Client, method: str, path: str, data: Any = None) -> str:
        response = getattr(client, method)(path, data, follow=True)
        chain = [url for url, _ in response.redirect_chain]
        if response.request["PATH_INFO"] == "/accounts/login/" and response.status_code == 200:
            return "log in"
        if response.status_code != 200 or not chain:
            return str(response.status_code)
        return f"→ {chain[-1]}"

    return ask


def shown(answer: str, world: World) -> str:
    """The answer without this run's ids."""
    if answer.startswith("→ /admin/") and answer.endswith("/change/"):
        return "→ change/"
    answer = answer.replace(str(world.conversation.pk), "…")
    return re.sub(r"(?<=/bench/)(runs|suites)/[0-9a-f-]+/", r"\1/…/", answer)


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", [name for name, rule in PAGES.items() if not rule.is_live])
def test_each_role_gets_what_the_matrix_says(
    pattern: str, world: World, answered: Callable[..., str]
) -> None:
    rule = PAGES[pattern]
    path = world.address(pattern)
    got = dict(each_role(world, lambda client: answered(client, "get", path)))
    got = {role: shown(answer, world) for role, answer in got.items()}
    note("GET", f"/{pattern}", got)
    assert got == dict(zip(ROLES, rule.get, strict=True))


@pytest.mark.parametrize("pattern", [name for name, rule in PAGES.items() if rule.is_live])
async def test_each_role_gets_live_what_the_matrix_says(
    pattern: str, process: Process, world: World, cookies: dict[str, str]
) -> None:
    path = world.address(pattern)
    got = {}
    for role in ROLES:
        client = AsyncClient()
        client.cookies.load(cookies.get(role, ""))
        got[role] = str((await client.get(path)).status_code)
    note("GET", f"/{pattern}", got)
    assert got == dict(zip(ROLES, PAGES[pattern].get, strict=True))


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", [pattern for pattern, rule in PAGES.items() if rule.post])
def test_each_role_may_write_what_the_matrix_says(
    pattern: str, world: World, answered: Callable[..., str]
) -> None:
    rule = PAGES[pattern]
    path = world.address(pattern)
    got = dict(each_role(world, lambda client: answered(client, "post", path, rule.data)))
    got = {role: shown(answer, world) for role, answer in got.items()}
    note("POST", f"/{pattern}", got)
    assert rule.post is not None
    assert got == dict(zip(ROLES, rule.post, strict=True))


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", [pattern for pattern in PAGES if pattern.startswith("admin/")])
def test_nobody_but_admins_writes_in_the_admin(
    pattern: str, world: World, answered: Callable[..., str]
) -> None:
    path = world.address(pattern)
    for role, answer in each_role(world, lambda client: answered(client, "post", path)):
        if role != "admin":
            assert answer == ("log in" if role == "logged out" else "403")


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", PAGES)
def test_no_post_gets_through_without_a_csrf_token(pattern: str, world: World) -> None:
    rule: Rule = PAGES[pattern]
    path = world.address(pattern)
    answers = [
        status
        for _, status in each_role(
            world, lambda client: client.post(path, rule.data).status_code, csrf=True
        )
    ]
    if rule.csrf_exempt:
        assert set(answers) <= {401, 405}
    else:
        assert answers == [403] * len(ROLES)


def each_role(
    world: World, ask: Callable[[Client], Any], *, csrf: bool = False
) -> Iterator[tuple[str, Any]]:
    """Ask as each role; what one changes is undone before the next."""
    for role, user in world.people.items():
        with transaction.atomic():
            client = Client(enforce_csrf_checks=csrf)
            if user is not None:
                client.force_login(user)
            yield role, ask(client)
            transaction.set_rollback(True)


# --- the socket ---


@pytest.fixture
def go_on(replay: ReplayServer, routed: ModelRoute) -> Signal:
    """Until this, the model holds what answers `Hold.`"""
    signal = Signal()

    def answer(request: Request) -> Script:
        held = request.json["messages"][-1]["content"] == "Hold."
        return chat_stream(["x", WaitFor(signal), "y"] if held else ["x", "y"])

    replay.answer_with(answer)
    return signal


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_gets_the_replies_of_the_matrix(
    role: str,
    process: Process,
    routed: ModelRoute,
    lab_route: ModelRoute,
    replay: ReplayServer,
    go_on: Signal,
    cookies: dict[str, str],
) -> None:
    position = ROLES.index(role)
    expected = {command: answers[position] for command, answers in COMMANDS.items()}
    if role == "logged out":
        async with Talk() as talk:
            code = await talk.until_closed()
        got = dict.fromkeys(COMMANDS, f"closed {code}")
        note("Socket", "any command", {role: f"closed {code}"})
        assert got == expected
        return
    await run_in_pool(
        lambda: ModelRoute.objects.filter(pk=lab_route.pk).update(base_url=replay.base_url)
    )
    async with Talk(cookies["owner"]) as owners, Talk(cookies[role]) as talk:
        ended = await owners.start("First.")
        done = (await owners.until_end(ended["stage_id"])).terminal
        assert done is not None
        held = await owners.start("Hold.")
        await owners.until_event(held["stage_id"], "chat_completion_chunk")
        # Their own conversation; the owner's own is the one that all this is about.
        own = ended if role == "owner" else await talk.start("Mine.")
        if own is not ended:
            await talk.until_end(own["stage_id"])
        at_home = {"conversation_id": own["conversation_id"]}

        async def started(**more: Any) -> str:
            reply = await talk.start("Next.", **more)
            if reply["type"] == "accepted":
                await talk.until_end(reply["stage_id"])
            return str(reply.get("code", reply["type"]))

        async def asked(*types: str, **command: Any) -> str:
            reply = await talk.ask(*types, **command)
            return str(reply.get("code", reply["type"]))

        stage, conversation = ended["stage_id"], ended["conversation_id"]
        running = held["stage_id"]
        message = done["data"]["message_id"]
        got = {
            "stage.start": await started(),
            "stage.start on a route of the group lab": await started(model_route="lab-only"),
            "stage.start in the owner's conversation": await started(conversation_id=conversation),
            "stage.start with retry_of the owner's stage": await started(retry_of=stage, **at_home),
            "stage.start with continue_of the owner's stage": await started(
                continue_of=stage, **at_home
            ),
            "stage.start with parent_message_id of the owner's message": await started(
                parent_message_id=message, **at_home
            ),
            "stage.subscribe": await asked(
                "subscribed", type="stage.subscribe", stage_id=running, after=10**6
            ),
            "stage.subscribe to an ended stage": await asked(
                "subscribed", type="stage.subscribe", stage_id=stage, after=done["sequence_number"]
            ),
            "conversation.subscribe": await asked(
                "subscribed", type="conversation.subscribe", conversation_id=conversation
            ),
            "stage.unsubscribe": await asked(
                "unsubscribed", type="stage.unsubscribe", stage_id=running
            ),
            "conversation.unsubscribe": await asked(
                "unsubscribed", type="conversation.unsubscribe", conversation_id=conversation
            ),
            "tool_call.decide": await asked(
                "accepted", type="tool_call.decide", stage_id=running, call_id="c", approve=True
            ),
            "ping": await asked("pong", type="ping"),
            "stage.cancel of an ended stage": await asked(
                "accepted", type="stage.cancel", stage_id=stage
            ),
            "stage.cancel": await asked("accepted", type="stage.cancel", stage_id=running),
        }
        if got["stage.cancel"] != "accepted":
            assert is_running(process, running)
            go_on.set()
        end = (await owners.until_end(running)).terminal
        assert end is not None
        by = {"owner": "user", "admin": "admin"}.get(role)
        assert (end["event"], end["data"].get("by")) == (("cancel", by) if by else ("done", None))
    for command, answer in got.items():
        note("Socket", command, {role: answer})
    assert got == expected


def is_running(process: Process, stage_id: str) -> bool:
    return uuid.UUID(stage_id) in process.runner.running
