"""The demo model's addresses, below `demo/v1/`."""

from __future__ import annotations

from django.urls import path

from chat.demo import views

app_name = "demo"
urlpatterns = [
    path("models", views.models, name="models"),
    path("chat/completions", views.chat_completions, name="chat_completions"),
]
