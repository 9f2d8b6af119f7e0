"""The site as a Django app, and the admin site it uses."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ToolbenchAdminConfig(admin_apps.AdminConfig):
    """Django's admin, on our own AdminSite."""

    default_site = "toolbench_site.admin.ToolbenchAdminSite"


class ToolbenchSiteConfig(AppConfig):
    """The site: alone knows every app."""

    name = "toolbench_site"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Take out of the admin what nobody configures here: email addresses are the user's."""
        from allauth.account.models import EmailAddress
        from django.contrib import admin

        admin.site.unregister(EmailAddress)
