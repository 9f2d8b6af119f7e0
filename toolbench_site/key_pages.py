"""The pages of a person's API keys: the list, making one, the one time it is shown, revoking."""

from __future__ import annotations

import json
import secrets

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chat.key_form import KeyForm
from chat.models import ApiKey, ModelRoute
from chat.services.api_keys import NewKey, revoke_key

ONCE = "key_form"
"""Under this name the session has the number of the form that may make a key."""


@login_required
@never_cache
@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The person's own keys, those that work first."""
    rows = ApiKey.objects.filter(owner=_person(request)).prefetch_related("routes")
    works_first = sorted(rows, key=lambda key: (key.revoked_at is not None, key.has_expired))
    return render(request, "account/keys.html", {"keys": works_first})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_key(request: HttpRequest) -> HttpResponse:
    """The form; on POST the key, shown this once.

    It is answered with the POST itself, for nothing may keep its text on the way to another page;
    so that loading that page again makes no second key, a form is good for one.
    """
    person = _person(request)
    form = KeyForm(person, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not request.session.get(ONCE) or request.POST.get("once") != request.session[ONCE]:
            messages.warning(
                request,
                "That form was used already, so no other key was made. If you did not copy the "
                "key’s text, revoke it and make a new one.",
            )
            return redirect("account_keys")
        if made := form.make():
            del request.session[ONCE]
            return _shown_once(request, made)
    once = request.session[ONCE] = request.session.get(ONCE) or secrets.token_urlsafe(8)
    return render(request, "account/key_new.html", {"form": form, "once": once})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """What revoking means; on POST it is done."""
    key = ApiKey.objects.filter(owner=_person(request), pk=key_id).first()
    if key is None:
        raise Http404
    if request.method == "POST":
        revoke_key(request.user, key.pk)
        messages.success(request, f"“{key.name}” opens nothing any more.")
        return redirect("account_keys")
    return render(request, "account/key_revoke.html", {"key": key})


def _shown_once(request: HttpRequest, made: NewKey) -> HttpResponse:
    route = ModelRoute.objects.usable_by(made.key.owner, made.key.as_grant()).first()
    context = {
        "key": made.key,
        "text": made.text,
        "example": example(made, request.build_absolute_uri("/"), route.slug if route else "ROUTE"),
    }
    return render(request, "account/key_made.html", context, status=201)


def example(made: NewKey, site: str, slug: str) -> str:
    """A command to try the key with: what it may do decides on the endpoint."""
    question = "What is 17 * 23?"
    path = "v1/models"
    body: dict[str, object] | None = None
    if "chat" in made.key.scopes:
        path = "v1/chat/completions"
        body = {"model": slug, "messages": [{"role": "user", "content": question}]}
    elif "tools" in made.key.scopes:
        path = "completion/v1/toolchain"
        body = {"model_container": slug, "user_prompt": question, "synthesis": True}
    lines = [f"curl {site}{path}", f"-H 'Authorization: Bearer {made.text}'"]
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body)}'"]
    return " \\\n  ".join(lines)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
