"""Examinations of routes by the doctor: asked for, stopped, and their suggestions applied."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.doctor.profile import Profile
from chat.doctor.suggestions import SETTINGS, Suggestion
from chat.models import ModelRoute, RouteCheckup
from chat.models.doctor import KEPT
from chat.policy import AnyUser
from chat.services.routes import save_route

STOPPED_BY_PERSON = "It was stopped by a person."


def request_checkup(route: ModelRoute, user: AnyUser) -> RouteCheckup:
    """Have a serving process examine the route; one that is under way is the one returned."""
    active = route.checkups.active().first()
    if active is not None:
        return active
    try:
        with transaction.atomic():
            made: RouteCheckup = route.checkups.create(
                started_by_id=user.pk, model=route.upstream_model, host=route.host
            )
    except IntegrityError:
        # Somebody else asked at the same moment.
        return route.checkups.active().get()
    forget_old_checkups(route)
    return made


def forget_old_checkups(route: ModelRoute) -> None:
    """Keep the last few only; one that came to a profile is always among them."""
    kept = set(route.checkups.order_by("-id").values_list("pk", flat=True)[:KEPT])
    kept |= set(route.checkups.ended_with_results().values_list("pk", flat=True)[:2])
    route.checkups.exclude(pk__in=kept).delete()


def stop_checkup(route: ModelRoute) -> bool:
    """End what waits or runs; the process that runs it notices within seconds."""
    ended = route.checkups.active().update(
        status=RouteCheckup.Status.STOPPED,
        asking="",
        problem=STOPPED_BY_PERSON,
        ended_at=timezone.now(),
    )
    return bool(ended)


def open_suggestions(route: ModelRoute, profile: Profile) -> list[Suggestion]:
    """Those of a profile that the route does not follow by now."""
    return [
        suggestion
        for suggestion in profile.suggestions
        if suggestion.field in SETTINGS and getattr(route, suggestion.field) != suggestion.suggested
    ]


@transaction.atomic
def apply_suggestions(
    route: ModelRoute, profile: Profile, fields: Collection[str]
) -> list[tuple[str, Any, Any]]:
    """Set the named fields to what the profile suggests: (field, before, after) of each.

    Raises ValidationError where the route would not be valid with them.
    """
    route = ModelRoute.objects.select_for_update().get(pk=route.pk)
    done = []
    for suggestion in open_suggestions(route, profile):
        if suggestion.field in fields:
            done.append((suggestion.field, getattr(route, suggestion.field), suggestion.suggested))
            setattr(route, suggestion.field, suggestion.suggested)
    if done:
        route.full_clean()
        save_route(route)
    return done
