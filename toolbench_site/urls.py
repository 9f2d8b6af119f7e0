"""The site's addresses."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from toolbench_site.first_admin import first_admin, first_admin_found
from toolbench_site.health import healthz

urlpatterns = [
    path("", include("chat.pages.urls")),
    path("", include("chat.api.urls")),
    path("bench/", include("chat.pages.bench.urls")),
    path("accounts/", include("toolbench_site.account_urls")),
    path("admin/", admin.site.urls),
    path("demo/v1/", include("chat.demo.urls")),
    path("healthz", healthz, name="healthz"),
    path("setup/<str:token>/", first_admin, name="first_admin"),
    path("setup/<str:token>/found/", first_admin_found, name="first_admin_found"),
]

# allauth looks for this name when a rate limit is reached.
handler429 = "toolbench_site.account_pages.too_many_requests"
