"""Connection checks against real servers on loopback: what they say, and what they never say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet

from chat.checks import request_check, run_due_checks
from chat.database import close_pool_connections
from chat.model_list import ask_for_models
from chat.models import ModelRoute
from chat.services.routes import save_route
from tests.replay.builders import error, never_answers, whole
from tests.replay.script import CloseNow, Script
from tests.replay.server import MODELS, ReplayServer

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "sk-canary-0123456789"


@pytest.fixture(autouse=True)
def _pool() -> Iterator[None]:
    yield
    close_pool_connections()


def listing(*names: str) -> Script:
    return whole({"object": "list", "data": [{"id": n, "object": "model"} for n in names]})


async def outcome(route: ModelRoute, base_url: str, key: str = "") -> ModelRoute:
    route.base_url = base_url
    await sync_to_async(save_route)(route, key)
    assert await run_due_checks() == 1
    checked: ModelRoute = await ModelRoute.objects.aget(pk=route.pk)
    assert KEY not in checked.check_text
    return checked


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("small-1",), "Online: 1 model, small-1."),
        (("big", "small-1", "tiny"), "Online: 3 models, small-1 among them."),
        (("small-1:latest", "big"), "Online: 2 models, small-1 among them."),
        (("big", "tiny"), "The server answers, but has no model named small-1. It has: big, tiny."),
        ((), "The server answers, but has no model. Load one there."),
    ],
)
async def test_a_list_of_models_is_told_in_words(
    route: ModelRoute, names: tuple[str, ...], text: str
) -> None:
    async with ReplayServer(routes={MODELS: listing(*names)}) as server:
        checked = await outcome(route, server.base_url)
    assert (checked.check_status, checked.check_text) == ("online", text)
    assert checked.check_models == list(names)
    assert checked.checked_at is not None


async def test_the_size_of_a_context_is_read_where_a_server_says_it() -> None:
    data = [
        {"id": "llama", "meta": {"n_ctx": 8192, "n_ctx_train": 131072}},
        {"id": "vllm", "max_model_len": 4096},
        {"id": "odd", "max_model_len": "4096", "meta": []},
    ]
    async with ReplayServer(routes={MODELS: whole({"object": "list", "data": data})}) as server:
        listing = await ask_for_models(server.base_url)
    assert listing.windows == {"llama": 8192, "vllm": 4096}


async def test_long_lists_are_cut_with_their_number(route: ModelRoute) -> None:
    async with ReplayServer(routes={MODELS: listing(*(f"m{n}" for n in range(20)))}) as server:
        checked = await outcome(route, server.base_url)
    assert checked.check_text.endswith("m7 and 12 more.")


async def test_a_route_without_a_model_is_told_which_there_are(route: ModelRoute) -> None:
    route.upstream_model = ""
    async with ReplayServer(routes={MODELS: listing("a", "b")}) as server:
        checked = await outcome(route, server.base_url)
    assert checked.check_text == "Online: 2 models. Name one as upstream model: a, b."


@pytest.mark.parametrize(
    ("code", "key", "status", "words"),
    [
        (401, KEY, "offline", "The key was refused (401)."),
        (403, "", "offline", "The server asks for a key (403), and none is stored."),
        (404, "", "unknown", "The server answers, but has no list of models at /v1/models (404)."),
        (429, "", "unknown", "The server asks for fewer requests (429)."),
        (503, "", "offline", "The server answers with an error (503). It may still be load"),
        (500, "", "offline", "The server answers with an error (500)."),
        (307, "", "offline", "The server sends elsewhere (307)."),
    ],
)
async def test_a_refusal_is_told_in_words(
    route: ModelRoute, code: int, key: str, status: str, words: str
) -> None:
    async with ReplayServer(routes={MODELS: error(code, f"no {KEY}")}) as server:
        checked = await outcome(route, server.base_url, key)
    assert checked.check_status == status
    assert checked.check_text.startswith(words)


async def test_https_to_a_server_of_plain_http_is_told_as_a_likely_mistake(
    route: ModelRoute,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        checked = await outcome(route, f"https://127.0.0.1:{port}/v1")
    assert checked.check_status == "offline"
    assert "write http:// into the base URL" in checked.check_text


async def test_the_key_is_sent_to_its_server(route: ModelRoute) -> None:
    async with ReplayServer(routes={MODELS: listing("small-1")}) as server:
        await outcome(route, server.base_url, KEY)
        assert server.exchanges[0].request.headers["authorization"] == f"Bearer {KEY}"


async def test_something_else_that_answers_is_not_taken_for_a_model_server(
    route: ModelRoute,
) -> None:
    async with ReplayServer(routes={MODELS: whole({"hello": "there"})}) as server:
        checked = await outcome(route, server.base_url)
    assert checked.check_status == "offline"
    assert "not with a list of models" in checked.check_text


async def test_a_port_where_nothing_listens_is_named(route: ModelRoute) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    checked = await outcome(route, f"http://127.0.0.1:{port}/v1")
    assert checked.check_status == "offline"
    assert checked.check_text == (f"Refused the connection. Nothing listens at 127.0.0.1:{port}.")


async def test_an_unknown_name_is_named(route: ModelRoute) -> None:
    checked = await outcome(route, "http://no-such-host.invalid:8000/v1")
    assert checked.check_text == (
        "The name no-such-host.invalid is not known here. Check the host in the base URL."
    )


async def test_a_server_that_says_nothing_is_left_after_its_time() -> None:
    async with ReplayServer(routes={MODELS: never_answers()}) as server:
        listing = await ask_for_models(server.base_url, total_seconds=0.2)
        assert listing.models is None
        assert listing.problem == (
            f"127.0.0.1:{server.port} took the connection, but did not answer within 0.2 s."
        )


async def test_a_connection_broken_off_is_told() -> None:
    broken = Script(steps=(CloseNow(),), head_at_once=False)
    async with ReplayServer(routes={MODELS: broken}) as server:
        listing = await ask_for_models(server.base_url)
    assert "broke the connection off" in listing.problem


async def test_a_key_that_no_header_can_carry_is_told() -> None:
    listing = await ask_for_models("http://127.0.0.1:9/v1", "sk-…")
    assert "cannot be sent" in listing.problem


async def test_an_unreadable_key_says_what_to_do(route: ModelRoute, settings: Any) -> None:
    await sync_to_async(save_route)(route, KEY)
    settings.TOOLBENCH_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    await run_due_checks()
    checked = await ModelRoute.objects.aget(pk=route.pk)
    assert "Type the API key again" in checked.check_text


async def test_what_was_checked_a_moment_ago_is_left_alone_until_asked_for(
    route: ModelRoute,
) -> None:
    async with ReplayServer(routes={MODELS: listing("small-1")}) as server:
        await outcome(route, server.base_url)
        assert await run_due_checks() == 0
        version = (await ModelRoute.objects.aget(pk=route.pk)).updated_at
        assert await sync_to_async(request_check)([route.pk]) == 1
        assert await run_due_checks() == 1
        assert (await ModelRoute.objects.aget(pk=route.pk)).updated_at == version


async def test_overlapping_rounds_check_a_route_once(route: ModelRoute) -> None:
    async with ReplayServer(routes={MODELS: listing("small-1")}) as server:
        route.base_url = server.base_url
        await sync_to_async(save_route)(route)
        counts = await asyncio.gather(run_due_checks(), run_due_checks(), run_due_checks())
        assert sorted(counts)[-1] == 1
        assert len(server.exchanges) <= 2


async def test_a_route_edited_meanwhile_keeps_nothing_of_the_old_check(route: ModelRoute) -> None:
    async with ReplayServer(routes={MODELS: listing("small-1")}) as server:
        route.base_url = server.base_url
        await sync_to_async(save_route)(route)
        task = asyncio.create_task(run_due_checks())
        await server.request_arrived()
        edited = await ModelRoute.objects.aget(pk=route.pk)
        edited.upstream_model = "other"
        await sync_to_async(save_route)(edited)
        await task
        checked = await ModelRoute.objects.aget(pk=route.pk)
    assert checked.check_status in {"checking", "online"}
    assert "small-1 among" not in checked.check_text


async def test_disabled_routes_are_checked_when_asked_for_only(route: ModelRoute) -> None:
    route.enabled = False
    await sync_to_async(save_route)(route)
    await ModelRoute.objects.aupdate(check_status="unknown")
    assert await run_due_checks() == 0
    await sync_to_async(request_check)([route.pk])
    assert await run_due_checks() == 1
