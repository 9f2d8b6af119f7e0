"""When keys were last used: noted in memory, written now and then beside the requests."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from chat.models import ApiKey

WRITE_SECONDS = 60.0
"""A key's row is written at most so often, however many requests it makes."""

_noted: set[int] = set()
_written: dict[int, float] = {}


def note_use(key_id: int) -> None:
    """A key was used; called in any thread, waits for nothing."""
    _noted.add(key_id)


def store_uses() -> int:
    """Write the uses noted of keys not written for a minute; how many rows that changed."""
    clock = time.monotonic()
    for key_id in [one for one, at in _written.items() if clock - at >= WRITE_SECONDS]:
        del _written[key_id]
    due = [key_id for key_id in tuple(_noted) if key_id not in _written]
    if not due:
        return 0
    now = timezone.now()
    long_ago = now - timedelta(seconds=WRITE_SECONDS)
    rows = ApiKey.objects.filter(pk__in=due)
    # Another process may have written it meanwhile.
    count = rows.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lte=long_ago)).update(
        last_used_at=now
    )
    _noted.difference_update(due)
    _written.update(dict.fromkeys(due, clock))
    return count
