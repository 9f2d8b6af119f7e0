"""Connection checks: asked for by a row, made in the background, their outcome told in words.

Pages and commands only write "checking" (`request_check`); the serving process calls
`run_due_checks` every second or so, which also looks again at every enabled route once a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from chat.database import run_in_pool
from chat.demo.address import nearest
from chat.encryption import UndecryptableSecret
from chat.model_list import Listing, ask_for_models
from chat.models import ModelRoute
from chat.models.routes import PROTOCOL_OPENAI

EVERY = timedelta(seconds=60)
AT_ONCE = 8
NAMES_TOLD = 8
NAMES_KEPT = 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RouteToCheck:
    """What a check needs of a route.

    `version` tells whether it was edited meanwhile, `claimed_at` whether it was asked for again.
    """

    pk: int
    base_url: str
    model: str
    protocol: str
    key: str
    key_unreadable: bool
    version: datetime
    claimed_at: datetime

    def __repr__(self) -> str:
        return f"RouteToCheck({self.pk})"


@dataclass(frozen=True)
class Outcome:
    """What a check found: a status, a sentence for people, the models' names."""

    status: str
    text: str
    models: tuple[str, ...] = ()


def request_check(route_ids: Iterable[int]) -> int:
    """Have routes checked by the serving process; returns how many. Waits for nothing."""
    return ModelRoute.objects.filter(pk__in=list(route_ids)).update(
        check_status=ModelRoute.CheckStatus.CHECKING, checked_at=None
    )


async def run_due_checks() -> int:
    """Check what was asked for and what is due; returns how many. Takes up to the limit of one.

    Each due route is claimed by a row first, so calls may overlap, in one process or in several.
    """
    claimed = await run_in_pool(_claim_due)
    room = asyncio.Semaphore(AT_ONCE)

    async def check_one(route: RouteToCheck) -> None:
        async with room:
            outcome = await check(route)
        await run_in_pool(_store, route, outcome)

    async with asyncio.TaskGroup() as group:
        for route in claimed:
            group.create_task(check_one(route), name=f"check route {route.pk}")
    return len(claimed)


async def check(route: RouteToCheck) -> Outcome:
    """Ask a route's server for its models and tell what came; failures are outcomes too."""
    unknown = ModelRoute.CheckStatus.UNKNOWN.value
    if route.protocol != PROTOCOL_OPENAI:
        return Outcome(unknown, f"The protocol {route.protocol} cannot be checked; openai can.")
    if not route.base_url:
        return Outcome(unknown, "Write the base URL of the model's server.")
    if route.key_unreadable:
        return Outcome(
            ModelRoute.CheckStatus.OFFLINE.value,
            "None of the encryption keys opens the stored API key. Type the API key again.",
        )
    try:
        listing = await ask_for_models(route.base_url, route.key)
    except Exception as error:
        logger.exception("The check of route %s failed in a way of its own.", route.pk)
        return Outcome(
            ModelRoute.CheckStatus.OFFLINE.value,
            f"The check itself failed ({type(error).__name__}). The server's log says more.",
        )
    return _told(listing, route.model)


def _told(listing: Listing, model: str) -> Outcome:
    if listing.models is None:
        status = (
            ModelRoute.CheckStatus.UNKNOWN if listing.answers else ModelRoute.CheckStatus.OFFLINE
        )
        return Outcome(status.value, listing.problem)
    names = listing.models
    online = ModelRoute.CheckStatus.ONLINE.value
    if not names:
        return Outcome(online, "The server answers, but has no model. Load one there.", names)
    count = "1 model" if len(names) == 1 else f"{len(names)} models"
    if not model:
        return Outcome(
            online, f"Online: {count}. Name one as upstream model: {_some(names)}.", names
        )
    if model in names or f"{model}:latest" in names:
        among = f", {model}." if len(names) == 1 else f", {model} among them."
        return Outcome(online, f"Online: {count}{among}", names)
    return Outcome(
        online,
        f"The server answers, but has no model named {model}. It has: {_some(names)}.",
        names,
    )


def _some(names: tuple[str, ...]) -> str:
    told = ", ".join(names[:NAMES_TOLD])
    more = len(names) - NAMES_TOLD
    return f"{told} and {more} more" if more > 0 else told


def _claim_due() -> list[RouteToCheck]:
    """Take the routes that are due for this process; `checked_at` is when their check began.

    A check that its process did not live to end is due again after the usual time.
    """
    before = timezone.now() - EVERY
    wanted = Q(enabled=True) | Q(check_status=ModelRoute.CheckStatus.CHECKING)
    due = ModelRoute.objects.filter(wanted, Q(checked_at__isnull=True) | Q(checked_at__lt=before))
    claimed = []
    for pk in list(due.values_list("pk", flat=True)):
        now = timezone.now()
        # Of several processes one update finds the route still due.
        if due.filter(pk=pk).update(checked_at=now):
            claimed += [_to_check(row, now) for row in ModelRoute.objects.filter(pk=pk)]
    return claimed


def _to_check(route: ModelRoute, claimed_at: datetime) -> RouteToCheck:
    key, unreadable = "", False
    try:
        key = route.api_key.reveal() if route.api_key else ""
    except UndecryptableSecret:
        unreadable = True
    return RouteToCheck(
        pk=route.pk,
        base_url=nearest(route.base_url.rstrip("/")),
        model=route.upstream_model,
        protocol=route.protocol,
        key=key,
        key_unreadable=unreadable,
        version=route.updated_at,
        claimed_at=claimed_at,
    )


def _store(route: RouteToCheck, outcome: Outcome) -> None:
    # An update, not a save: `updated_at` is the version of the route's client, which stays. A
    # route edited meanwhile is another one; what was found does not hold for it. One that was asked
    # for again meanwhile gets the outcome of the later check.
    ModelRoute.objects.filter(
        pk=route.pk, updated_at=route.version, checked_at=route.claimed_at
    ).update(
        check_status=outcome.status,
        check_text=outcome.text,
        check_models=list(outcome.models[:NAMES_KEPT]),
        checked_at=timezone.now(),
    )
