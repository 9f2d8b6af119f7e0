"""`manage.py rotate_keys`: encrypts every stored secret anew with the first encryption key."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from chat.encryption import Secret, UndecryptableSecret, rotate
from chat.models.fields import SecretField


class Command(BaseCommand):
    """Re-encrypts all secrets, or none where one of them cannot be opened."""

    help = "Encrypt every stored secret with the first of TOOLBENCH_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate in one transaction: a stop half-way leaves everything as it was."""
        count = 0
        with transaction.atomic():
            for model in apps.get_models():
                for field in model._meta.concrete_fields:
                    if isinstance(field, SecretField):
                        count += _rotate_column(model, field.name)
        what = "1 secret is" if count == 1 else f"{count} secrets are"
        self.stdout.write(f"{what} encrypted with the first key now. Older keys can be dropped.")


def _rotate_column(model: type[models.Model], name: str) -> int:
    rows = model._default_manager.select_for_update().exclude(**{name: None})
    count = 0
    for pk, secret in rows.values_list("pk", name):
        try:
            token = rotate(secret.token)
        except UndecryptableSecret:
            raise CommandError(
                f"None of the keys opens the secret of {model._meta.verbose_name} {pk}, so nothing "
                "was changed. Add the key it was stored with to TOOLBENCH_ENCRYPTION_KEYS, or "
                "store the secret again."
            ) from None
        # An update of the column alone: nobody edited the row.
        count += model._default_manager.filter(pk=pk).update(**{name: Secret(token)})
    return count
