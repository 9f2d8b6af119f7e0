"""Making and revoking keys: who may, what is kept, what is refused."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from chat.key_text import digest_of
from chat.models import ApiKey, ModelRoute
from chat.services import Refused
from chat.services.api_keys import KEYS_PER_PERSON, end_of, make_key, revoke_key
from tests.chat.keys.makers import key_of


def refusal(call: Any, *args: Any, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    return caught.value


def test_of_a_key_only_prefix_and_digest_are_stored(owner: User) -> None:
    made = key_of(owner, "chat", "read", name="  Nightly\n job ")
    row = ApiKey.objects.values().get()
    assert made.text not in json.dumps(row, default=str)
    assert made.text.split("_")[2][:20] not in json.dumps(row, default=str)
    assert row["digest"] == digest_of(made.text)
    assert made.text.startswith(f"tb_{row['prefix']}_")
    assert (row["name"], row["scopes"]) == ("Nightly job", ["chat", "read"])
    assert (row["owner_id"], row["created_by_id"]) == (owner.pk, owner.pk)
    assert (row["all_routes"], row["expires_at"], row["last_used_at"]) == (True, None, None)


def test_an_admin_makes_keys_for_others_and_nobody_else_does(
    owner: User, admin: User, reviewer: User
) -> None:
    made = make_key(admin, owner, name="For the owner", scopes=["chat"])
    assert (made.key.owner, made.key.created_by) == (owner, admin)
    for other in (owner, reviewer):
        assert refusal(make_key, other, admin, name="x", scopes=["chat"]).code == "not_found"
    assert ApiKey.objects.count() == 1


def test_each_wrong_value_names_its_field(owner: User, route: ModelRoute, settings: Any) -> None:
    def field_of(**values: Any) -> str:
        wanted = {"name": "x", "scopes": ["chat"], **values}
        return str(refusal(make_key, owner, owner, **wanted).more["field"])

    assert field_of(name=" \n") == "name"
    assert field_of(name="x" * 81) == "name"
    assert field_of(scopes=[]) == "scopes"
    assert field_of(scopes=["chat", "admin"]) == "scopes"
    assert field_of(routes=[]) == "routes"
    assert field_of(expires_at=timezone.now()) == "expires"
    owner.is_active = False
    assert field_of() == "owner"
    assert not ApiKey.objects.exists()


def test_a_key_is_for_routes_that_its_owner_may_use(
    owner: User, stranger: User, lab_route: ModelRoute
) -> None:
    made = key_of(owner, routes=[lab_route])
    assert made.key.as_grant().route_ids == frozenset({lab_route.pk})
    refused = refusal(key_of, stranger, routes=[lab_route])
    assert refused.more["field"] == "routes"


def test_a_key_for_one_route_opens_none_once_that_route_is_deleted(
    owner: User, lab_route: ModelRoute, route: ModelRoute
) -> None:
    key = key_of(owner, routes=[lab_route]).key
    lab_route.delete()
    grant = ApiKey.objects.get(pk=key.pk).as_grant()
    assert grant.route_ids == frozenset()
    assert not ModelRoute.objects.visible_to(owner, grant).exists()


def test_a_person_has_a_limited_number_of_keys_that_work(owner: User) -> None:
    ApiKey.objects.bulk_create(
        ApiKey(owner=owner, name="x", prefix=f"p{n}", digest="0", scopes=["chat"])
        for n in range(KEYS_PER_PERSON)
    )
    assert "which is the limit" in refusal(key_of, owner).message
    revoke_key(owner, ApiKey.objects.latest("pk").pk)
    key_of(owner)


def test_owners_and_admins_revoke_a_key_and_for_others_there_is_none(
    owner: User, colleague: User, reviewer: User, admin: User
) -> None:
    first, second = key_of(owner).key, key_of(owner).key
    for other in (colleague, reviewer):
        assert refusal(revoke_key, other, first.pk).code == "not_found"
        assert not ApiKey.objects.visible_to(other).exists()
    assert ApiKey.objects.usable().count() == 2
    revoke_key(owner, first.pk)
    revoke_key(admin, second.pk)
    assert not ApiKey.objects.usable().exists()


def test_revoking_again_keeps_the_first_time(owner: User) -> None:
    key = key_of(owner).key
    before = revoke_key(owner, key.pk).revoked_at
    assert revoke_key(owner, key.pk).revoked_at == before


def test_keys_that_expired_or_whose_owner_is_inactive_are_not_usable(
    owner: User, colleague: User
) -> None:
    key_of(owner, expires_at=timezone.now() - timedelta(seconds=1))
    key_of(colleague)
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    good = key_of(owner, expires_at=timezone.now() + timedelta(minutes=1)).key
    assert list(ApiKey.objects.usable()) == [good]


# --- the command ---


def test_the_command_prints_the_key_and_nothing_else(
    owner: User, lab_route: ModelRoute, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command(
        "create_api_key",
        "owner",
        name="CI",
        scopes="read, tools",
        routes="lab-only",
        expires="2099-12-31",
    )
    out, err = capsys.readouterr()
    text = out.removesuffix("\n")
    key = ApiKey.objects.get()
    assert digest_of(text) == key.digest
    assert text not in err
    assert "It is not shown again" in err
    assert (key.scopes, list(key.routes.all())) == (["tools", "read"], [lab_route])
    assert key.expires_at == end_of(date(2099, 12, 31))
    assert key.created_by is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "There is no user “nobody”."),
        ({"user": "owner", "scopes": "all"}, "There is no scope “all”."),
        ({"user": "owner", "routes": "none"}, "There is no route “none”."),
        ({"user": "owner", "expires": "31.12.2099"}, "Write the last day as 2027-01-31."),
        ({"user": "owner", "expires": "2001-01-01"}, "That time has passed."),
    ],
)
def test_the_command_says_what_is_wrong(
    owner: User, options: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    user = options.pop("user", "nobody")
    with pytest.raises(CommandError, match="^" + words.replace(".", r"\.")):
        call_command("create_api_key", user, name="CI", **options)
    assert capsys.readouterr().out == ""
    assert not ApiKey.objects.exists()
