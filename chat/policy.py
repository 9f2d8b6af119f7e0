"""Who may what, in one place: pages, sockets, keys and the admin all ask here.

What a person may not read does not exist for them; lists come from the models' `visible_to`.
"""

from __future__ import annotations

from typing import Any, TypeGuard, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

REVIEW_PERMISSION = "chat.review"

AnyUser = User | AnonymousUser
Rows = TypeVar("Rows", bound="QuerySet[Any]")


def is_known(user: AnyUser) -> TypeGuard[User]:
    """Whether somebody is logged in whose account is active; nobody else may anything."""
    return user.is_authenticated and user.is_active


def reads_everything(user: AnyUser) -> bool:
    """Reviewers and admins read every conversation."""
    return is_known(user) and user.has_perm(REVIEW_PERMISSION)


def readable(rows: Rows, user: AnyUser, owner: str) -> Rows:
    """The rows a person may read: their own, or all; `owner` is the lookup from row to owner."""
    if not is_known(user):
        return rows.none()
    return rows if reads_everything(user) else rows.filter(**{owner: user})


def may_cancel(user: AnyUser, owner_id: int) -> bool:
    """Owners stop their own stages, admins any; reviewers change nothing."""
    return is_known(user) and (user.pk == owner_id or bool(user.is_superuser))
