"""What the read-only admins share: no writing, rows by who may read them, links between lists."""

from __future__ import annotations

import json
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from chat.models import Conversation
from chat.policy import reads_everything

M = TypeVar("M", bound=models.Model)

EXCERPT = 120


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A model that people read here and nobody writes; who may view it is Django's permission."""

    # The lookup that leads from a row to its conversation; empty for the conversation itself.
    conversation_lookup: ClassVar[str] = ""
    # Lookups that links from other pages filter by, though no list filter shows them.
    linked_lookups: ClassVar[tuple[str, ...]] = ()
    # Columns too large for a list; a row's own page loads them.
    body_fields: ClassVar[tuple[str, ...]] = ()
    show_full_result_count = False
    list_per_page = 50

    class Media:
        css = {"all": ("chat/admin/reading.css",)}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is written here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is written here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is written here."""
        return False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Rows of conversations that this person may read."""
        rows = super().get_queryset(request)
        if not self.conversation_lookup:
            return rows.filter(pk__in=Conversation.objects.visible_to(request.user))
        if reads_everything(request.user):
            return rows
        visible = Conversation.objects.visible_to(request.user)
        return rows.filter(**{f"{self.conversation_lookup}__in": visible})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        """A list that leaves the bodies in the database."""
        body_fields = self.body_fields
        base: type[Any] = super().get_changelist(request, **kwargs)

        class WithoutBodies(base):  # type: ignore[misc]
            """The list of rows, bodies deferred."""

            def get_queryset(self, *args: Any, **kwargs: Any) -> Any:
                """The rows, without the columns that no list shows."""
                return super().get_queryset(*args, **kwargs).defer(*body_fields)

        return WithoutBodies

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The lookups that links between the pages use, besides those of the filters."""
        return lookup in self.linked_lookups or super().lookup_allowed(lookup, value, request)


def fields_of(fieldsets: Any) -> tuple[str, ...]:
    """All fields of the fieldsets, none of which can be changed."""
    return tuple(name for _, options in fieldsets for name in options["fields"])


def list_link(label: str, model: str, **lookups: Any) -> SafeString:
    """A link to the list of another model, filtered."""
    url = reverse(f"admin:chat_{model}_changelist")
    return format_html('<a href="{}?{}">{}</a>', url, urlencode(lookups), label)


def row_link(label: Any, model: str, pk: Any) -> SafeString:
    """A link to another row's page."""
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:chat_{model}_change", args=[pk]), label
    )


def transcript_link(conversation_id: Any, label: str = "Transcript") -> SafeString:
    """A link to the conversation's page as its owner sees it."""
    return format_html('<a href="/c/{}/">{}</a>', conversation_id, label)


def as_block(text: str) -> str:
    """Text as it is, line breaks and all."""
    return format_html('<pre class="admin-body">{}</pre>', text) if text else "None"


def as_json(value: Any) -> str:
    """A JSON value, indented."""
    return as_block(json.dumps(value, indent=2, ensure_ascii=False))


def excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"
