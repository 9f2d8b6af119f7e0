"""The admin's page on tools: on or off, for whom, and within which limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tools.base import Tool
from tools.models import ToolSetting
from tools.registry import registered_tools

if TYPE_CHECKING:
    Base = admin.ModelAdmin[ToolSetting]
else:  # Generic in the type stubs only.
    Base = admin.ModelAdmin


@admin.register(ToolSetting)
class ToolSettingAdmin(Base):
    """Settings of the tools in the code; tools themselves come and go with the code alone."""

    list_display = ("name", "enabled", "users", "seconds", "characters", "summary")
    list_editable = ("enabled",)
    list_filter = ("enabled", "groups")
    search_fields = ("name",)
    filter_horizontal = ("groups",)
    readonly_fields = ("name", "description", "schema")
    fieldsets = (
        (None, {"fields": ("name", "enabled", "groups")}),
        ("Limits", {"fields": ("time_limit", "output_cap")}),
        ("What the model is told", {"fields": ("description", "schema")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tools are written in code, never added here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ToolSetting | None = None) -> bool:
        """A setting outlives its tool, so that a tool that returns is still switched off."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ToolSetting]:
        """Settings with their groups, which every row of the list names."""
        return super().get_queryset(request).prefetch_related("groups")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with a row for tools that came into the code since the last migrate."""
        ToolSetting.objects.sync_with_registry()
        return super().changelist_view(request, extra_context)

    @admin.display(description="who may use it")
    def users(self, setting: ToolSetting) -> str:
        """The names of the groups, or everyone."""
        return ", ".join(group.name for group in setting.groups.all()) or "everyone"

    @admin.display(description="time limit", ordering="time_limit")
    def seconds(self, setting: ToolSetting) -> str:
        """The limit that holds, and whose it is."""
        tool = _tool(setting)
        if setting.time_limit is not None:
            return f"{setting.time_limit:g} s"
        return f"{tool.time_limit:g} s (its own)" if tool else "–"

    @admin.display(description="output cap", ordering="output_cap")
    def characters(self, setting: ToolSetting) -> str:
        """The cap that holds, and whose it is."""
        tool = _tool(setting)
        if setting.output_cap is not None:
            return f"{setting.output_cap:,} characters"
        return f"{tool.output_cap:,} characters (its own)" if tool else "–"

    @admin.display(description="what it does")
    def summary(self, setting: ToolSetting) -> str:
        """The first paragraph of the description."""
        tool = _tool(setting)
        return tool.description.partition("\n\n")[0] if tool else NOT_IN_CODE

    @admin.display(description="description")
    def description(self, setting: ToolSetting) -> str:
        """The description as the model reads it."""
        tool = _tool(setting)
        return tool.description if tool else NOT_IN_CODE

    @admin.display(description="JSON schema of the arguments")
    def schema(self, setting: ToolSetting) -> SafeString | str:
        """The schema as the model reads it, indented."""
        tool = _tool(setting)
        if tool is None:
            return NOT_IN_CODE
        return format_html(
            "<pre>{}</pre>", json.dumps(tool.input_schema, indent=2, ensure_ascii=False)
        )


NOT_IN_CODE = "not in the code any more"


def _tool(setting: ToolSetting) -> Tool | None:
    return next((tool for tool in registered_tools() if tool.name == setting.name), None)
