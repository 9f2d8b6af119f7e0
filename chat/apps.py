"""The chat app."""

from __future__ import annotations

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Conversations with a model, and the stages that answer them."""

    name = "chat"
    default_auto_field = "django.db.models.BigAutoField"
