"""Taking turns across processes, where a check and the write after it must not be torn apart."""

from __future__ import annotations

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model


def take_turn(model: type[Model]) -> None:
    """Wait until no other transaction has a turn with `model`; kept until this one ends.

    The lock lies on the row that stands for the model itself, so it also holds where its table is
    still empty. SQLite has one writing transaction at a time and needs no lock.
    """
    meta = model._meta
    rows = ContentType.objects.select_for_update(no_key=True)
    rows.filter(app_label=meta.app_label, model=meta.model_name).first()
