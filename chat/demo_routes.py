"""Routes to the built-in demo models, kept at the address that is being served."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from chat.demo.address import DEMO_PATH, serve_at
from chat.demo.catalogue import demo_routes
from chat.demo.key import demo_key
from chat.encryption import UndecryptableSecret
from chat.models import ModelRoute
from chat.services.routes import save_route
from chat.turns import take_turn

# Tells a route that was switched off with the demo from one that an admin disabled.
SWITCHED_OFF = "The demo model is switched off (TOOLBENCH_DEMO)."


@transaction.atomic
def ensure_demo_routes(served_base_url: str) -> None:
    """Make or update the demo models' routes, or disable them where the demo is switched off.

    `served_base_url` is where this process answers, for example http://127.0.0.1:8000. What an
    admin changed on a demo route stays, but for its address and key; another route that has a demo
    route's slug is left alone. The first demo route becomes the default where there is none. Of
    several processes the last to start is stored, and each asks its own demo model.
    """
    base_url = serve_at(served_base_url)
    take_turn(ModelRoute)
    if not settings.TOOLBENCH_DEMO:
        _switch_off()
        return
    known = {route.slug: route for route in ModelRoute.objects.all()}
    for wanted in demo_routes():
        route = known.get(wanted["slug"])
        if route is None:
            _make(wanted, base_url)
        elif is_demo_route(route):
            _bring_back(route, base_url)


def disable_demo_routes() -> None:
    """Disable them as an admin does; the next start does not bring them back."""
    _enabled_demo_routes().update(enabled=False)


def is_demo_route(route: ModelRoute) -> bool:
    """Whether a route leads to a demo model of ours."""
    slugs = {wanted["slug"] for wanted in demo_routes()}
    return route.slug in slugs and route.base_url.endswith(DEMO_PATH)


def _make(wanted: dict[str, Any], base_url: str) -> None:
    fields = {name: value for name, value in wanted.items() if name != "shows"}
    route = ModelRoute(base_url=base_url, **fields)
    save_route(route, demo_key())


def _bring_back(route: ModelRoute, base_url: str) -> None:
    was_off = not route.enabled and route.check_text == SWITCHED_OFF
    key_as_it_is = route.api_key is not None and _key_fits(route)
    if route.base_url == base_url and key_as_it_is and not was_off:
        return
    route.base_url = base_url
    route.enabled = route.enabled or was_off
    save_route(route, demo_key())


def _key_fits(route: ModelRoute) -> bool:
    try:
        return route.api_key is not None and route.api_key.reveal() == demo_key()
    except UndecryptableSecret:
        return False


def _switch_off() -> None:
    _enabled_demo_routes().update(
        enabled=False,
        check_status=ModelRoute.CheckStatus.UNKNOWN,
        check_text=SWITCHED_OFF,
        check_models=[],
    )


def _enabled_demo_routes() -> QuerySet[ModelRoute]:
    enabled = ModelRoute.objects.filter(enabled=True)
    return enabled.filter(pk__in=[route.pk for route in enabled if is_demo_route(route)])
