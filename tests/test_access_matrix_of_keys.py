"""The access matrix of API keys: every socket command and address for programs, by every scope."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from chat.database import run_in_pool
from chat.lifecycle import Process
from chat.models import ModelRoute
from chat.services.api_keys import revoke_key
from tests.access_matrix import note
from tests.access_matrix_of_keys import COMMANDS, ENDPOINTS, KEYS
from tests.chat.conftest import cookies, process, replay, routed
from tests.chat.keys.makers import key_of
from tests.chat.socket_talk import Talk
from tests.replay import ReplayServer, Request, Script, Signal, WaitFor, chat_stream

__all__ = ["cookies", "process", "replay", "routed"]

TOOL = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture
def go_on(replay: ReplayServer, routed: ModelRoute) -> Signal:
    """Until this, the model holds what answers `Hold.`"""
    signal = Signal()

    def answer(request: Request) -> Script:
        held = "Hold." in str(request.json["messages"][-1]["content"])
        return chat_stream(["x", WaitFor(signal), "y"] if held else ["x", "y"])

    replay.answer_with(answer)
    return signal


@pytest.fixture
async def key_text(
    process: Process,
    kind: str,
    owner: User,
    colleague: User,
    reviewer: User,
    admin: User,
    routed: ModelRoute,
    lab_route: ModelRoute,
    replay: ReplayServer,
) -> str | None:
    """The text of the key; None for none."""

    def make() -> str | None:
        ModelRoute.objects.filter(pk=lab_route.pk).update(base_url=replay.base_url)
        people = {"colleague": colleague, "reviewer": reviewer, "admin": admin}
        match kind.split(", "):
            case ["none"]:
                return None
            case ["wrong"]:
                made = key_of(owner)
                revoke_key(owner, made.key.pk)
                return made.text
            case ["all"]:
                return key_of(owner).text
            case ["all", "lab route"]:
                return key_of(owner, routes=[lab_route]).text
            case ["all", person]:
                return key_of(people[person]).text
        return key_of(owner, kind).text

    return await run_in_pool(make)


def said(reply: dict[str, Any]) -> str:
    return str(reply.get("code", reply["type"]))


@pytest.mark.parametrize("kind", KEYS)
async def test_each_key_gets_the_replies_of_the_matrix(
    kind: str, key_text: str | None, go_on: Signal, cookies: dict[str, str]
) -> None:
    position = KEYS.index(kind)
    expected = {command: answers[position] for command, answers in COMMANDS.items()}
    if kind in ("none", "wrong"):
        async with Talk(key=key_text) as talk:
            closed = f"closed {await talk.until_closed()}"
        got = dict.fromkeys(COMMANDS, closed)
    else:
        async with Talk(cookies["owner"]) as page, Talk(key=key_text, origin=None) as talk:
            got = await replies(page, talk, go_on)
    for command, answer in got.items():
        note("Socket, by key", command, {kind: answer})
    assert got == expected


async def replies(page: Talk, talk: Talk, go_on: Signal) -> dict[str, str]:
    """What a key gets to each command, where the owner's page has an ended and a running stage."""
    ended = await page.start("First.")
    last = (await page.until_end(ended["stage_id"])).last
    held = await page.start("Hold.")
    await page.until_event(held["stage_id"], "chat_completion_chunk")
    conversation, running = ended["conversation_id"], held["stage_id"]

    async def start(**more: Any) -> str:
        reply = await talk.start("Next.", **more)
        if reply["type"] == "accepted":
            await talk.until_end(reply["stage_id"])
        return said(reply)

    async def ask(*types: str, **command: Any) -> str:
        return said(await talk.ask(*types, **command))

    toolchain = {"mode": "toolchain", "synthesis": True}
    got = {
        "stage.start in mode chat": await start(),
        "stage.start in mode toolchain": await start(**toolchain),
        "stage.start on the default route by name": await start(model_route="small"),
        "stage.start on a route of the group lab": await start(model_route="lab-only"),
        "stage.start in the owner's conversation": await start(conversation_id=conversation),
        "stage.start with retry_of there": await start(
            conversation_id=conversation, retry_of=ended["stage_id"]
        ),
        "stage.subscribe to the owner's running stage": await ask(
            "subscribed", type="stage.subscribe", stage_id=running, after=0
        ),
        "stage.subscribe to the owner's ended stage": await ask(
            "subscribed", type="stage.subscribe", stage_id=ended["stage_id"], after=last
        ),
        "conversation.subscribe to the owner's": await ask(
            "subscribed", type="conversation.subscribe", conversation_id=conversation
        ),
        "stage.cancel of the owner's running stage": await ask(
            "accepted", type="stage.cancel", stage_id=running
        ),
        "stage.unsubscribe": await ask("unsubscribed", type="stage.unsubscribe", stage_id=running),
        "ping": await ask("pong", type="ping"),
    }
    own = await talk.start("Hold.")
    if own["type"] != "accepted":
        own = await talk.start("Hold.", **toolchain)
    if own["type"] == "accepted":
        await talk.until_event(own["stage_id"], "chat_completion_chunk")
        await ask("unsubscribed", type="stage.unsubscribe", stage_id=own["stage_id"])
        async with Talk(key=talk.key, origin=None) as again:
            reply = await again.ask(
                "subscribed", type="stage.subscribe", stage_id=own["stage_id"], after=0
            )
            stopped = await again.ask("accepted", type="stage.cancel", stage_id=own["stage_id"])
            end = (await again.until_end(own["stage_id"])).terminal
        assert end is not None
        assert (end["event"], end["data"]["by"]) == ("cancel", "user")
    else:
        reply = stopped = {"type": "nothing started"}
    got["stage.subscribe to what the key started"] = said(reply)
    got["stage.cancel of what the key started"] = said(stopped)
    go_on.set()
    # Whatever the key was refused did not touch the owner's stage.
    end = (await page.until_end(running)).terminal
    assert end is not None
    assert end["event"] == "done"
    return got


@pytest.mark.parametrize("kind", KEYS)
async def test_each_key_gets_the_statuses_of_the_matrix(
    kind: str, key_text: str | None, replay: ReplayServer, go_on: Signal, cookies: dict[str, str]
) -> None:
    position = KEYS.index(kind)
    expected = {what: answers[position] for what, answers in ENDPOINTS.items()}
    async with Talk(cookies["owner"]) as page:
        started = await page.start("First.")
        await page.until_end(started["stage_id"])
    got = await statuses(key_text, started["stage_id"])
    for what, answer in got.items():
        note("HTTP, by key", what, {kind: answer})
    assert got == expected


async def statuses(key: str | None, owners: str) -> dict[str, str]:
    """What a key gets at each address for programs, and at some for people."""
    client = AsyncClient()
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def ask(method: str, path: str, body: dict[str, Any] | None = None) -> str:
        ask_for = getattr(client, method.lower())
        if body is None:
            response = await ask_for(path, headers=headers)
        else:
            response = await ask_for(
                path, json.dumps(body), content_type="application/json", headers=headers
            )
        if response.streaming:
            async for _ in response.streaming_content:
                pass
        if response.status_code == 302:
            assert response["Location"].partition("?")[0] in ("/accounts/login/", "/admin/login/")
            return "log in"
        if response.status_code >= 400:
            assert key is None or key not in response.content.decode()
        return str(response.status_code)

    async def start(path: str, **more: Any) -> str:
        body = {"model_container": "small", "system_prompt": "", "user_prompt": "Go.", **more}
        return await ask("POST", path, body)

    async def complete(**more: Any) -> str:
        said = [{"role": "user", "content": "Go."}]
        return await ask(
            "POST", "/v1/chat/completions", {"model": "small", "messages": said, **more}
        )

    async def read_own() -> str:
        own = str(uuid.uuid4())
        for path, more in (
            ("/stream/v1/chat", {}),
            ("/stream/v1/chat", {"model_container": "lab-only"}),
            ("/stream/v1/toolchain", {"synthesis": True}),
        ):
            if await start(path, stage_id=own, **more) == "200":
                return await ask("GET", f"/stream/v1/stages/{own}")
        return "nothing started"

    return {
        "POST /stream/v1/chat": await start("/stream/v1/chat"),
        "POST /completion/v1/chat": await start("/completion/v1/chat"),
        "POST /stream/v1/toolchain": await start("/stream/v1/toolchain", synthesis=True),
        "POST /completion/v1/toolchain": await start("/completion/v1/toolchain", synthesis=True),
        "GET /stream/v1/stages/<the owner's>": await ask("GET", f"/stream/v1/stages/{owners}"),
        "GET /stream/v1/stages/<the key's own>": await read_own(),
        "GET /v1/models": await ask("GET", "/v1/models"),
        "GET /v1/models/small": await ask("GET", "/v1/models/small"),
        "POST /v1/chat/completions": await complete(),
        "POST /v1/chat/completions with the caller's tools": await complete(tools=[TOOL]),
        "POST /v1/chat/completions with ours": await complete(toolbench={"tools": ["calculate"]}),
        "GET /healthz": await ask("GET", "/healthz"),
        "GET /": await ask("GET", "/"),
        "GET /accounts/keys/": await ask("GET", "/accounts/keys/"),
        "GET /admin/": await ask("GET", "/admin/"),
        "GET /bench/": await ask("GET", "/bench/"),
    }
