"""Writing model routes: whose key goes where, and which one is the default."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from chat.encryption import Secret
from chat.models import ModelRoute
from chat.turns import take_turn

# What the connection check found holds for these; a change of one makes it stale.
CONNECTION_FIELDS = ("base_url", "upstream_model", "protocol")


@dataclass(frozen=True)
class SavedRoute:
    """What saving a route did beyond writing what was asked."""

    key_cleared: bool
    stays_default: bool


@transaction.atomic
def save_route(route: ModelRoute, new_key: str = "", forget: bool = False) -> SavedRoute:
    """Write a route.

    A key belongs to scheme, host and port: where those change it is cleared unless a new one comes
    along, so that no key is sent to a server it was not given for. There is always exactly one
    default: a new one takes the place of the old, and the only one stays. A connection that
    changed is checked again by the serving process. Saves take turns, so that two at once leave one
    default too.
    """
    take_turn(ModelRoute)
    stored = (
        ModelRoute.objects.select_for_update().filter(pk=route.pk).first() if route.pk else None
    )
    had_key = stored is not None and stored.api_key is not None
    moved = stored is not None and stored.origin != route.origin
    key = _key_after(stored, new_key, forget or moved)
    stays_default = _settle_default(route)
    connection_changed = stored is None or bool(new_key or forget or moved)
    connection_changed = connection_changed or any(
        getattr(stored, name) != getattr(route, name) for name in CONNECTION_FIELDS
    )
    route.api_key = key
    if connection_changed or stored is None:
        route.check_status = ModelRoute.CheckStatus.CHECKING
        route.check_text = ""
        route.check_models = []
        route.checked_at = None
    if stored is None:
        route.save()
    else:
        # What a check found meanwhile stays, unless the connection is another now.
        kept = {"id", "created_at"}
        if not connection_changed:
            kept |= {"check_status", "check_text", "check_models", "checked_at"}
        names = {field.name for field in route._meta.concrete_fields} - kept
        route.save(update_fields=names)
    return SavedRoute(
        key_cleared=had_key and moved and not new_key and not forget, stays_default=stays_default
    )


def stages_on(route: ModelRoute) -> int:
    """How many stages ran on a route; a route that was used is disabled, never deleted."""
    return route.stages.count()


def free_slug(wanted: str) -> str:
    """`wanted`, or with the first number that no route's slug has yet."""
    taken = set(
        ModelRoute.objects.filter(slug__startswith=wanted[:40]).values_list("slug", flat=True)
    )
    slug, number = wanted[:50], 2
    while slug in taken:
        slug = f"{wanted[:40]}-{number}"
        number += 1
    return slug


def _key_after(stored: ModelRoute | None, new_key: str, dropped: bool) -> Secret | None:
    if new_key:
        return Secret.of(new_key)
    if stored is None or dropped:
        return None
    key: Secret | None = stored.api_key
    return key


def _settle_default(route: ModelRoute) -> bool:
    """Make room for a new default, or keep the only one; returns whether it was kept."""
    others = ModelRoute.objects.exclude(pk=route.pk).filter(is_default=True)
    if route.is_default:
        others.update(is_default=False)
        return False
    if others.exists():
        return False
    route.is_default = True
    return route.pk is not None
