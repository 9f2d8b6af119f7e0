"""Who asks for a page of the bench, and what a refusal looks like there."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest

from chat.services import Refused


def person(request: HttpRequest) -> User:
    """Who is logged in; the views' decorators have seen to it that somebody is."""
    assert isinstance(request.user, User)
    return request.user


def tell_refusal(request: HttpRequest, refusal: Refused) -> None:
    """Show a refusal on the next page; what may not be known is not found. Raises Http404."""
    if refusal.code == "not_found":
        raise Http404
    messages.error(request, refusal.message)
