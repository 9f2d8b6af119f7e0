"""What is found on this machine, by real servers on loopback, and the routes made of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chat import discovery
from chat.discovery import OPENAI, FoundServer, not_yet_routes
from chat.models import ModelRoute
from tests.replay.builders import error, never_answers, whole
from tests.replay.script import Script
from tests.replay.server import MODELS, ReplayServer


@pytest.fixture(autouse=True)
def _fresh_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    discovery.forget_everything()
    yield
    discovery.forget_everything()


def listing(owner: str, *names: str) -> Script:
    return whole({"object": "list", "data": [{"id": n, "owned_by": owner} for n in names]})


@pytest.mark.parametrize(
    ("owner", "kind"),
    [
        ("library", "Ollama"),
        ("organization_owner", "LM Studio"),
        ("vllm", "vLLM"),
        ("llamacpp", "llama.cpp"),
        ("somebody", "A model server"),
    ],
)
async def test_a_server_is_recognised_by_its_list(owner: str, kind: str) -> None:
    async with ReplayServer(routes={MODELS: listing(owner, "a", "b")}) as server:
        (found,) = await discovery.look([server.port])
    assert found.title == f"{kind}, 2 models"
    assert found.detail == f"127.0.0.1:{server.port}: a, b"
    assert found.ticked


async def test_what_does_not_answer_with_models_is_not_offered() -> None:
    answers = (error(401, "no"), whole({"hello": 1}), listing("library"), never_answers())
    for answer in answers:
        async with ReplayServer(routes={MODELS: answer}) as server:
            assert await discovery.look([server.port]) == ()


async def test_our_own_port_is_never_asked() -> None:
    async with ReplayServer(routes={MODELS: listing("vllm", "a")}) as server:
        discovery.prepare(server.port, [server.port])
        assert discovery.is_looking()
        await discovery.run_due_looks()
        assert server.requests == []
    assert (discovery.found(), discovery.is_looking()) == ([], False)


async def test_a_look_is_made_at_the_start_and_again_when_someone_looks() -> None:
    async with ReplayServer(routes={MODELS: listing("vllm", "a")}) as server:
        discovery.prepare(0, [server.port])
        await discovery.run_due_looks()
        await discovery.run_due_looks()
        discovery.request_look()
        await discovery.run_due_looks()
        assert len(server.requests) == 1
        assert [found.models for found in discovery.found()] == [("a",)]
        discovery._memory.looked_at = 0.0 - discovery.LOOK_AGAIN_SECONDS
        discovery.request_look()
        await discovery.run_due_looks()
        assert len(server.requests) == 2


def test_a_process_that_does_not_look_never_says_it_does() -> None:
    discovery.request_look()
    assert not discovery.is_looking()


async def test_the_openai_key_is_offered_without_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    discovery.prepare(0, [])
    await discovery.run_due_looks()
    (found,) = discovery.found()
    assert (found.title, found.detail, found.state, found.ticked) == (
        "OpenAI key in the environment",
        "OPENAI_API_KEY, not checked",
        "ready",
        False,
    )
    assert "sk-canary" not in repr(found)


def offer(*servers: FoundServer) -> None:
    discovery.prepare(0, [])
    discovery._memory.local = tuple(servers)


OLLAMA = FoundServer("Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b", "llama3"), "ready")


def test_a_ticked_server_becomes_a_route_per_model(route: ModelRoute) -> None:
    offer(OLLAMA)
    made = discovery.add_routes([OLLAMA.value])
    assert [(r.slug, r.upstream_model, r.base_url) for r in made] == [
        ("qwen3-8b", "qwen3:8b", OLLAMA.base_url),
        ("llama3", "llama3", OLLAMA.base_url),
    ]
    assert made[0].token_limit_fields == ["max_tokens", "options.num_predict"]
    assert not made[0].is_default
    for one in made:
        one.full_clean()


def test_a_ticked_model_becomes_one_route(route: ModelRoute) -> None:
    offer(OLLAMA)
    made = discovery.add_routes([f"{OLLAMA.base_url} llama3"])
    assert [r.upstream_model for r in made] == ["llama3"]
    assert [left.models for left in not_yet_routes(discovery.found())] == [("qwen3:8b",)]


def test_what_was_not_offered_becomes_nothing(route: ModelRoute) -> None:
    offer(OLLAMA)
    assert discovery.add_routes(["http://169.254.169.254/v1", "http://127.0.0.1:11434/v1 x"]) == []
    assert ModelRoute.objects.count() == 1


def test_a_taken_slug_gets_a_number_and_a_route_is_made_once(db: None) -> None:
    ModelRoute.objects.create(slug="llama3", display_name="Mine", is_default=True)
    offer(OLLAMA)
    made = discovery.add_routes([OLLAMA.value, OLLAMA.value])
    assert [r.slug for r in made] == ["qwen3-8b", "llama3-2"]
    assert discovery.add_routes([OLLAMA.value]) == []


def test_openai_gets_its_key_and_its_settings(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    discovery.prepare(0, [])
    (made,) = discovery.add_routes([discovery.OPENAI_URL])
    stored = ModelRoute.objects.get(pk=made.pk)
    assert stored.api_key.reveal() == "sk-canary"
    assert stored.token_limit_fields == ["max_completion_tokens"]
    assert stored.tool_temperature is None
    assert stored.display_name.endswith(f"({OPENAI})")
