"""API keys in the admin: found, made for somebody, revoked; no secret is ever there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from chat.key_text import SHAPE, digest_of
from chat.models import ApiKey, ModelRoute
from chat.services.api_keys import revoke_key
from tests.chat.keys.makers import key_of

LIST = "/admin/chat/apikey/"
ADD = "/admin/chat/apikey/add/"

LogIn = Callable[[User | None], Client]


@pytest.fixture
def client(client_of: LogIn, admin: User) -> Client:
    """The admin's session."""
    return client_of(admin)


@pytest.fixture
def keys(owner: User, colleague: User) -> dict[str, ApiKey]:
    """One key in each state."""
    made = {
        "good": key_of(owner, "chat", name="good").key,
        "old": key_of(owner, "tools", name="old", expires_at=timezone.now()).key,
        "gone": key_of(owner, "read", name="gone").key,
        "off": key_of(colleague, "chat", "bench", name="off").key,
    }
    revoke_key(owner, made["gone"].pk)
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    return made


def names(client: Client, query: str = "") -> set[str]:
    page = client.get(f"{LIST}?{query}").content.decode()
    return set(re.findall(r'field-name"><a href="[^"]+">([^<]+)</a>', page))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"good", "old", "gone", "off"}),
        ("state=works", {"good"}),
        ("state=expired", {"old"}),
        ("state=revoked", {"gone"}),
        ("state=inactive", {"off"}),
        ("scope=chat", {"good", "off"}),
        ("scope=bench", {"off"}),
        ("q=colleague", {"off"}),
    ],
)
def test_keys_are_found_by_state_scope_and_person(
    client: Client, keys: dict[str, ApiKey], query: str, found: set[str]
) -> None:
    assert names(client, query) == found


def test_neither_list_nor_page_shows_a_digest(client: Client, keys: dict[str, ApiKey]) -> None:
    key = keys["good"]
    pages = [client.get(LIST), client.get(f"{LIST}{key.pk}/change/")]
    for page in pages:
        assert f"tb_{key.prefix}_" in page.content.decode()
        assert key.digest not in page.content.decode()


def test_the_list_asks_no_more_for_more_keys(
    client: Client, keys: dict[str, ApiKey], route: ModelRoute, owner: User
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(LIST)
        return len(queries)

    before = count()
    for number in range(10):
        key_of(owner, name=f"more {number}", routes=[route])
    assert count() <= before + 1


def test_an_admin_makes_a_key_for_somebody_and_sees_it_once(
    client: Client, owner: User, lab_route: ModelRoute
) -> None:
    assert "Whose key" in client.get(ADD).content.decode()
    answer = client.post(
        ADD,
        {
            "for_user": owner.pk,
            "name": "For the owner",
            "scopes": ["chat"],
            "which": "some",
            "routes": [lab_route.pk],
            "expires": "2099-01-31",
        },
    )
    page = unescape(answer.content.decode())
    found = SHAPE.search(page)
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    assert found
    assert page.count(found.group()) == 1
    key = ApiKey.objects.get()
    assert key.digest == digest_of(found.group())
    assert (key.owner, key.created_by.username) == (owner, "admin")  # type: ignore[union-attr]
    assert list(key.routes.all()) == [lab_route]
    entry = LogEntry.objects.get()
    assert found.group() not in f"{entry.object_repr}{entry.change_message}"
    assert key.prefix in entry.object_repr


def test_what_is_wrong_stands_beside_its_field(
    client: Client, stranger: User, lab_route: ModelRoute
) -> None:
    wrong = client.post(ADD, {"name": "", "which": "all"}).content.decode()
    for words in ("Choose whose key it is.", "Name the key after", "Choose at least one thing"):
        assert words in wrong
    values = {"for_user": stranger.pk, "name": "x", "scopes": ["chat"], "which": "some"}
    closed = client.post(ADD, {**values, "routes": [lab_route.pk]}).content.decode()
    assert "The route lab-only is not open to stranger." in closed
    assert not ApiKey.objects.exists()


def test_keys_are_revoked_after_asking(client: Client, keys: dict[str, ApiKey]) -> None:
    chosen = {"action": "revoke_keys", "_selected_action": [keys["good"].pk, keys["gone"].pk]}
    asked = client.post(LIST, chosen).content.decode()
    assert "Revoke these API keys?" in asked
    assert "tb_" + keys["good"].prefix in asked
    assert "tb_" + keys["gone"].prefix not in asked
    assert ApiKey.objects.usable().filter(pk=keys["good"].pk).exists()
    done = client.post(LIST, {**chosen, "sure": "yes"}, follow=True).content.decode()
    assert "1 key opens nothing any more." in done
    assert not ApiKey.objects.usable().filter(pk=keys["good"].pk).exists()


def test_nothing_of_a_key_is_changed_or_deleted_here(
    client: Client, keys: dict[str, ApiKey]
) -> None:
    page = f"{LIST}{keys['good'].pk}/"
    assert client.post(f"{page}change/", {"name": "other"}).status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403


def test_staff_with_every_permission_see_no_keys_here(
    client_of: LogIn, stranger: User, keys: dict[str, ApiKey]
) -> None:
    stranger.is_staff = True
    stranger.save()
    stranger.user_permissions.set(Permission.objects.all())
    client = client_of(stranger)
    for path in (LIST, ADD, f"{LIST}{keys['good'].pk}/change/"):
        assert client.get(path).status_code == 403
    assert "apikey" not in client.get("/admin/").content.decode()


def test_a_stage_says_with_which_key_it_was_started(
    client: Client, owner: User, route: Any
) -> None:
    import uuid

    from chat.models import Conversation, Message, Stage

    key = key_of(owner, name="Night job").key
    conversation = Conversation.objects.create(owner=owner)
    prompt = Message.objects.create(conversation=conversation, role="user", content="Go.")
    stage = Stage.objects.create(
        conversation=conversation,
        owner=owner,
        api_key=key,
        request_id=uuid.uuid4(),
        request_digest="0",
        mode="chat",
        status="done",
        ended_at=timezone.now() + timedelta(seconds=1),
        route=route,
        model="m",
        prompt_message=prompt,
    )
    assert "Night job (tb_" in client.get(f"/admin/chat/stage/{stage.pk}/change/").content.decode()
    found = client.get(f"/admin/chat/stage/?api_key__id__exact={key.pk}").content.decode()
    assert str(stage.pk) in found
