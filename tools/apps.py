"""The app that knows what a model may call."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules

from tools import threads


class ToolsConfig(AppConfig):
    """Finds the tools of every installed app, and keeps a setting for each."""

    name = "tools"
    verbose_name = "Tools"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the `tools.py` of every installed app, as the admin does with `admin.py`."""
        autodiscover_modules("tools")
        # A blocking tool may have used the ORM, whose connections belong to its thread.
        threads.after_each_call(connections.close_all)
        post_migrate.connect(_sync_settings, sender=self)


def _sync_settings(using: str, **_: Any) -> None:
    from tools.models import ToolSetting

    ToolSetting.objects.db_manager(using).sync_with_registry()
