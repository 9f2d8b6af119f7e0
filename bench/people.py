"""People with sessions and a route, put straight into the database for a measurement."""

from __future__ import annotations

import json
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import get_random_string

from chat.models import ModelRoute

KEY_LENGTH = 32


def furnish(people: int, base_url: str) -> None:
    """Make the default route and print a Cookie header for each person, as JSON.

    A thousand people take a second: their rows are written at once, and nobody has a password.
    """
    ModelRoute.objects.create(
        slug="replay",
        display_name="Replay",
        upstream_model="replay",
        base_url=base_url,
        is_default=True,
    )
    users = [User(username=f"person-{number}") for number in range(people)]
    for user in users:
        user.set_unusable_password()
    User.objects.bulk_create(users)
    store = SessionStore()
    until = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    sessions = [
        Session(
            session_key=get_random_string(KEY_LENGTH),
            session_data=store.encode(
                {
                    SESSION_KEY: str(user.pk),
                    BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                    HASH_SESSION_KEY: user.get_session_auth_hash(),
                }
            ),
            expire_date=until,
        )
        for user in users
    ]
    Session.objects.bulk_create(sessions)
    cookie = settings.SESSION_COOKIE_NAME
    print(json.dumps([f"{cookie}={session.session_key}" for session in sessions]))
