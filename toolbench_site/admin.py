"""The admin site: stock Django admin with our name; log-in goes through the site's own page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect


class ToolbenchAdminSite(AdminSite):
    """Django's admin for Toolbench."""

    site_header = "Toolbench admin"
    site_title = "Toolbench admin"
    index_title = "Configure and browse"

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One log-in page for everybody, with its rate limits."""
        if request.user.is_authenticated and self.has_permission(request):
            return HttpResponseRedirect("/admin/")
        if request.user.is_authenticated:
            # The log-in page would send them straight back here, for ever.
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", "/admin/"))
