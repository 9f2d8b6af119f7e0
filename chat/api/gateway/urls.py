"""Addresses of the gateway; the base URL of an OpenAI client ends in /v1."""

from __future__ import annotations

from django.urls import path

from chat.api.gateway import views

urlpatterns = [
    path("models", views.models, name="gateway_models"),
    path("models/<str:slug>", views.model, name="gateway_model"),
    path("chat/completions", views.chat_completions, name="gateway_chat_completions"),
    path("<path:rest>", views.unknown),
]
