"""The demo model's addresses as the site mounts them, for tests of the views alone."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("demo/v1/", include("chat.demo.urls"))]
