"""Model routes as the models of the OpenAI API."""

from __future__ import annotations

from django.contrib.auth.models import User

from chat.models import ModelRoute
from chat.policy import Grant


def listed_routes(user_id: int, grant: Grant) -> list[dict[str, object]]:
    """The routes that a key may start stages on, in two queries."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return []
    routes = ModelRoute.objects.visible_to(user, grant).filter(enabled=True).order_by("slug")
    return [
        {
            "id": route.slug,
            "object": "model",
            "created": int(route.created_at.timestamp()),
            "owned_by": "toolbench",
        }
        for route in routes
        if route.is_configured
    ]
