"""SetupToken: the one-time link on which the first admin is made."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class SetupToken(models.Model):
    """A one-time link's token, hashed; dead once a user exists or its time has passed."""

    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"setup link of {self.created_at:%Y-%m-%d %H:%M}"
