"""Who is at the other end of a websocket: session, Origin and Host."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host

from chat.policy import FULL, Grant


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
    """The person whose session cookie came along, from the database; None if nobody is."""
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

    The Host must be an allowed one too, else a rebound name would pass as same-origin.
    """
    host = header(scope, b"host")
    domain, _ = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
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
