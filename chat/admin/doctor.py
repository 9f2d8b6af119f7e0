"""The doctor's page of a route: asks for examinations, shows them as they go, applies settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst

from chat.admin.repairs import DAYS, route_repairs
from chat.doctor.findings import OUTCOME_WORDS, ProbeResult
from chat.doctor.probes import PROBES, Probe
from chat.doctor.profile import Profile
from chat.doctor.report import COST, Report, shown_reports
from chat.doctor.report import show_value as shown
from chat.doctor.suggestions import SETTINGS
from chat.models import ModelRoute, RouteCheckup
from chat.models.doctor import KEPT
from chat.services.checkups import (
    apply_suggestions,
    open_suggestions,
    request_checkup,
    stop_checkup,
)

PAGE = "admin/chat/modelroute/doctor.html"
PART = "admin/chat/modelroute/doctor_report.html"
ALL = "all"
"""What the button that applies every proposal sends instead of a field's name."""
ASKING, WAITING = "asking", "waiting"


@dataclass(frozen=True, slots=True)
class Row:
    """A probe on the page: its result, or that it is asked now or still to be."""

    probe: Probe
    state: str
    word: str
    result: ProbeResult | None = None

    @property
    def took(self) -> str:
        """How long it took."""
        if self.result is None or not self.result.milliseconds:
            # It was judged by answers to the questions before.
            return ""
        milliseconds = self.result.milliseconds
        if milliseconds < 1000:
            return f"{milliseconds}\u2009ms"
        return f"{milliseconds / 1000:.1f}\u2009s"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A suggested setting on the page."""

    field: str
    label: str
    present: str
    suggested: str
    why: str
    is_open: bool


def doctor_page(
    model_admin: admin.ModelAdmin[ModelRoute], request: HttpRequest, pk: int
) -> HttpResponse:
    """GET: the page, with `part` only what changes while it runs. POST: what a button asks."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    route = model_admin.get_queryset(request).filter(pk=pk).first()
    if route is None:
        raise Http404
    if not model_admin.has_change_permission(request, route):
        raise PermissionDenied
    if request.method == "POST":
        _carry_out(model_admin, request, route)
        return HttpResponseRedirect(reverse("admin:chat_modelroute_doctor", args=[route.pk]))
    context = _context(model_admin, route)
    if "part" in request.GET:
        response = TemplateResponse(request, PART, context)
    else:
        context = {**model_admin.admin_site.each_context(request), **context}
        response = TemplateResponse(request, PAGE, context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _carry_out(
    model_admin: admin.ModelAdmin[ModelRoute], request: HttpRequest, route: ModelRoute
) -> None:
    match request.POST.get("do"):
        case "examine":
            request_checkup(route, request.user)
        case "stop":
            if not stop_checkup(route):
                messages.info(request, "Nothing ran any more.")
        case "apply":
            fields = request.POST.getlist("field")
            _apply(model_admin, request, route, SETTINGS if ALL in fields else fields)
        case _:
            messages.warning(request, "Nothing was done: the form says not what to do.")


def _apply(
    model_admin: admin.ModelAdmin[ModelRoute],
    request: HttpRequest,
    route: ModelRoute,
    fields: Sequence[str],
) -> None:
    _, report = shown_reports(route)
    profile = report.profile if report is not None else None
    try:
        done = apply_suggestions(route, profile, fields) if profile is not None else []
    except ValidationError as error:
        told = " ".join(error.messages)
        messages.error(request, f"Nothing was changed, for the route would not be valid. {told}")
        return
    if not done:
        messages.info(request, "Nothing was changed: the route says that already.")
        return
    what = "; ".join(
        f"{_label(field)} from {shown(before)} to {shown(after)}" for field, before, after in done
    )
    model_admin.log_change(request, route, f"Changed as the doctor suggested: {what}.")
    messages.success(request, f"Changed: {what}. Stages that start from now on use it.")


def _context(model_admin: admin.ModelAdmin[ModelRoute], route: ModelRoute) -> dict[str, Any]:
    report, told = shown_reports(route)
    checkup = report.checkup if report is not None else None
    proposals = _proposals(route, told.profile) if told and told.profile else []
    return {
        "title": f"Doctor: {route}",
        "opts": model_admin.opts,
        "original": route,
        "probes": PROBES,
        "cost": COST,
        "report": report,
        "checkup": checkup,
        "is_active": checkup is not None and checkup.is_active,
        "rows": _rows(report) if report is not None else [],
        "told": told,
        "proposals": proposals,
        "open_proposals": sum(one.is_open for one in proposals),
        "all": ALL,
        "repairs": route_repairs(route),
        "days": DAYS,
        "kept": KEPT,
        "earlier": _earlier(route, report),
    }


def _rows(report: Report) -> list[Row]:
    results = {result.code: result for result in report.shown}
    rows = []
    for probe in PROBES:
        result = results.get(probe.code)
        if result is not None:
            rows.append(Row(probe, result.outcome, OUTCOME_WORDS[result.outcome], result))
        elif report.checkup.is_active and report.checkup.asking == probe.code:
            rows.append(Row(probe, ASKING, "asked now"))
        elif report.checkup.is_active:
            rows.append(Row(probe, WAITING, "to be asked"))
    return rows


def _proposals(route: ModelRoute, profile: Profile) -> list[Proposal]:
    still_open = {suggestion.field for suggestion in open_suggestions(route, profile)}
    return [
        Proposal(
            field=one.field,
            label=_label(one.field),
            present=shown(getattr(route, one.field) if one.field in still_open else one.present),
            suggested=shown(one.suggested),
            why=one.why,
            is_open=one.field in still_open,
        )
        for one in profile.suggestions
    ]


def _earlier(route: ModelRoute, report: Report | None) -> list[RouteCheckup]:
    rows = route.checkups.defer("results")
    if report is not None:
        rows = rows.exclude(pk=report.checkup.pk)
    return list(rows[:KEPT])


def _label(field: str) -> str:
    """A setting's name as the route's own form has it."""
    return capfirst(str(label_for_field(field, ModelRoute)))
