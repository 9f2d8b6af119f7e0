"""Who calls: an API key, or a person's session where the endpoint takes one; within their rates."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from chat.access import Visitor, bearer_token
from chat.admission import ComesTooOften, NotAdmitted, admit
from chat.api.statuses import RETRY_SECONDS, Problem, problem_of, problem_response
from chat.services import Refused

logger = logging.getLogger(__name__)

REALM = 'Bearer realm="Toolbench"'

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
Tell = Callable[[Problem], HttpResponseBase]


def endpoint(*methods: str, tell: Tell = problem_response) -> Callable[[View], View]:
    """An async view for programs: other methods are refused, and what goes wrong is told by `tell`.

    No CSRF token is asked for, since what changes something here takes no cookie.
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        async def guarded(request: HttpRequest, **parts: Any) -> HttpResponseBase:
            try:
                if request.method not in methods:
                    raise _wrong_method(methods)
                return await view(request, **parts)
            except Problem as problem:
                return tell(problem)
            except Refused as refusal:
                return tell(problem_of(refusal))
            except DatabaseError:
                logger.warning("A request failed because the database did not answer.")
                return tell(_no_database())
            except Exception:
                logger.exception("A request to %s met a bug.", request.path)
                return tell(_bug())

        return guarded

    return decorate


async def key_holder(request: HttpRequest) -> Visitor:
    """The API key that a request came with, within its rate; raises Problem."""
    if bearer_token(_scope_of(request)) is None:
        raise Problem(
            401,
            "unauthenticated",
            "Send an API key with this request, as Authorization: Bearer tb_…. A browser's log-in "
            "is not enough here. You make keys on your account page.",
            headers={"WWW-Authenticate": REALM},
        )
    return await caller(request)


async def caller(request: HttpRequest) -> Visitor:
    """Whoever a request comes from, by key or by session, within their rate; raises Problem."""
    try:
        return await admit(_scope_of(request))
    except NotAdmitted:
        raise _unknown("Authorization" in request.headers) from None
    except ComesTooOften as too_often:
        wait = max(1, math.ceil(too_often.seconds))
        raise Problem(
            429,
            "rate_limited",
            f"Too many requests came. Wait {wait} s, then send this one again.",
            headers={"Retry-After": str(wait)},
        ) from None


def _scope_of(request: HttpRequest) -> dict[str, Any]:
    """The request's ASGI scope; its headers alone where another kind of server took it."""
    scope: dict[str, Any] | None = getattr(request, "scope", None)
    return scope or {
        "type": "http",
        "headers": [
            (name.lower().encode("latin1"), value.encode("latin1"))
            for name, value in request.headers.items()
        ],
    }


def _unknown(has_key: bool) -> Problem:
    if not has_key:
        return Problem(
            401,
            "unauthenticated",
            "Nobody is logged in. Send an API key, as Authorization: Bearer tb_…, or log in.",
            headers={"WWW-Authenticate": REALM},
        )
    return Problem(
        401,
        "unauthenticated",
        "This API key is not known here, or it was revoked or has expired. Check it, or make a "
        "new one on your account page.",
        headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
    )


def _wrong_method(methods: tuple[str, ...]) -> Problem:
    allowed = ", ".join(methods)
    return Problem(
        405,
        "method_not_allowed",
        f"Only {allowed} is answered here.",
        headers={"Allow": allowed},
    )


def _no_database() -> Problem:
    return Problem(
        503,
        "going_down",
        "The database does not answer, so nothing was done. Send it again in a few seconds.",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


def _bug() -> Problem:
    return Problem(
        500,
        "internal",
        "Toolbench met a fault of its own with this request. Try again; if it happens again, tell "
        "your admin when it was.",
    )
