"""Who loses a session, an account or a right is cut off at once, not at the next sweep."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

NOT_A_RIGHT = {"last_login", "first_name", "last_name", "email"}


def watch() -> None:
    """Have every change of a right hinted to the serving processes."""
    user_logged_out.connect(_hint, dispatch_uid="rights-logout")
    post_save.connect(_user_saved, sender=User, dispatch_uid="rights-user")
    post_delete.connect(_hint, sender=User, dispatch_uid="rights-user-deleted")
    for through in (
        User.groups.through,
        User.user_permissions.through,
        Group.permissions.through,
    ):
        m2m_changed.connect(_hint, sender=through, dispatch_uid=f"rights-{through.__name__}")


def _user_saved(
    created: bool = False, update_fields: frozenset[str] | None = None, **more: Any
) -> None:
    # Every log-in saves the time of it; whoever is new has nothing to lose.
    if not created and (update_fields is None or not NOT_A_RIGHT.issuperset(update_fields)):
        _hint()


def _hint(*_: Any, action: str = "", **more: Any) -> None:
    if action.startswith("pre_"):
        return
    transaction.on_commit(_tell)


def _tell() -> None:
    # Commands that change no right need none of this.
    from chat.broadcast import Hints
    from chat.runner import hint

    hint(Hints(rights=True))
