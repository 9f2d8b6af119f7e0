"""Who is at the other end of a request or a websocket: session or API key, Origin and Host."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.db.models import Max
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from chat.key_text import digest_of, prefix_of
from chat.key_uses import note_use
from chat.models.keys import ApiKey, usable_at
from chat.policy import FULL, Grant

NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who calls: a logged-in person, or a program with a key of one; `grant` tells which."""

    user_id: int
    is_superuser: bool
    """Of a session; a key has no admin's power, whoever its owner is."""
    session_key: str
    """Empty for a key."""
    grant: Grant = FULL


def identify(scope: dict[str, Any]) -> Visitor | None:
    """Who sent an ASGI request, from the database; None if nobody is.

    A Bearer token decides alone: a wrong one never falls back to the session's cookie.
    """
    token = bearer_token(scope)
    return _of_session(scope) if token is None else _of_key(token)


def bearer_token(scope: dict[str, Any]) -> str | None:
    """The Bearer token that came along, empty where several did; None where none did."""
    tokens = []
    for key, value in scope.get("headers", ()):
        if key == b"authorization":
            scheme, _, rest = bytes(value).decode("latin1").strip().partition(" ")
            if scheme.lower() == "bearer":
                tokens.append(rest.strip())
    if not tokens:
        return None
    return tokens[0] if len(tokens) == 1 else ""


def _of_key(token: str) -> Visitor | None:
    prefix = prefix_of(token)
    if prefix is None:
        return None
    # One row comes back whatever the prefix is, and every wrong key takes the same way to its
    # refusal: how long it takes tells nothing of which keys there are.
    stored = ApiKey.objects.filter(prefix=prefix).aggregate(
        digest=Max("digest"), usable=Max("pk", filter=usable_at(timezone.now()))
    )
    digest = digest_of(token)
    is_right = constant_time_compare(stored["digest"] or NO_DIGEST, digest)
    if not is_right or stored["usable"] is None:
        return None
    note_use(stored["usable"])
    return _holder(stored["usable"], digest)


@lru_cache(maxsize=10_000)
def _holder(key_id: int, digest: str) -> Visitor:
    # What a key may do is never changed (chat.services.api_keys), so it is read once; whether it
    # still opens anything was asked just now. The digest tells keys with one number apart.
    key = ApiKey.objects.get(pk=key_id, digest=digest)
    return Visitor(key.owner_id, False, "", key.as_grant())


def _of_session(scope: dict[str, Any]) -> Visitor | None:
    key = session_key(scope)
    if not key:
        return None
    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = auth.get_user(SimpleNamespace(session=store))  # type: ignore[arg-type]
    if not user.is_authenticated or not user.is_active:
        return None
    return Visitor(user.pk, bool(user.is_superuser), key)


def session_key(scope: dict[str, Any]) -> str:
    """The session cookie's value, or nothing."""
    # Django's own reading: http.cookies gives up at the first cookie of another program that it
    # does not like, and all ports of localhost share their cookies.
    return parse_cookie(header(scope, b"cookie")).get(settings.SESSION_COOKIE_NAME, "")


def origin_is_allowed(scope: dict[str, Any]) -> bool:
    """Whether the page that opened the socket is ours: Origin must be there and name our host.

    The Host must be an allowed one too, else a rebound name would pass as same-origin. Where a
    Bearer token came along no Origin is asked for: pages cannot send one to a websocket.
    """
    host = header(scope, b"host")
    domain, _ = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    if bearer_token(scope) is not None:
        return True
    origin = header(scope, b"origin")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def header(scope: dict[str, Any], name: bytes) -> str:
    """A request header's value, or nothing."""
    for key, value in scope.get("headers", ()):
        if key == name:
            return bytes(value).decode("latin1")
    return ""
