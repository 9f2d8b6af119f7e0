"""Addresses of the API's description."""

from __future__ import annotations

from django.urls import path

from chat.api.documents import views

urlpatterns = [
    path("", views.reference, name="api_reference"),
    *(
        path(
            f"{name}.{form}",
            views.document,
            {"name": name, "form": form},
            name=f"{name}_{form}",
        )
        for name in ("openapi", "asyncapi")
        for form in ("json", "yaml")
    ),
]
