"""Who may what, in one place: pages, sockets, keys and the admin all ask here.

What a person may not read does not exist for them; lists come from the models' `visible_to`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeGuard, TypeVar, get_args

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

REVIEW_PERMISSION = "chat.review"

AnyUser = User | AnonymousUser
Rows = TypeVar("Rows", bound="QuerySet[Any]")

Scope = Literal["chat", "tools", "bench", "read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller may do of what its user may: all for a session, less for an API key."""

    key_id: int | None = None
    """None: a session."""
    scopes: frozenset[str] | None = None
    """None: all."""
    route_ids: frozenset[int] | None = None
    """None: all that the user may use."""

    def allows(self, scope: Scope) -> bool:
        """Whether it has a scope."""
        return self.scopes is None or scope in self.scopes


FULL = Grant()


def is_known(user: AnyUser) -> TypeGuard[User]:
    """Whether somebody is logged in whose account is active; nobody else may anything."""
    return user.is_authenticated and user.is_active


def reads_everything(user: AnyUser) -> bool:
    """Reviewers and admins read every conversation."""
    return is_known(user) and user.has_perm(REVIEW_PERMISSION)


def manages_keys(user: AnyUser) -> bool:
    """Admins make and revoke keys for others too; what reviewers read is conversations only."""
    return is_known(user) and bool(user.is_superuser)


def readable(rows: Rows, user: AnyUser, owner: str) -> Rows:
    """The rows a person may read: their own, or all; `owner` is the lookup from row to owner."""
    if not is_known(user):
        return rows.none()
    return rows if reads_everything(user) else rows.filter(**{owner: user})


def reached(rows: Rows, grant: Grant, key: str) -> Rows:
    """Of rows that its user may read, those that a caller may: all, or what the key started.

    `key` is the lookup from row to the key. A key without `read` reads what it started, no more.
    """
    if grant.allows("read"):
        return rows
    return rows.none() if grant.key_id is None else rows.filter(**{key: grant.key_id})


def scope_of(mode: str) -> Scope:
    """The scope that starting a stage of a mode needs."""
    return "chat" if mode == "chat" else "tools"


def may_start(grant: Grant, mode: str) -> bool:
    """Whether a caller may start stages of a mode, `chat` or `toolchain`."""
    return grant.allows(scope_of(mode))


def may_cancel(
    user: AnyUser, owner_id: int, *, grant: Grant = FULL, started_by: int | None = None
) -> bool:
    """Owners stop their own stages, admins any; reviewers change nothing.

    A key stops what it started itself, nothing else, whoever its owner is; `started_by` is the id
    of the key that started the stage.
    """
    if not is_known(user):
        return False
    if grant.key_id is not None:
        return user.pk == owner_id and started_by == grant.key_id
    return user.pk == owner_id or bool(user.is_superuser)
