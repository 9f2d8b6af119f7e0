"""Who a request is from, where it brings a key: one answer for every wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import key_uses
from chat.access import bearer_token, identify, origin_is_allowed
from chat.admission import address_of
from chat.key_text import key_text_with, make_key_text
from chat.models import ApiKey, ModelRoute
from chat.policy import FULL
from chat.services.api_keys import revoke_key
from tests.chat.keys.makers import key_of, scope_with

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_uses_noted() -> Iterator[None]:
    key_uses._noted.clear()
    key_uses._written.clear()
    yield
    key_uses._noted.clear()
    key_uses._written.clear()


def test_a_key_stands_for_its_owner_within_its_grant(owner: User, lab_route: ModelRoute) -> None:
    made = key_of(owner, "chat", routes=[lab_route])
    visitor = identify(scope_with(made.text))
    assert visitor is not None
    assert (visitor.user_id, visitor.session_key) == (owner.pk, "")
    assert visitor.grant.key_id == made.key.pk
    assert visitor.grant.scopes == frozenset({"chat"})
    assert visitor.grant.route_ids == frozenset({lab_route.pk})


def test_the_key_of_an_admin_has_no_admins_power(admin: User) -> None:
    visitor = identify(scope_with(key_of(admin).text))
    assert visitor is not None
    assert visitor.is_superuser is False


def test_a_session_has_the_full_grant(
    owner: User, client_of: Callable[[User | None], Client]
) -> None:
    cookie = f"sessionid={client_of(owner).cookies['sessionid'].value}"
    visitor = identify(scope_with(cookie=cookie))
    assert visitor is not None
    assert visitor.grant is FULL


def test_a_wrong_key_never_falls_back_to_the_session(
    owner: User, client_of: Callable[[User | None], Client]
) -> None:
    cookie = f"sessionid={client_of(owner).cookies['sessionid'].value}"
    good = key_of(owner).text
    for tokens in ([""], ["x"], [make_key_text().text], [good, good], ["", good], [good, "x"]):
        assert identify(scope_with(*tokens, cookie=cookie)) is None, tokens


def test_another_scheme_is_not_ours_and_leaves_the_session(
    owner: User, client_of: Callable[[User | None], Client]
) -> None:
    cookie = f"sessionid={client_of(owner).cookies['sessionid'].value}"
    scope = scope_with(cookie=cookie)
    scope["headers"].append((b"authorization", b"Basic b3duZXI6eA=="))
    visitor = identify(scope)
    assert visitor is not None
    assert visitor.user_id == owner.pk


def test_the_scheme_is_read_in_any_case(owner: User) -> None:
    made = key_of(owner)
    scope = {"headers": [(b"authorization", f"  bEARER   {made.text} ".encode())]}
    assert bearer_token(scope) == made.text


def test_no_wrong_key_opens_anything(owner: User, colleague: User) -> None:
    good = key_of(owner)
    unknown = make_key_text()
    shapeless = unknown.text.removeprefix("tb_")
    same_prefix = key_text_with(good.key.prefix).text
    revoked = key_of(owner)
    revoke_key(owner, revoked.key.pk)
    expired = key_of(owner, expires_at=timezone.now() - timedelta(seconds=1))
    inactive = key_of(colleague)
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    for text in (unknown.text, shapeless, same_prefix, revoked.text, expired.text):
        assert identify(scope_with(text)) is None
    assert identify(scope_with(inactive.text)) is None
    assert identify(scope_with(good.text[:-1])) is None
    assert identify(scope_with(good.text)) is not None


def test_every_wrong_key_asks_the_database_the_same(
    owner: User, django_assert_num_queries: Callable[[int], object]
) -> None:
    revoked = key_of(owner)
    revoke_key(owner, revoked.key.pk)
    for text in (make_key_text().text, key_text_with(revoked.key.prefix).text, revoked.text):
        with django_assert_num_queries(1):  # type: ignore[attr-defined]
            identify(scope_with(text))
    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        identify(scope_with(revoked.text[:-1] + "~"))
    good = key_of(owner)
    # Owner and grant of a key are read once, whether it is still good every time.
    for count in (2, 1, 1):
        with django_assert_num_queries(count):  # type: ignore[attr-defined]
            assert identify(scope_with(good.text)) is not None
    revoke_key(owner, good.key.pk)
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert identify(scope_with(good.text)) is None


def test_a_websocket_with_a_key_needs_no_origin_but_an_allowed_host(owner: User) -> None:
    text = key_of(owner).text
    assert origin_is_allowed(scope_with(text))
    assert not origin_is_allowed(scope_with())
    foreign = scope_with(text)
    foreign["headers"][-1] = (b"host", b"rebound.example")
    assert not origin_is_allowed(foreign)


# --- last use ---


def test_a_use_is_written_once_a_minute_and_not_by_the_request(owner: User) -> None:
    made = key_of(owner)

    def last_used() -> object:
        return ApiKey.objects.get(pk=made.key.pk).last_used_at

    identify(scope_with(made.text))
    assert last_used() is None
    assert key_uses.store_uses() == 1
    first = last_used()
    assert first is not None
    identify(scope_with(made.text))
    assert key_uses.store_uses() == 0
    assert last_used() == first
    # A minute later the use noted meanwhile is written.
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    key_uses._written[made.key.pk] -= 61
    assert key_uses.store_uses() == 1


def test_another_process_that_wrote_the_use_spares_this_one_the_write(owner: User) -> None:
    made = key_of(owner, last_used_at=timezone.now() - timedelta(seconds=30))
    identify(scope_with(made.text))
    assert key_uses.store_uses() == 0


def test_wrong_keys_are_no_uses(owner: User) -> None:
    revoked = key_of(owner)
    revoke_key(owner, revoked.key.pk)
    identify(scope_with(revoked.text))
    assert key_uses.store_uses() == 0


# --- addresses ---


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "address"),
    [
        ("10.1.2.3", "", 0, "10.1.2.3"),
        ("10.1.2.3", "8.8.8.8", 0, "10.1.2.3"),
        ("127.0.0.1", "6.6.6.6, 8.8.8.8", 1, "8.8.8.8"),
        ("127.0.0.1", "", 1, "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", 0, "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", "", 0, "10.1.2.3"),
    ],
)
def test_an_address_is_what_a_trusted_proxy_says_and_no_other(
    client: str, forwarded: str, proxies: int, address: str, settings: object
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies  # type: ignore[attr-defined]
    scope = scope_with(client=(client, 1))
    scope["headers"].append((b"x-forwarded-for", forwarded.encode()))
    assert address_of(scope) == address
    scope["headers"].insert(0, (b"x-forwarded-for", b"9.9.9.9, 9.9.9.8"))
    if forwarded or not proxies:
        assert address_of(scope) == address
