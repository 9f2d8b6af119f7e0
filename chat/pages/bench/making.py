"""A test case made of a conversation: shown as YAML, changed, kept in a suite, run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.bench.inferring import infer_case
from chat.bench.yaml_text import write_yaml
from chat.models import BenchSuite, Conversation, ModelRoute
from chat.pages.bench.people import person
from chat.pages.bench.writing import BoxForm
from chat.pages.options import why_not
from chat.services import Refused
from chat.services.bench import create_run, suite_of
from chat.services.bench_cases import add_case

NEW_SUITE = "new"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def make_case(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """GET: the case that a conversation gives. POST: keep it, and run it where that is asked."""
    user = person(request)
    rows = Conversation.objects.visible_to(user).only("id", "title")
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise Http404
    if request.method != "POST":
        return _page(request, conversation, _inferred(request, conversation_id))
    box = BoxForm(request.POST.get("text", "").replace("\r\n", "\n"))
    try:
        kept, case = add_case(
            user, box.text, suite_id=_chosen_suite(request), new_suite=request.POST.get("name", "")
        )
    except Refused as refusal:
        if refusal.code == "not_found":
            raise Http404 from None
        return _page(request, conversation, box.with_refusal(refusal))
    if "run" in request.POST:
        target = (request.POST.get("route", "")[:50], "native")
        try:
            run = create_run(user, suite_of(kept), [target], case_ids={case.id})
        except Refused as refusal:
            messages.error(request, f"The case is kept, but not run. {refusal.message}")
        else:
            return HttpResponseRedirect(reverse("bench:run", args=[run.pk]))
    else:
        messages.success(request, f"{case.id} is in the suite “{kept.name}”.")
    return HttpResponseRedirect(reverse("bench:suite", args=[kept.pk]))


def _inferred(request: HttpRequest, conversation_id: UUID) -> BoxForm:
    try:
        return BoxForm(write_yaml(infer_case(person(request), conversation_id).as_json()))
    except Refused as refusal:
        return BoxForm("", (refusal.message,), is_taken=True)


def _chosen_suite(request: HttpRequest) -> int | None:
    chosen = request.POST.get("suite", NEW_SUITE)
    if chosen == NEW_SUITE:
        return None
    if not chosen.isdecimal() or len(chosen) > 18:
        raise Http404
    return int(chosen)


def _page(request: HttpRequest, conversation: Conversation, box: BoxForm) -> HttpResponse:
    user = person(request)
    suites = list(BenchSuite.objects.owned_by(user).values("pk", "name").order_by("name"))
    stage = conversation.stages.select_related("route").order_by("-created_at").first()
    usual = stage.route.slug if stage is not None else ""
    routes = ModelRoute.objects.usable_by(user).order_by("-is_default", "display_name", "slug")
    choices = [route for route in routes if not why_not(route)]
    sent: dict[str, Any] = {
        "suite": request.POST.get("suite", str(suites[0]["pk"]) if suites else NEW_SUITE),
        "name": request.POST.get("name", "" if suites else "My cases"),
        "route": request.POST.get("route", usual),
    }
    context = {
        "place": "bench",
        "conversation": conversation,
        "box": box,
        "suites": [{**suite, "pk": str(suite["pk"])} for suite in suites],
        "routes": choices,
        "sent": sent,
        "back": reverse("chat:conversation", args=[conversation.pk]),
    }
    status = 400 if request.method == "POST" else 200
    return render(request, "bench/make_case.html", context, status=status)
