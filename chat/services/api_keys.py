"""Making and revoking API keys, for oneself or by an admin for somebody; nothing else writes them.

What a key may do is fixed when it is made: who wants another makes another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from chat import runner as runners
from chat.broadcast import Hints
from chat.key_text import KeyText, make_key_text
from chat.models import ApiKey, ModelRoute
from chat.policy import SCOPES, AnyUser, manages_keys
from chat.services.refusals import Refused, not_found

NAME_LIMIT = 80
KEYS_PER_PERSON = 100
TRIES = 3


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; its text is nowhere else and cannot be had again."""

    key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.key})"


def make_key(
    by: User | None,
    owner: User,
    *,
    name: str,
    scopes: Iterable[str],
    routes: Sequence[ModelRoute] | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key of `owner`; raises Refused, with the `field` that is wrong.

    `by` is the owner or an admin; None: a command. Routes None: all that the owner may use.
    """
    if by is not None and by.pk != owner.pk and not manages_keys(by):
        raise not_found("account")
    _check_owner(owner)
    name = _checked_name(name)
    chosen = _checked_scopes(scopes)
    _check_routes(owner, routes)
    if expires_at is not None and expires_at <= timezone.now():
        raise _wrong("expires", "That time has passed. Choose a later one, or none.")
    for _ in range(TRIES):
        made = make_key_text()
        try:
            with transaction.atomic():
                key = _store(by, owner, made, name, chosen, routes, expires_at)
        except IntegrityError:
            # The prefix is taken; the next one will hardly be.
            if not ApiKey.objects.filter(prefix=made.prefix).exists():
                raise
        else:
            return NewKey(key, made.text)
    raise RuntimeError("No free prefix was found for an API key.")


def revoke_key(by: AnyUser, key_id: int) -> ApiKey:
    """A key opens nothing from now on, and its sockets are closed; raises Refused."""
    key = ApiKey.objects.visible_to(by).filter(pk=key_id).first()
    if key is None:
        raise not_found("API key")
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        with transaction.atomic():
            ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(
                revoked_at=key.revoked_at
            )
            transaction.on_commit(lambda: runners.hint(Hints(rights=True)))
    return key


def end_of(day: date) -> datetime:
    """When a key that is good through a day expires: as the next one begins here."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def _store(
    by: User | None,
    owner: User,
    made: KeyText,
    name: str,
    scopes: list[str],
    routes: Sequence[ModelRoute] | None,
    expires_at: datetime | None,
) -> ApiKey:
    key = ApiKey.objects.create(
        owner=owner,
        name=name,
        prefix=made.prefix,
        digest=made.digest,
        scopes=scopes,
        all_routes=routes is None,
        expires_at=expires_at,
        created_by=by,
    )
    if routes is not None:
        key.routes.set(routes)
    return key


def _check_owner(owner: User) -> None:
    if not owner.is_active:
        raise _wrong("owner", "This account is switched off, so a key of it would open nothing.")
    if ApiKey.objects.usable().filter(owner=owner).count() >= KEYS_PER_PERSON:
        raise _wrong(
            "name",
            f"There are {KEYS_PER_PERSON} keys that work already, which is the limit. Revoke one "
            "that is not needed any more.",
        )


def _checked_name(name: str) -> str:
    # As one line of what can be seen: names come up in lists and in commands' output.
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not name:
        raise _wrong("name", "Name the key after what will use it.")
    if len(name) > NAME_LIMIT:
        raise _wrong("name", f"The name is longer than {NAME_LIMIT} characters. Shorten it.")
    return name


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    asked = set(scopes)
    if unknown := sorted(asked - set(SCOPES)):
        raise _wrong(
            "scopes", f"There is no scope “{unknown[0][:40]}”. There are {', '.join(SCOPES)}."
        )
    if not asked:
        raise _wrong("scopes", "Choose at least one thing that the key may do.")
    return [scope for scope in SCOPES if scope in asked]


def _check_routes(owner: User, routes: Sequence[ModelRoute] | None) -> None:
    if routes is None:
        return
    if not routes:
        raise _wrong("routes", "Choose at least one route, or all.")
    open_to = set(ModelRoute.objects.visible_to(owner).values_list("pk", flat=True))
    for route in routes:
        if route.pk not in open_to:
            raise _wrong("routes", f"The route {route.slug} is not open to {owner.get_username()}.")


def _wrong(field: str, message: str) -> Refused:
    return Refused("invalid_request", message, field=field)
