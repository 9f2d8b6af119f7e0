"""API keys for tests, and the scopes of requests that carry them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from chat.models import ApiKey, ModelRoute
from chat.policy import SCOPES
from chat.services.api_keys import NewKey, make_key


def key_of(owner: User, *scopes: str, **more: Any) -> NewKey:
    """A key of a person; for everything where no scope is named."""
    routes: list[ModelRoute] | None = more.pop("routes", None)
    name = more.pop("name", "A script")
    made = make_key(owner, owner, name=name, scopes=scopes or SCOPES, routes=routes)
    if more:
        ApiKey.objects.filter(pk=made.key.pk).update(**more)
    return made


def scope_with(*tokens: str, cookie: str = "", **more: Any) -> dict[str, Any]:
    """A request's scope with Bearer tokens."""
    headers = [(b"authorization", f"Bearer {token}".encode()) for token in tokens]
    headers += [(b"cookie", cookie.encode()), (b"host", b"localhost:8000")]
    return {"type": "http", "headers": headers, "client": ("127.0.0.1", 5000), **more}
