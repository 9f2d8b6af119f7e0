"""Conversations and their messages, to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.db.models.functions import Substr
from django.http import HttpRequest
from django.utils.safestring import SafeString

from chat.admin.reading import (
    EXCERPT,
    ReadOnlyAdmin,
    as_block,
    as_json,
    excerpt,
    list_link,
    row_link,
    transcript_link,
)
from chat.models import Conversation, Message


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Conversations with links to all that belongs to them."""

    list_display = ("__str__", "owner", "source", "updated_at", "stages_link", "transcript")
    list_filter = ("source", "stages__mode", "stages__status", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("title", "owner__username", "=id")
    search_help_text = "Searches titles, owners' user names and ids."
    linked_lookups = ("owner__id__exact",)
    fields = (
        "id",
        "title",
        "owner",
        "source",
        "created_at",
        "updated_at",
        "transcript",
        "messages_link",
        "stages_link",
        "tool_runs_link",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """With the number of stages."""
        rows: QuerySet[Conversation] = super().get_queryset(request)
        return rows.annotate(stage_count=Count("stages", distinct=True))

    @admin.display(description="Stages", ordering="stage_count")
    def stages_link(self, conversation: Any) -> SafeString:
        """How many, as a link to them."""
        return list_link(
            f"{conversation.stage_count}", "stage", conversation__id__exact=conversation.pk
        )

    @admin.display(description="Messages")
    def messages_link(self, conversation: Conversation) -> SafeString:
        """To its messages."""
        return list_link("Messages", "message", conversation__id__exact=conversation.pk)

    @admin.display(description="Tool runs")
    def tool_runs_link(self, conversation: Conversation) -> SafeString:
        """To its tool runs."""
        return list_link("Tool runs", "toolrun", stage__conversation__id__exact=conversation.pk)

    @admin.display(description="As the person saw it")
    def transcript(self, conversation: Conversation) -> SafeString:
        """To the page."""
        return transcript_link(conversation.pk)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """Messages, newest first; the list loads only the beginning of each."""

    conversation_lookup = "conversation"
    linked_lookups = ("conversation__id__exact",)
    body_fields = ("content", "reasoning", "turns", "tool_calls")
    list_display = ("beginning", "role", "conversation_link", "created_at", "transcript")
    list_filter = ("role", "created_at")
    list_select_related = ("conversation",)
    ordering = ("-created_at",)
    search_fields = ("content", "conversation__title", "conversation__owner__username", "=id")
    search_help_text = "Searches texts, conversations' titles, owners' user names and ids."
    fields = (
        "id",
        "conversation_link",
        "transcript",
        "parent_link",
        "stage_link",
        "role",
        "created_at",
        "content_text",
        "reasoning_text",
        "turns_json",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """With the beginning of the text, so that the list needs no more of it."""
        rows: QuerySet[Message] = super().get_queryset(request)
        return rows.annotate(start=Substr("content", 1, EXCERPT * 2))

    @admin.display(description="Text")
    def beginning(self, message: Any) -> str:
        """Its first words."""
        return excerpt(message.start) or "No text"

    @admin.display(description="Conversation", ordering="conversation__title")
    def conversation_link(self, message: Message) -> SafeString:
        """To its conversation."""
        return row_link(message.conversation, "conversation", message.conversation_id)

    @admin.display(description="Answers the message")
    def parent_link(self, message: Message) -> str:
        """To the message before it."""
        return (
            row_link(message.parent_id, "message", message.parent_id)
            if message.parent_id
            else "None"
        )

    @admin.display(description="Stage")
    def stage_link(self, message: Message) -> str:
        """To the stage that said it."""
        return row_link(message.stage_id, "stage", message.stage_id) if message.stage_id else "None"

    @admin.display(description="As the person saw it")
    def transcript(self, message: Message) -> SafeString:
        """To the page."""
        return transcript_link(message.conversation_id)

    @admin.display(description="Text")
    def content_text(self, message: Message) -> str:
        """The whole of it."""
        return as_block(message.content)

    @admin.display(description="Reasoning")
    def reasoning_text(self, message: Message) -> str:
        """The whole of it."""
        return as_block(message.reasoning)

    @admin.display(description="Turns")
    def turns_json(self, message: Message) -> str:
        """What each round said and asked for."""
        return as_json(message.turns)
