"""The first admin: made on a one-time link while there is no user, or from the environment."""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat.models import SetupToken
from chat.turns import take_turn

LINK_LIVES = timedelta(hours=1)


class SetupIsOver(Exception):
    """A user exists already, or the link is not the one that was printed last."""


class LinkExpired(Exception):
    """The link was the right one, but its hour has passed."""


def make_setup_link(base_url: str) -> str | None:
    """A new one-time link in place of any older one; None once a user exists.

    Where several processes serve, each prints a link at its start and all of them are good: the
    person at one console cannot know that another process has started since. Only the token's
    SHA-256 is stored: who reads the database cannot make the link.
    """
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        take_turn(User)
        over = _a_user_exists()
        older = SetupToken.objects.all()
        if settings.TOOLBENCH_SEVERAL and not over:
            older = older.filter(expires_at__lte=now)
        older.delete()
        if over:
            return None
        SetupToken.objects.create(token_hash=_digest(token), expires_at=now + LINK_LIVES)
    return f"{base_url.rstrip('/')}/setup/{token}/"


def open_link(token: str) -> SetupToken:
    """The link's row; raises SetupIsOver or LinkExpired."""
    row = SetupToken.objects.filter(token_hash=_digest(token)).first()
    if row is None or _a_user_exists():
        raise SetupIsOver
    if row.expires_at <= timezone.now():
        raise LinkExpired
    return row


def make_first_admin(token: str, username: str, email: str, password: str) -> User:
    """The superuser, made once per installation; raises SetupIsOver or LinkExpired.

    Two posts at once make one user, on one link or on two: they take turns, and whoever comes
    second finds a user.
    """
    with transaction.atomic():
        take_turn(User)
        open_link(token)
        user = User.objects.create_superuser(username, email, password)
        SetupToken.objects.all().delete()
    return user


def ensure_superuser_from_environment() -> User | None:
    """Make the superuser of DJANGO_SUPERUSER_USERNAME, _PASSWORD and _EMAIL while there is no user.

    None where a user exists or name or password are not set. The password is taken as it is: who
    sets the environment answers for it.
    """
    username = os.environ.get("DJANGO_SUPERUSER_USERNAME", "")
    password = os.environ.get("DJANGO_SUPERUSER_PASSWORD", "")
    if not username or not password:
        return None
    with transaction.atomic():
        take_turn(User)
        if _a_user_exists():
            return None
        email = os.environ.get("DJANGO_SUPERUSER_EMAIL", "")
        return User.objects.create_superuser(username, email, password)


def _a_user_exists() -> bool:
    return bool(get_user_model().objects.exists())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
