"""The bench's list and the pages of suites: read, write, download, delete, start a run."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.bench.cases import BadSuite, Suite, suite_yaml
from chat.models import BenchSuite
from chat.pages.bench.caselist import group_cases
from chat.pages.bench.listing import owner_name, read_runs, read_suites
from chat.pages.bench.people import person, tell_refusal
from chat.pages.bench.shipped import shipped_rows, shipped_suite, shipped_text
from chat.pages.bench.starting import start_form, start_run
from chat.pages.bench.writing import BoxForm, read_box
from chat.services import Refused
from chat.services.bench import create_suite, delete_suite, suite_of, update_suite

RUNS_OF_A_SUITE = 8


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Suites and runs; `after` continues the runs, `part` asks for these alone."""
    after = request.GET.get("after", "")[:200]
    context: dict[str, Any] = {
        "place": "bench",
        "runs": read_runs(person(request), after=after),
        "is_first_page": not after,
    }
    context["suites"] = [*shipped_rows(), *read_suites(person(request))]
    template = "bench/home_runs.html" if "part" in request.GET else "bench/home.html"
    return render(request, template, context)


@require_safe
@never_cache
@login_required
def suite(request: HttpRequest, suite_id: int) -> HttpResponse:
    """A kept suite: its cases, its runs, and the form that starts one."""
    kept = _visible(request, suite_id)
    return _suite_page(request, _suite(kept), kept)


@require_safe
@never_cache
@login_required
def shipped(request: HttpRequest, name: str) -> HttpResponse:
    """A suite that comes with Toolbench."""
    return _suite_page(request, _shipped(name), None)


@require_POST
@login_required
def start(request: HttpRequest, suite_id: int) -> HttpResponse:
    """Start a run of a kept suite."""
    kept = _visible(request, suite_id)
    return _start(request, _suite(kept), kept)


@require_POST
@login_required
def start_shipped(request: HttpRequest, name: str) -> HttpResponse:
    """Start a run of a shipped suite."""
    return _start(request, _shipped(name), None)


@require_safe
@login_required
def download(request: HttpRequest, suite_id: int) -> HttpResponse:
    """A kept suite as YAML."""
    kept = _visible(request, suite_id)
    return _yaml(suite_yaml(_suite(kept)), kept.name)


@require_safe
@login_required
def download_shipped(request: HttpRequest, name: str) -> HttpResponse:
    """A shipped suite's file, comments included."""
    text = shipped_text(name)
    if text is None:
        raise Http404
    return _yaml(text, name)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Write or upload a suite; `from` fills the box with a shipped one."""
    if request.method != "POST":
        text = shipped_text(request.GET.get("from", "")[:80]) or _EXAMPLE
        return _box(request, BoxForm(text))
    box = read_box(request)
    if not box.problems:
        try:
            made = create_suite(person(request), box.text, replace="replace" in request.POST)
        except Refused as refusal:
            box = box.with_refusal(refusal)
        else:
            messages.success(request, f"The suite “{made.name}” is kept.")
            return HttpResponseRedirect(reverse("bench:suite", args=[made.pk]))
    return _box(request, box)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def edit(request: HttpRequest, suite_id: int) -> HttpResponse:
    """Write a suite of one's own anew."""
    kept = _own(request, suite_id)
    if request.method != "POST":
        return _box(request, BoxForm(suite_yaml(_suite(kept))), kept)
    box = read_box(request)
    if not box.problems:
        try:
            made = update_suite(person(request), suite_id, box.text)
        except Refused as refusal:
            box = box.with_refusal(refusal)
        else:
            messages.success(request, f"The suite “{made.name}” is kept.")
            return HttpResponseRedirect(reverse("bench:suite", args=[made.pk]))
    return _box(request, box, kept)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def delete(request: HttpRequest, suite_id: int) -> HttpResponse:
    """Ask first, then delete a suite of one's own; its runs stay."""
    kept = _own(request, suite_id)
    if request.method == "POST":
        try:
            delete_suite(person(request), suite_id)
        except Refused as refusal:
            tell_refusal(request, refusal)
        else:
            messages.success(request, f"The suite “{kept.name}” is deleted. Its runs are kept.")
        return HttpResponseRedirect(reverse("bench:home"))
    page = reverse("bench:suite", args=[kept.pk])
    context = {
        "place": "bench",
        "heading": f"Delete the suite “{kept.name}”?",
        "words": f"Its {len(kept.cases)} cases are gone for good. Runs that were made of it stay, "
        "with the cases as they were.",
        "confirm": "Delete the suite",
        "back": page,
    }
    return render(request, "bench/confirm.html", context)


_EXAMPLE = """\
suite: my suite
description: What these cases have in common.
cases:
  - id: time_in_paris
    category: simple
    description: One call of one tool.
    tools: [current_time]
    prompt: What time is it in Paris?
    recorded:
      - tool: current_time
        result: {time: "2026-06-14T15:15:00+02:00", time_zone: Europe/Paris}
    expect:
      calls:
        - tool: current_time
          where:
            time_zone: {matches: "(?i)paris"}
      text: {contains: ["15:15"]}
"""


def _suite_page(
    request: HttpRequest,
    shown: Suite,
    kept: BenchSuite | None,
    problem: str = "",
) -> HttpResponse:
    user = person(request)
    groups = group_cases(shown.cases)
    sent = request.POST if request.method == "POST" else None
    names = ("shipped", "start_shipped", "download_shipped") if kept is None else ()
    page, started, file = names or ("suite", "start", "download")
    key = shown.name if kept is None else kept.pk
    context = {
        "place": "bench",
        "suite": shown,
        "kept": kept,
        "owner": owner_name(kept.owner) if kept and kept.owner_id != user.pk else "",
        "may_write": kept is not None and kept.owner_id == user.pk,
        "groups": groups,
        "turns": sum(group.turns for group in groups),
        "form": start_form(user, shown, groups, sent, problem),
        "runs": read_runs(user, suite=shown.name, size=RUNS_OF_A_SUITE),
        "page_url": reverse(f"bench:{page}", args=[key]),
        "start_url": reverse(f"bench:{started}", args=[key]),
        "download_url": reverse(f"bench:{file}", args=[key]),
    }
    return render(request, "bench/suite.html", context, status=400 if problem else 200)


def _start(request: HttpRequest, shown: Suite, kept: BenchSuite | None) -> HttpResponse:
    try:
        run = start_run(person(request), shown, request.POST)
    except Refused as refusal:
        return _suite_page(request, shown, kept, problem=refusal.message)
    return HttpResponseRedirect(reverse("bench:run", args=[run.pk]))


def _box(request: HttpRequest, box: BoxForm, kept: BenchSuite | None = None) -> HttpResponse:
    context = {
        "place": "bench",
        "box": box,
        "kept": kept,
        "back": reverse("bench:suite", args=[kept.pk]) if kept else reverse("bench:home"),
    }
    return render(request, "bench/write.html", context, status=400 if box.problems else 200)


def _visible(request: HttpRequest, suite_id: int) -> BenchSuite:
    rows = BenchSuite.objects.visible_to(person(request)).select_related("owner")
    return get_object_or_404(rows, pk=suite_id)


def _own(request: HttpRequest, suite_id: int) -> BenchSuite:
    return get_object_or_404(BenchSuite.objects.owned_by(person(request)), pk=suite_id)


def _suite(kept: BenchSuite) -> Suite:
    try:
        return suite_of(kept)
    except BadSuite as error:
        raise Http404(str(error)) from None


def _shipped(name: str) -> Suite:
    found = shipped_suite(name)
    if found is None:
        raise Http404
    return found


def _yaml(text: str, name: str) -> HttpResponse:
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name)
    return HttpResponse(
        text,
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{safe or "suite"}.yaml"'},
    )
