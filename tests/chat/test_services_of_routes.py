"""Whose key goes where, and which route is the default."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from chat.encryption import Secret
from chat.models import ModelRoute
from chat.services.routes import free_slug, save_route

CHECKING = ModelRoute.CheckStatus.CHECKING


def stored(route: ModelRoute) -> ModelRoute:
    return ModelRoute.objects.get(pk=route.pk)


@pytest.fixture
def keyed(route: ModelRoute) -> ModelRoute:
    save_route(route, "sk-first")
    ModelRoute.objects.update(check_status="online", check_text="Online: 1 model, small-1.")
    return stored(route)


def test_a_key_is_stored_encrypted(keyed: ModelRoute) -> None:
    assert keyed.api_key is not None
    assert keyed.api_key.reveal() == "sk-first"
    assert "sk-first" not in keyed.api_key.token


def test_an_empty_key_keeps_the_stored_one(keyed: ModelRoute) -> None:
    keyed.display_name = "Other name"
    done = save_route(keyed)
    assert not done.key_cleared
    assert stored(keyed).api_key.reveal() == "sk-first"
    assert stored(keyed).check_status == "online"


@pytest.mark.parametrize(
    "base_url",
    ["https://127.0.0.1:9/v1", "http://localhost:9/v1", "http://127.0.0.1:10/v1", ""],
)
def test_another_scheme_host_or_port_clears_the_key(keyed: ModelRoute, base_url: str) -> None:
    keyed.base_url = base_url
    done = save_route(keyed)
    assert done.key_cleared
    assert stored(keyed).api_key is None


def test_another_path_keeps_the_key(keyed: ModelRoute) -> None:
    keyed.base_url = "http://127.0.0.1:9/openai/v1"
    assert not save_route(keyed).key_cleared
    assert stored(keyed).api_key.reveal() == "sk-first"


def test_a_key_typed_with_the_new_address_is_stored(keyed: ModelRoute) -> None:
    keyed.base_url = "http://127.0.0.1:10/v1"
    assert not save_route(keyed, "sk-second").key_cleared
    assert stored(keyed).api_key.reveal() == "sk-second"


def test_a_key_set_on_the_row_itself_does_not_pass_the_rule(keyed: ModelRoute) -> None:
    keyed.base_url = "http://127.0.0.1:10/v1"
    keyed.api_key = Secret.of("sk-first")
    assert save_route(keyed).key_cleared
    assert stored(keyed).api_key is None


def test_a_key_is_forgotten_when_asked(keyed: ModelRoute) -> None:
    save_route(keyed, forget=True)
    assert stored(keyed).api_key is None


def test_a_changed_connection_is_checked_again(keyed: ModelRoute) -> None:
    keyed.upstream_model = "other"
    save_route(keyed)
    assert (stored(keyed).check_status, stored(keyed).check_text) == (CHECKING, "")


def test_what_a_check_found_meanwhile_is_kept(keyed: ModelRoute) -> None:
    loaded_before = stored(keyed)
    ModelRoute.objects.update(check_status="offline", check_text="Refused the connection.")
    loaded_before.display_name = "Other name"
    save_route(loaded_before)
    assert stored(keyed).check_status == "offline"


def test_a_new_default_takes_the_place_of_the_old(route: ModelRoute, lab_route: ModelRoute) -> None:
    lab_route.is_default = True
    save_route(lab_route)
    assert list(ModelRoute.objects.filter(is_default=True)) == [lab_route]


def test_the_only_default_stays(route: ModelRoute, lab_route: ModelRoute) -> None:
    route.is_default = False
    assert save_route(route).stays_default
    assert stored(route).is_default


def test_the_first_route_is_the_default(db: None) -> None:
    route = ModelRoute(slug="first", display_name="First")
    assert not save_route(route).stays_default
    assert stored(route).is_default


def test_the_database_holds_two_defaults_off(route: ModelRoute, lab_route: ModelRoute) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelRoute.objects.filter(pk=lab_route.pk).update(is_default=True)


def test_a_taken_slug_gets_a_number(route: ModelRoute) -> None:
    assert free_slug("large") == "large"
    assert free_slug("small") == "small-2"
    assert len(free_slug("x" * 80)) == 50
