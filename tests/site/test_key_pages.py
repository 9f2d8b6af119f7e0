"""The pages of API keys: made, shown once, listed, revoked; whose they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from chat.key_text import SHAPE, digest_of
from chat.models import ApiKey, ModelRoute
from chat.services.api_keys import end_of, revoke_key
from tests.chat.keys.makers import key_of

KEYS = "/accounts/keys/"
NEW = "/accounts/keys/new/"

LogIn = Callable[[User | None], Client]


def once_of(client: Client) -> str:
    """The number of the form as it comes."""
    found = re.search(r'name="once" value="([^"]+)"', client.get(NEW).content.decode())
    assert found
    return found.group(1)


def posted(client: Client, **values: Any) -> Any:
    data = {"name": "Report", "scopes": ["chat", "read"], "which": "all", "expires": "", **values}
    return client.post(NEW, {"once": once_of(client), **data})


def test_without_keys_the_page_says_what_they_are_for(client_of: LogIn, owner: User) -> None:
    page = client_of(owner).get(KEYS).content.decode()
    assert "Let a program act for you" in page
    assert page.count(f'href="{NEW}"') == 1


def test_a_key_is_made_and_shown_once_with_a_command_to_try_it(
    client_of: LogIn, owner: User, route: ModelRoute
) -> None:
    client = client_of(owner)
    answer = posted(client)
    page = unescape(answer.content.decode())
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    (text,) = {found.group() for found in SHAPE.finditer(page)}
    assert page.count(text) == 2
    assert "it is not shown again" in page
    assert (
        f"curl http://testserver/v1/chat/completions \\\n  -H 'Authorization: Bearer {text}'"
        in page
    )
    assert '"model": "small"' in page
    key = ApiKey.objects.get()
    assert key.digest == digest_of(text)
    assert (key.owner, key.created_by, key.scopes) == (owner, owner, ["chat", "read"])
    assert text not in client.get(KEYS).content.decode()
    assert text not in str([session.get_decoded() for session in Session.objects.all()])


def test_the_example_fits_what_the_key_may_do(
    client_of: LogIn, owner: User, route: ModelRoute, lab_route: ModelRoute
) -> None:
    client = client_of(owner)
    only_lab = {"which": "some", "routes": [lab_route.pk]}
    tools = unescape(posted(client, scopes=["tools"], **only_lab).content.decode())
    assert "/completion/v1/toolchain" in tools
    assert '"model_container": "lab-only"' in tools
    reads = unescape(posted(client, scopes=["read"]).content.decode())
    assert "curl http://testserver/v1/models" in reads


def test_loading_the_shown_key_again_makes_no_other(client_of: LogIn, owner: User) -> None:
    client = client_of(owner)
    data = {"name": "Report", "scopes": ["chat"], "which": "all", "once": once_of(client)}
    assert client.post(NEW, data).status_code == 201
    again = client.post(NEW, data, follow=True)
    assert "no other key was made" in again.content.decode()
    assert ApiKey.objects.count() == 1


def test_limits_that_were_chosen_are_kept(
    client_of: LogIn, owner: User, route: ModelRoute, lab_route: ModelRoute
) -> None:
    day = timezone.localdate() + timedelta(days=7)
    posted(client_of(owner), which="some", routes=[lab_route.pk], expires=day.isoformat())
    key = ApiKey.objects.get()
    assert (key.all_routes, list(key.routes.all())) == (False, [lab_route])
    assert key.expires_at == end_of(day)


def test_what_is_wrong_is_said_beside_its_field_and_the_rest_kept(
    client_of: LogIn, stranger: User, lab_route: ModelRoute, route: ModelRoute
) -> None:
    client = client_of(stranger)
    wrong: dict[str, tuple[dict[str, Any], str]] = {
        "name": ({"name": " "}, "Name the key after what will use it."),
        "scopes": ({"scopes": []}, "Choose at least one thing that the key may do."),
        "none": ({"which": "some"}, "Choose at least one route, or all."),
        "foreign": (
            {"which": "some", "routes": [lab_route.pk]},
            "One of these routes is not open to you.",
        ),
        "past": ({"expires": "2001-01-01"}, "That time has passed."),
        "no date": ({"expires": "soon"}, "Write the last day as 2027-01-31"),
    }
    for values, words in wrong.values():
        answer = posted(client, **values)
        page = unescape(answer.content.decode())
        assert answer.status_code == 200
        assert words in page
        assert "lab-only" not in page
        if "name" not in values:
            assert 'value="Report"' in page
    assert not ApiKey.objects.exists()


def test_the_list_says_what_each_key_may_and_whether_it_works(
    client_of: LogIn, owner: User, lab_route: ModelRoute, django_assert_num_queries: Any
) -> None:
    key_of(owner, "chat", name="Good <b>one</b>")
    key_of(owner, "tools", name="Old", expires_at=timezone.now() - timedelta(days=1))
    revoked = key_of(owner, "read", name="Gone", routes=[lab_route]).key
    revoke_key(owner, revoked.pk)
    client = client_of(owner)
    page = client.get(KEYS).content.decode()
    assert [page.count(f"</svg>{word}</span>") for word in ("Works", "Expired", "Revoked")] == [
        1,
        1,
        1,
    ]
    assert "Good &lt;b&gt;one&lt;/b&gt;" in page
    assert page.index("Good") < page.index("Old") < page.index("Gone")
    assert f"tb_{revoked.prefix}_" in page
    assert f"/accounts/keys/{revoked.pk}/revoke/" not in page
    for _ in range(5):
        key_of(owner, routes=[lab_route])
    with django_assert_num_queries(4):
        client.get(KEYS)


def test_a_key_is_revoked_after_asking(client_of: LogIn, owner: User) -> None:
    key = key_of(owner, name="Report").key
    client = client_of(owner)
    asked = client.get(f"{KEYS}{key.pk}/revoke/").content.decode()
    assert "Revoke “Report”?" in asked
    assert ApiKey.objects.usable().exists()
    after = client.post(f"{KEYS}{key.pk}/revoke/", follow=True).content.decode()
    assert "“Report” opens nothing any more." in after
    assert not ApiKey.objects.usable().exists()


@pytest.mark.parametrize("who", ["stranger", "colleague", "reviewer", "admin"])
def test_keys_of_others_do_not_exist_here(
    client_of: LogIn, owner: User, who: str, request: pytest.FixtureRequest
) -> None:
    key = key_of(owner, name="Owners").key
    client = client_of(request.getfixturevalue(who))
    assert "Owners" not in client.get(KEYS).content.decode()
    for method in (client.get, client.post):
        assert method(f"{KEYS}{key.pk}/revoke/").status_code == 404
    assert ApiKey.objects.usable().exists()
