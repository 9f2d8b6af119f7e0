"""The pages of runs: look at one, stop, go on, run again, delete, export."""

from __future__ import annotations

from typing import cast, get_args
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.bench.exports import Form, export_run
from chat.models import BenchRun
from chat.pages.bench.addresses import Chosen
from chat.pages.bench.people import person, tell_refusal
from chat.pages.bench.run_page import run_context, run_state, visible_run
from chat.pages.bench.starting import run_again
from chat.pages.bench.words import plural, run_title
from chat.services import Refused
from chat.services.bench import delete_run, resume_run, stop_run


@require_safe
@never_cache
@login_required
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """A run; `part` asks for what changes, `seen` says what the page shows already (204)."""
    found = _visible(request, run_id)
    if "part" in request.GET:
        if request.GET.get("seen") == run_state(found):
            return HttpResponse(status=204)
        context = run_context(found, person(request), Chosen.from_query(request.GET))
        return render(request, "bench/run_parts.html", context)
    context = run_context(found, person(request), Chosen.from_query(request.GET))
    return render(request, "bench/run.html", {"place": "bench", **context})


@require_safe
@login_required
def export(request: HttpRequest, run_id: UUID, form: str) -> HttpResponse:
    """A run as a file: `form` is csv, json or junit."""
    found = _visible(request, run_id)
    if form not in get_args(Form):
        raise Http404
    file = export_run(found, cast(Form, form))
    return HttpResponse(
        file.text,
        content_type=file.content_type,
        headers={"Content-Disposition": f'attachment; filename="{file.name}"'},
    )


@require_POST
@login_required
def stop(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Stop a run."""
    try:
        stop_run(person(request), run_id)
    except Refused as refusal:
        tell_refusal(request, refusal)
    return _to(run_id)


@require_POST
@login_required
def resume(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Run what a stopped run has left."""
    try:
        resume_run(person(request), run_id)
    except Refused as refusal:
        tell_refusal(request, refusal)
    return _to(run_id)


@require_POST
@login_required
def again(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The same once more, as a run of its own."""
    found = _own(request, run_id)
    try:
        made = run_again(person(request), found)
    except Refused as refusal:
        tell_refusal(request, refusal)
        return _to(run_id)
    return _to(made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def delete(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask first, then delete a run of one's own with its conversations."""
    found = _own(request, run_id)
    title = run_title(found)
    if request.method == "POST":
        try:
            delete_run(person(request), run_id)
        except Refused as refusal:
            tell_refusal(request, refusal)
            return _to(run_id)
        messages.success(request, f"{title} is deleted.")
        return HttpResponseRedirect(reverse("bench:home"))
    context = {
        "place": "bench",
        "heading": f"Delete {title.replace('Run', 'run', 1)}?",
        "words": f"Its {plural(found.total, 'try', 'tries')} and the conversations behind them "
        "are gone for good. Export it first if you need the figures.",
        "confirm": "Delete the run",
        "back": reverse("bench:run", args=[run_id]),
    }
    return render(request, "bench/confirm.html", context)


def _visible(request: HttpRequest, run_id: UUID) -> BenchRun:
    found = visible_run(person(request), run_id)
    if found is None:
        raise Http404
    return found


def _own(request: HttpRequest, run_id: UUID) -> BenchRun:
    found = BenchRun.objects.owned_by(person(request)).filter(pk=run_id).first()
    if found is None:
        raise Http404
    return found


def _to(run_id: UUID) -> HttpResponse:
    return HttpResponseRedirect(reverse("bench:run", args=[run_id]))
