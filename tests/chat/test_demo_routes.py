"""The demo models' routes follow the address that is served."""

from __future__ import annotations

from typing import Any

import pytest

from chat.demo.catalogue import demo_routes
from chat.demo.key import demo_key
from chat.demo_routes import disable_demo_routes, ensure_demo_routes
from chat.models import ModelRoute


@pytest.fixture
def _demo_on(settings: Any) -> None:
    settings.TOOLBENCH_DEMO = True


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_demo_on")]

SERVED = "http://127.0.0.1:8000"


def demo() -> ModelRoute:
    return ModelRoute.objects.get(slug="demo")


def test_every_demo_model_gets_a_route() -> None:
    ensure_demo_routes(SERVED)
    slugs = {wanted["slug"] for wanted in demo_routes()}
    assert set(ModelRoute.objects.values_list("slug", flat=True)) == slugs
    assert demo().base_url == "http://127.0.0.1:8000/demo/v1"
    assert demo().api_key.reveal() == demo_key()
    for route in ModelRoute.objects.all():
        route.full_clean()


def test_the_demo_is_the_default_only_where_there_is_none(route: ModelRoute) -> None:
    ensure_demo_routes(SERVED)
    assert not demo().is_default
    ModelRoute.objects.all().delete()
    ensure_demo_routes(SERVED)
    assert ModelRoute.objects.get(is_default=True).slug == "demo"


def test_another_address_moves_the_routes_with_their_key() -> None:
    ensure_demo_routes(SERVED)
    ModelRoute.objects.filter(slug="demo").update(display_name="Mine", max_tool_rounds=3)
    ensure_demo_routes("http://127.0.0.1:8123/")
    assert demo().base_url == "http://127.0.0.1:8123/demo/v1"
    assert demo().api_key.reveal() == demo_key()
    assert (demo().display_name, demo().max_tool_rounds) == ("Mine", 3)


def test_a_second_start_changes_nothing() -> None:
    ensure_demo_routes(SERVED)
    before = list(ModelRoute.objects.values())
    ensure_demo_routes(SERVED)
    assert list(ModelRoute.objects.values()) == before


def test_switched_off_they_are_disabled_and_switched_on_they_are_back(settings: Any) -> None:
    ensure_demo_routes(SERVED)
    settings.TOOLBENCH_DEMO = False
    ensure_demo_routes(SERVED)
    assert not ModelRoute.objects.filter(enabled=True).exists()
    settings.TOOLBENCH_DEMO = True
    ensure_demo_routes(SERVED)
    assert not ModelRoute.objects.filter(enabled=False).exists()


def test_what_an_admin_disabled_stays_disabled() -> None:
    ensure_demo_routes(SERVED)
    disable_demo_routes()
    ensure_demo_routes("http://127.0.0.1:8123")
    assert not demo().enabled


def test_another_route_of_that_slug_is_left_alone() -> None:
    mine = ModelRoute.objects.create(
        slug="demo", display_name="Mine", base_url="http://10.0.0.1/v1", is_default=True
    )
    ensure_demo_routes(SERVED)
    assert demo().base_url == mine.base_url
