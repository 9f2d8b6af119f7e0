"""Stages, their journals and their tool runs, to read."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from chat.admin.reading import (
    ReadOnlyAdmin,
    as_block,
    as_json,
    fields_of,
    list_link,
    row_link,
    transcript_link,
)
from chat.admin.repairs import RepairFilter, stage_repairs
from chat.leases import LEASE_RENEWAL_SECONDS
from chat.models import Stage, StageEvent, ToolRun
from chat.services import request_cancel


@admin.register(Stage)
class StageAdmin(ReadOnlyAdmin):
    """Stages, newest first, with links to journal and tool runs."""

    conversation_lookup = "conversation"
    linked_lookups = (
        "conversation__id__exact",
        "owner__id__exact",
        "route__id__exact",
        "api_key__id__exact",
    )
    body_fields = (
        "system_prompt",
        "requests",
        "usage",
        "timings",
        "tools",
        "temperature",
        "max_tokens",
        "error_message",
    )
    list_display = (
        "id",
        "kind",
        "status",
        "conversation_link",
        "route",
        "created_at",
        "events_link",
        "tool_runs_link",
        "repairs",
    )
    list_filter = ("status", "mode", "synthesis", "stream", "route", RepairFilter, "created_at")
    list_select_related = ("conversation", "route")
    actions = ("stop_stages",)
    ordering = ("-created_at",)
    search_fields = ("=id", "conversation__title", "owner__username", "model", "error_code")
    search_help_text = "Searches ids, conversations' titles, owners, models and error codes."
    fieldsets = (
        (None, {"fields": ("id", "kind", "status", "conversation_link", "transcript", "owner")}),
        ("What happened", {"fields": ("events_link", "tool_runs_link", "answer_link")}),
        ("End", {"fields": ("finish_reason", "error_code", "error_message", "repairs_list")}),
        (
            "Request",
            {
                "fields": (
                    "route",
                    "model",
                    "system_prompt_text",
                    "tools_json",
                    "temperature",
                    "max_tokens",
                    "requests_json",
                    "api_key",
                )
            },
        ),
        ("Figures", {"fields": ("created_at", "ended_at", "timings_json", "usage_json")}),
        ("Lineage", {"fields": ("request_id", "retry_of", "continue_of")}),
    )
    readonly_fields = fields_of(fieldsets)

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Admins may stop any stage."""
        return bool(request.user.is_superuser)

    @admin.action(description="Stop the chosen stages", permissions=["stop"])
    def stop_stages(self, request: HttpRequest, queryset: QuerySet[Stage]) -> None:
        """Ask by a row; the serving process closes their upstreams within seconds."""
        active = list(queryset.active().values_list("pk", flat=True))  # type: ignore[attr-defined]
        user_id = int(request.user.pk or 0)
        for stage_id in active:
            request_cancel(user_id, stage_id)
        self.message_user(
            request,
            f"{len(active)} told to stop; they end within {LEASE_RENEWAL_SECONDS:g} s."
            if active
            else "None of these is running.",
        )

    @admin.display(description="Mode", ordering="mode")
    def kind(self, stage: Stage) -> str:
        """Which of the six modes it is."""
        mode = "toolchain + synthesis" if stage.synthesis else stage.mode
        return mode if stage.stream else f"{mode}, whole"

    @admin.display(description="Conversation", ordering="conversation__title")
    def conversation_link(self, stage: Stage) -> SafeString:
        """To its conversation."""
        return row_link(stage.conversation, "conversation", stage.conversation_id)

    @admin.display(description="Events")
    def events_link(self, stage: Stage) -> SafeString:
        """To its journal."""
        return list_link("Events", "stageevent", stage__id__exact=stage.pk)

    @admin.display(description="Tool runs")
    def tool_runs_link(self, stage: Stage) -> SafeString:
        """To its tool runs."""
        return list_link("Tool runs", "toolrun", stage__id__exact=stage.pk)

    @admin.display(description="Repairs", ordering="repairs_count")
    def repairs(self, stage: Stage) -> int:
        """How many were made."""
        return stage.repairs_count

    @admin.display(description="Repairs")
    def repairs_list(self, stage: Stage) -> str:
        """What was mended, with the bytes that caused it."""
        return stage_repairs(stage)

    @admin.display(description="Answer")
    def answer_link(self, stage: Stage) -> str:
        """To the message it said."""
        answer = getattr(stage, "message", None)
        return row_link("Message", "message", answer.pk) if answer else "None"

    @admin.display(description="As the person saw it")
    def transcript(self, stage: Stage) -> SafeString:
        """To the page."""
        return transcript_link(stage.conversation_id)

    @admin.display(description="System prompt")
    def system_prompt_text(self, stage: Stage) -> str:
        """The whole of it."""
        return as_block(stage.system_prompt)

    @admin.display(description="Tools offered")
    def tools_json(self, stage: Stage) -> str:
        """Their names."""
        return as_json(stage.tools)

    @admin.display(description="Requests as sent")
    def requests_json(self, stage: Stage) -> str:
        """One per round."""
        return as_json(stage.requests)

    @admin.display(description="Timings")
    def timings_json(self, stage: Stage) -> str:
        """In milliseconds."""
        return as_json(stage.timings)

    @admin.display(description="Usage")
    def usage_json(self, stage: Stage) -> str:
        """As the model's server reported it."""
        return as_json(stage.usage)


@admin.register(StageEvent)
class StageEventAdmin(ReadOnlyAdmin):
    """The journal; the list has no data, an event's own page has."""

    conversation_lookup = "stage__conversation"
    linked_lookups = ("stage__id__exact",)
    body_fields = ("data",)
    list_display = ("label", "event", "ts", "stage_link")
    list_filter = ("event", "ts")
    list_select_related = ()
    ordering = ("-id",)
    list_per_page = 100
    search_fields = ("=stage__id",)
    search_help_text = "Searches for a stage's id."
    fields = ("stage_link", "sequence_number", "ts", "event", "data_json")
    readonly_fields = fields

    def get_ordering(self, request: Any) -> tuple[str, ...]:
        """One stage's journal reads from its first event on."""
        return ("sequence_number",) if "stage__id__exact" in request.GET else ("-id",)

    @admin.display(description="Number", ordering="sequence_number")
    def label(self, event: StageEvent) -> int:
        """Its number in its stage."""
        return event.sequence_number

    @admin.display(description="Stage")
    def stage_link(self, event: StageEvent) -> SafeString:
        """To its stage."""
        return row_link(event.stage_id, "stage", event.stage_id)

    @admin.display(description="Data")
    def data_json(self, event: StageEvent) -> str:
        """What readers got."""
        try:
            return as_json(event.parsed_data())
        except orjson.JSONDecodeError:
            return as_block(event.data)


@admin.register(ToolRun)
class ToolRunAdmin(ReadOnlyAdmin):
    """Tool calls and what became of them."""

    conversation_lookup = "stage__conversation"
    linked_lookups = ("stage__id__exact", "stage__conversation__id__exact")
    body_fields = (
        "raw_arguments",
        "arguments",
        "errors",
        "repairs",
        "result",
        "whole_result",
        "error",
    )
    list_display = (
        "call_id",
        "tool",
        "round",
        "status",
        "valid",
        "duration",
        "started_at",
        "stage_link",
        "conversation_link",
    )
    list_filter = ("status", "valid", "tool", "origin", "started_at")
    list_select_related = ("stage__conversation",)
    ordering = ("-id",)
    search_fields = ("tool", "call_id", "raw_arguments", "result", "=stage__id")
    search_help_text = "Searches tools, call ids, arguments, results and stages' ids."
    fieldsets = (
        (None, {"fields": ("call_id", "tool", "round", "origin", "stage_link", "transcript")}),
        (
            "Call",
            {"fields": ("valid", "arguments_json", "raw_text", "errors_json", "repairs_json")},
        ),
        (
            "Result",
            {
                "fields": (
                    "status",
                    "started_at",
                    "duration",
                    "result_text",
                    "whole_text",
                    "error_text",
                )
            },
        ),
        ("Upstream", {"fields": ("upstream_id",)}),
    )
    readonly_fields = fields_of(fieldsets)

    @admin.display(description="Duration", ordering="duration_ms")
    def duration(self, run: ToolRun) -> str:
        """In milliseconds."""
        return "not ended" if run.duration_ms is None else f"{run.duration_ms} ms"

    @admin.display(description="Stage")
    def stage_link(self, run: ToolRun) -> SafeString:
        """To its stage."""
        return row_link(run.stage_id, "stage", run.stage_id)

    @admin.display(description="Conversation")
    def conversation_link(self, run: ToolRun) -> SafeString:
        """To its conversation."""
        stage = run.stage
        return row_link(stage.conversation, "conversation", stage.conversation_id)

    @admin.display(description="As the person saw it")
    def transcript(self, run: ToolRun) -> SafeString:
        """To the page."""
        return transcript_link(run.stage.conversation_id)

    @admin.display(description="Arguments")
    def arguments_json(self, run: ToolRun) -> str:
        """As they were read."""
        return as_json(run.arguments)

    @admin.display(description="Arguments as they came")
    def raw_text(self, run: ToolRun) -> str:
        """The raw text."""
        return as_block(run.raw_arguments)

    @admin.display(description="Errors")
    def errors_json(self, run: ToolRun) -> str:
        """Why it is not valid."""
        return as_json(run.errors)

    @admin.display(description="Repairs")
    def repairs_json(self, run: ToolRun) -> str:
        """What was mended."""
        return as_json(run.repairs)

    @admin.display(description="Result")
    def result_text(self, run: ToolRun) -> str:
        """What the model read."""
        return as_block(run.result)

    @admin.display(description="Whole result")
    def whole_text(self, run: ToolRun) -> str:
        """The whole output where the model read a part."""
        return as_block(run.whole_result or "")

    @admin.display(description="Error")
    def error_text(self, run: ToolRun) -> str:
        """What went wrong."""
        return as_block(run.error)
