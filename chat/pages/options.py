"""What the composer can choose from: the routes and tools of one person, as data for the page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from chat.models import ModelRoute
from chat.models.routes import PROTOCOL_OPENAI
from tools.registry import available_tools

_HEALTH = {
    ModelRoute.CheckStatus.ONLINE: "fine",
    ModelRoute.CheckStatus.OFFLINE: "down",
}


def composer_options(user: User | AnonymousUser) -> dict[str, Any]:
    """Routes and tools, as the page's script reads them."""
    return {
        "routes": [_route(route) for route in _routes(user)],
        "tools": [
            {"name": tool.name, "title": tool.title, "description": _first_line(tool.description)}
            for tool in available_tools(user)
        ],
    }


def _routes(user: User | AnonymousUser) -> list[ModelRoute]:
    return list(
        ModelRoute.objects.visible_to(user)
        .defer("api_key", "extra_body", "check_models", "token_limit_fields")
        .order_by("-is_default", "display_name", "slug")
    )


def _route(route: ModelRoute) -> dict[str, Any]:
    return {
        "slug": route.slug,
        "name": route.display_name or route.slug,
        "health": health_of(route)[0],
        "note": _note(route),
        "why": why_not(route),
        "is_default": route.is_default,
        "temperature": [route.tool_temperature, route.synthesis_temperature],
        "max_tokens": [route.tool_max_tokens, route.synthesis_max_tokens],
        "context_budget": route.context_budget,
        "has_system_prompt": bool(route.system_prompt),
    }


def health_of(route: ModelRoute) -> tuple[str, str]:
    """A route's health as a shape and in words, as the last check found it."""
    health = _HEALTH.get(ModelRoute.CheckStatus(route.check_status), "unknown")
    words = {"fine": "reachable", "down": "not reachable"}.get(health, "not checked yet")
    return health, words


def why_not(route: ModelRoute) -> str:
    """Why no stage can be started on a route; empty where one can."""
    if not route.enabled:
        return "Switched off by an admin."
    if route.protocol != PROTOCOL_OPENAI:
        return f"Speaks {route.protocol}, which is not supported yet."
    if not route.is_configured:
        return "Not set up yet: it has no model or no address."
    return ""


def _note(route: ModelRoute) -> str:
    parts = [route.upstream_model] if route.upstream_model else []
    if route.context_budget:
        parts.append(f"{route.context_budget // 1000} k context")
    note = ", ".join(parts)
    if route.check_status == ModelRoute.CheckStatus.OFFLINE:
        return f"{note}. Not reachable." if note else "Not reachable."
    if route.check_status == ModelRoute.CheckStatus.UNKNOWN:
        return f"{note}. Not checked yet." if note else "Not checked yet."
    return note


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]
