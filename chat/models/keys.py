"""ApiKey: what a program shows to act for a person, in part."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from chat.models.routes import ModelRoute
from chat.policy import SCOPES, AnyUser, Grant, is_known, manages_keys


def validate_scopes(value: Any) -> None:
    """A list of scopes, at least one, none twice."""
    if not isinstance(value, list) or not value:
        raise ValidationError("Choose at least one thing that the key may do.")
    if len(set(value)) != len(value) or not set(value) <= set(SCOPES):
        raise ValidationError(f"Scopes are {', '.join(SCOPES)}; each once.")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys, by who may know of them and by whether they open anything."""

    def visible_to(self, user: AnyUser) -> ApiKeyQuerySet:
        """Those a person may see and revoke: their own; admins all, reviewers no others."""
        if not is_known(user):
            return self.none()
        return self if manages_keys(user) else self.filter(owner=user)

    def usable(self, now: datetime | None = None) -> ApiKeyQuerySet:
        """Those that open something now: neither revoked nor expired, of an active owner."""
        return self.filter(usable_at(now or timezone.now()))


def usable_at(now: datetime) -> Q:
    """The condition on a key's row under which it opens something."""
    return Q(revoked_at__isnull=True, owner__is_active=True) & (
        Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    )


class ApiKey(models.Model):
    """A key of one person; its text is shown once, stored are its prefix and its digest.

    The secret is 256 random bits, so that nobody can try them through, and one SHA-256 is right: a
    slow hash makes up for passwords that can be guessed, and would only cost each request its time.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=80, help_text="What it is for, so that it can be told.")
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(validators=[validate_scopes])
    # Not "no rows, no limit": a key for one route must not open all once that route is deleted.
    all_routes = models.BooleanField(
        default=True, help_text="Every route that its owner may use, those added later too."
    )
    routes = models.ManyToManyField(ModelRoute, blank=True, related_name="api_keys")
    expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="None: a command.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = (F("revoked_at").asc(nulls_first=True), "-created_at", "-pk")
        indexes = (models.Index(fields=("owner", "-created_at"), name="keys_of_a_person"),)

    def __str__(self) -> str:
        return f"{self.name} (tb_{self.prefix}_…)"

    @property
    def has_expired(self) -> bool:
        """Whether its time has passed."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def as_grant(self) -> Grant:
        """What it allows of what its owner may do; one query where it is limited to routes."""
        routes = None
        if not self.all_routes:
            routes = frozenset(route.pk for route in self.routes.all())
        return Grant(self.pk, frozenset(self.scopes), routes)
