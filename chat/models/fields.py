"""Columns of our own."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from chat.encryption import Secret


class SecretField(models.TextField):  # type: ignore[type-arg]
    """A Secret, stored encrypted; None where there is none. Takes a Secret or plain text."""

    description = "An encrypted secret"

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> Secret | None:
        """Wrap what is stored; nothing is decrypted before it is asked for."""
        return Secret(value) if value else None

    def to_python(self, value: Any) -> Secret | None:
        """A Secret of whatever was assigned."""
        if value is None or isinstance(value, Secret):
            return value
        return Secret.of(str(value)) if value else None

    def get_prep_value(self, value: Any) -> str | None:
        """The encrypted text, or None."""
        secret = self.to_python(value)
        return secret.token if secret is not None else None

    def value_to_string(self, obj: models.Model) -> str:
        """Exports and fixtures never hold a secret, not even encrypted."""
        return ""
