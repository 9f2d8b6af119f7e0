"""/healthz: whether this process serves on, and what the last connection checks found."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat import runner as runners
from chat.models import ModelRoute

# A check under way says nothing yet.
_TOLD = {
    ModelRoute.CheckStatus.ONLINE.value: "online",
    ModelRoute.CheckStatus.OFFLINE.value: "offline",
}


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Ready, with each enabled route's status as stored; admins also read why one is not online.

    503 while the process drains, for a proxy to ask another one.
    """
    if _is_draining():
        draining = JsonResponse({"status": "draining"}, status=503)
        # Django would log a 5xx as an error, and this one is meant.
        draining._has_been_logged = True  # type: ignore[attr-defined]
        return draining
    rows = ModelRoute.objects.filter(enabled=True).order_by("slug")
    told = rows.values_list("slug", "check_status", "check_text")
    for_admins = request.user.is_active and request.user.is_superuser
    servers: dict[str, dict[str, str]] = {}
    for slug, status, text in told:
        servers[slug] = {"status": _TOLD.get(status, "unknown")}
        if for_admins and text and status != ModelRoute.CheckStatus.ONLINE:
            servers[slug]["error"] = text
    return JsonResponse({"status": "ready", "model_servers": servers})


def _is_draining() -> bool:
    try:
        return runners.current().going_down
    except runners.NotServing:
        return False
