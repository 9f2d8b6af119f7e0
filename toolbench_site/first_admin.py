"""The page behind the one-time link, on which the first admin is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import login, password_validation
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from chat import discovery
from chat.demo_routes import disable_demo_routes
from chat.first_admin import LinkExpired, SetupIsOver, make_first_admin, open_link
from chat.models import SetupToken
from chat.services.routes import save_route

FOUND_FIELD = "add"
DEMO = "demo"


@dataclass(frozen=True)
class Offer:
    """A row of "Found on this machine"; `value` is what its box, named `add`, sends."""

    value: str
    title: str
    detail: str
    state: str
    ticked: bool


class FirstAdminForm(forms.Form):
    """User name, email address and password of the first admin."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        validators=[User.username_validator],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={"required": "Type a user name."},
    )
    email = forms.EmailField(
        label="Email address",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Type a password."},
    )

    def clean(self) -> dict[str, Any]:
        """The password is good enough for this person."""
        cleaned = super().clean() or {}
        if password := cleaned.get("password"):
            person = User(username=cleaned.get("username", ""), email=cleaned.get("email", ""))
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def first_admin(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form; on POST make the admin, the chosen routes, and log in."""
    try:
        row = _open(token)
        form = FirstAdminForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            user = make_first_admin(
                token,
                form.cleaned_data["username"],
                form.cleaned_data["email"],
                form.cleaned_data["password"],
            )
            _make_chosen_routes(request.POST.getlist(FOUND_FIELD))
            login(request, user)
            return HttpResponseRedirect("/")
    except LinkExpired:
        return render(request, "site/first_admin_expired.html", status=404)
    except SetupIsOver:
        raise Http404 from None
    discovery.request_look()
    chosen = request.POST.getlist(FOUND_FIELD) if request.method == "POST" else None
    return render(
        request,
        "site/first_admin.html",
        {
            "form": form,
            "found": _offers(chosen),
            "looking": discovery.is_looking(),
            "refresh_url": reverse("first_admin_found", args=[token]),
            "expires": row.expires_at,
        },
    )


@never_cache
@require_GET
def first_admin_found(request: HttpRequest, token: str) -> HttpResponse:
    """What was found so far, for the page to refresh itself: `{looking, found: […]}`."""
    try:
        _open(token)
    except (LinkExpired, SetupIsOver):
        raise Http404 from None
    offers = [asdict(offer) for offer in _offers(None)]
    return JsonResponse({"looking": discovery.is_looking(), "found": offers})


def _offers(chosen: list[str] | None) -> list[Offer]:
    """The rows to tick; `chosen` is what was ticked when the form was sent, None before that."""
    demo = [
        Offer(DEMO, "Demo model", "Built in, has no AI, shows all phases", discovery.READY, True)
    ]
    servers = [
        Offer(server.value, server.title, server.detail, server.state, server.ticked)
        for server in discovery.not_yet_routes(discovery.found())
    ]
    offers = (demo if settings.TOOLBENCH_DEMO else []) + servers
    if chosen is None:
        return offers
    return [replace(offer, ticked=offer.value in chosen) for offer in offers]


def _make_chosen_routes(chosen: list[str]) -> None:
    if settings.TOOLBENCH_DEMO and DEMO not in chosen:
        disable_demo_routes()
    made = discovery.add_routes(chosen)
    if made:
        # The first real model is what a person wants to talk to; the demo gives way.
        made[0].is_default = True
        save_route(made[0])


def _open(token: str) -> SetupToken:
    with transaction.atomic():
        return open_link(token)
