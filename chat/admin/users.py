"""People: Django's own admin, which says clearly why someone with conversations stays."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Count
from django.http import HttpRequest
from django.utils.safestring import SafeString

from chat.admin.reading import list_link

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """Django's user admin with a link to a person's conversations."""

    list_display = (*UserAdmin.list_display, "is_active", "conversations_link")  # type: ignore[misc]

    @admin.display(description="Conversations")
    def conversations_link(self, user: User) -> SafeString:
        """To what they said."""
        return list_link("Conversations", "conversation", owner__id__exact=user.pk)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Who owns conversations is kept, in words instead of a list of every row."""
        pks = [user.pk for user in objs]
        owners = (
            User.objects.filter(pk__in=pks)
            .annotate(count=Count("conversations"))
            .filter(count__gt=0)
        )
        protected = [_why_kept(user.get_username(), user.count) for user in owners]
        if protected:
            return [], {}, set(), protected
        return super().get_deleted_objects(objs, request)


def _why_kept(name: str, count: int) -> str:
    conversations = "1 conversation" if count == 1 else f"{count} conversations"
    return (
        f"{conversations} of {name}. What was said stays: untick Active on the person's page "
        "instead, and they can no longer log in."
    )
