"""People with sessions and a route, put straight into the database for a measurement."""

from __future__ import annotations

import json

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore

from chat.models import ModelRoute


def furnish(people: int, base_url: str) -> None:
    """Make the default route and print a Cookie header for each person, as JSON."""
    ModelRoute.objects.create(
        slug="replay",
        display_name="Replay",
        upstream_model="replay",
        base_url=base_url,
        is_default=True,
    )
    cookies = []
    for number in range(people):
        user = User(username=f"person-{number}")
        user.set_unusable_password()
        user.save()
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={session.session_key}")
    print(json.dumps(cookies))
