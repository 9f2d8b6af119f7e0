"""Addresses for programs, from the site's root."""

from __future__ import annotations

from django.urls import include, path

from chat.api import origin

urlpatterns = [
    path("stream/v1/chat", origin.stream, {"mode": "chat"}, name="stream_chat"),
    path("stream/v1/toolchain", origin.stream, {"mode": "toolchain"}, name="stream_toolchain"),
    path("completion/v1/chat", origin.complete, {"mode": "chat"}, name="complete_chat"),
    path(
        "completion/v1/toolchain",
        origin.complete,
        {"mode": "toolchain"},
        name="complete_toolchain",
    ),
    path("stream/v1/stages/<uuid:stage_id>", origin.stage_events, name="stage_events"),
    path("v1/", include("chat.api.gateway.urls")),
    path("api/", include("chat.api.documents.urls")),
]
