"""The account page, and the page that says when to try again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import TemplateView

RETRY_SECONDS = 60
"""The longest window of the limits that end in this page (allauth counts them by the minute)."""


class AccountPage(LoginRequiredMixin, TemplateView):
    """Who is logged in, the groups that decide on routes, and the ways to password and theme."""

    template_name = "account/account.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The person's groups, by name."""
        groups = self.request.user.groups.order_by("name").values_list("name", flat=True)
        return super().get_context_data(groups=list(groups), **kwargs)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """429: what happened, and when to try again."""
    until = timezone.localtime() + timedelta(seconds=RETRY_SECONDS)
    response = render(request, "429.html", {"until": until}, status=429)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
