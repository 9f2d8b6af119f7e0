"""/healthz."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import runner as runners
from chat.models import ModelRoute


@pytest.fixture
def _routes(route: ModelRoute, lab_route: ModelRoute) -> None:
    ModelRoute.objects.filter(pk=route.pk).update(check_status="online", check_text="Online.")
    ModelRoute.objects.filter(pk=lab_route.pk).update(
        check_status="offline", check_text="Refused the connection. Nothing listens at 10.0.0.1."
    )
    ModelRoute.objects.create(slug="new", display_name="New", check_status="checking")
    ModelRoute.objects.create(slug="off", display_name="Off", enabled=False)


@pytest.mark.usefixtures("_routes")
def test_it_tells_the_status_of_enabled_routes_from_one_query(
    client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        answer = client.get("/healthz")
    assert answer.json() == {
        "status": "ready",
        "model_servers": {
            "small": {"status": "online"},
            "lab-only": {"status": "offline"},
            "new": {"status": "unknown"},
        },
    }
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.usefixtures("_routes")
def test_error_texts_are_for_admins_only(
    client_of: Callable[[User | None], Client],
    owner: User,
    stranger: User,
    colleague: User,
    reviewer: User,
    admin: User,
) -> None:
    for person in (None, owner, stranger, colleague, reviewer):
        assert "10.0.0.1" not in client_of(person).get("/healthz").content.decode()
    told = client_of(admin).get("/healthz").json()["model_servers"]
    assert told["lab-only"]["error"].startswith("Refused the connection.")
    assert told["small"] == {"status": "online"}


def test_while_the_process_drains_it_sends_its_proxy_elsewhere(
    client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    serving = runners.Runner()
    runners.set_current(serving)
    try:
        assert client.get("/healthz").status_code == 200
        serving.going_down = True
        answer = client.get("/healthz")
    finally:
        runners.set_current(None)
    assert (answer.status_code, answer.json()) == (503, {"status": "draining"})
    assert caplog.records == []


def test_it_only_reads(client: Client, db: None) -> None:
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


def test_it_answers_without_tls_where_everything_else_insists(
    client: Client, db: None, settings: Any
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    assert client.get("/admin/").status_code == 301
    assert client.get("/healthz").status_code == 200
