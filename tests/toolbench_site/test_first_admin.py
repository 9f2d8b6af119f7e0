"""The page behind the one-time link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import discovery
from chat.demo_routes import ensure_demo_routes
from chat.discovery import FoundServer
from chat.first_admin import make_setup_link
from chat.models import ModelRoute, SetupToken

GOOD = {"username": "first", "email": "", "password": "a long pass phrase for tests"}
OLLAMA = FoundServer("Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b", "llama3"), "ready")


@pytest.fixture
def path(db: None) -> str:
    link = make_setup_link("http://127.0.0.1:8000")
    assert link is not None
    return link.removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def _found() -> Iterator[None]:
    discovery.prepare(0, [])
    discovery._memory.local = (OLLAMA,)
    yield
    discovery.forget_everything()


def test_the_page_makes_the_admin_and_logs_in(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
    answer = client.post(path, GOOD)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(User.objects.get(is_superuser=True).pk)
    assert client.get(path).status_code == 404


def test_a_weak_password_is_refused_and_the_rest_is_kept(client: Client, path: str) -> None:
    answer = client.post(path, {**GOOD, "email": "me@example.org", "password": "short1x"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert not User.objects.exists()
    assert 'value="first"' in page
    assert 'value="me@example.org"' in page
    assert "short1x" not in page


def test_nothing_typed_says_what_to_type(client: Client, path: str) -> None:
    page = client.post(path, {}).content.decode()
    assert "Type a user name." in page
    assert "Type a password." in page


def test_an_ended_link_says_how_to_get_another(client: Client, path: str) -> None:
    SetupToken.objects.update(expires_at=timezone.now())
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Start Toolbench again" in answer.content.decode()
    assert client.post(path, GOOD).status_code == 404
    assert not User.objects.exists()


def test_a_wrong_link_is_not_found(client: Client, path: str) -> None:
    assert client.get("/setup/not-the-token/").status_code == 404
    assert client.get("/setup/not-the-token/found/").status_code == 404


def test_the_link_is_dead_once_a_user_exists(client: Client, path: str, stranger: User) -> None:
    assert client.get(path).status_code == 404
    assert client.get(f"{path}found/").status_code == 404
    assert client.post(path, GOOD).status_code == 404
    assert User.objects.count() == 1


@pytest.mark.usefixtures("_found")
def test_what_was_found_is_offered_and_ticked_servers_become_routes(
    client: Client, path: str, settings: Any
) -> None:
    settings.TOOLBENCH_DEMO = True
    ensure_demo_routes("http://127.0.0.1:8000")
    page = client.get(path).content.decode()
    assert "Ollama, 2 models" in page
    found = client.get(f"{path}found/").json()["found"]
    assert [(f["value"], f["ticked"]) for f in found] == [("demo", True), (OLLAMA.value, True)]
    client.post(path, {**GOOD, "add": ["demo", OLLAMA.value]})
    assert ModelRoute.objects.filter(base_url=OLLAMA.base_url).count() == 2
    assert ModelRoute.objects.get(is_default=True).upstream_model == "qwen3:8b"
    assert ModelRoute.objects.get(slug="demo").enabled


@pytest.mark.usefixtures("_found")
def test_without_its_tick_the_demo_is_disabled(client: Client, path: str, settings: Any) -> None:
    settings.TOOLBENCH_DEMO = True
    ensure_demo_routes("http://127.0.0.1:8000")
    client.post(path, GOOD)
    assert not ModelRoute.objects.filter(enabled=True).exists()


@pytest.mark.usefixtures("_found")
def test_ticks_are_kept_when_the_form_comes_back(client: Client, path: str) -> None:
    answer = client.post(path, {**GOOD, "password": "short", "add": ["demo"]})
    assert [(o.value, o.ticked) for o in answer.context["found"]] == [
        ("demo", True),
        (OLLAMA.value, False),
    ]
