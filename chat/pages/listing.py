"""The conversation list: titles and states, never a body."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Exists, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone

from chat.models import ACTIVE_STATUSES, Conversation, Stage

PAGE_SIZE = 50
PEOPLE = (Conversation.Source.PAGE,)
# The bench's conversations are reached from its runs: there are hundreds of them.
MACHINES = (Conversation.Source.API, Conversation.Source.GATEWAY)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    id: str
    url: str
    title: str
    group: str
    when: str
    updated_at: str
    running: bool
    failed: bool
    source: str


BLANK_ROW = Row("", "", "", "", "", "", False, False, "page")
"""What the page's script clones."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under a heading such as Today."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list; `more` leads to the next."""

    rows: tuple[Row, ...]
    more: str

    @property
    def groups(self) -> tuple[Group, ...]:
        """The rows by heading, in order."""
        names = dict.fromkeys(row.group for row in self.rows)
        return tuple(
            Group(name, tuple(row for row in self.rows if row.group == name)) for name in names
        )

    def as_json(self) -> dict[str, Any]:
        """For the page's script."""
        return {"rows": [asdict(row) for row in self.rows], "more": self.more}


def read_listing(
    user: User | AnonymousUser,
    *,
    machines: bool = False,
    after: str = "",
    title: str = "",
    size: int = PAGE_SIZE,
) -> Listing:
    """A page of a person's own conversations, newest first, in one query."""
    latest = Stage.objects.filter(conversation=OuterRef("pk")).order_by("-created_at")
    query = (
        Conversation.objects.owned_by(user)
        .filter(source__in=MACHINES if machines else PEOPLE)
        .annotate(
            running=Exists(latest.filter(status__in=ACTIVE_STATUSES)),
            last_status=Subquery(latest.values("status")[:1]),
        )
        .order_by("-updated_at", "-id")
        .only("id", "title", "updated_at", "source")
    )
    if title:
        query = query.filter(title__icontains=title)
    place = _read_cursor(after)
    if place is not None:
        moment, key = place
        query = query.filter(Q(updated_at__lt=moment) | Q(updated_at=moment, id__lt=key))
    found = list(query[: size + 1])
    today = timezone.localdate()
    return Listing(
        rows=tuple(_row(conversation, today) for conversation in found[:size]),
        more=_cursor(found[size - 1]) if len(found) > size else "",
    )


def group_of(day: date, today: date) -> str:
    """The heading a day belongs under."""
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return "Last 7 days" if day > today - timedelta(days=7) else "Earlier"


def _row(conversation: Any, today: date) -> Row:
    moment = timezone.localtime(conversation.updated_at)
    group = group_of(moment.date(), today)
    when = moment.strftime("%H:%M") if group == "Today" else ""
    return Row(
        id=str(conversation.id),
        url=reverse("chat:conversation", args=[conversation.id]),
        title=conversation.title or "New conversation",
        group=group,
        when=when,
        updated_at=conversation.updated_at.isoformat(),
        running=conversation.running,
        failed=not conversation.running and conversation.last_status == Stage.Status.ERROR,
        source=conversation.source,
    )


def _cursor(conversation: Conversation) -> str:
    text = f"{conversation.updated_at.isoformat()} {conversation.id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(text: str) -> tuple[datetime, UUID] | None:
    try:
        moment, _, key = base64.urlsafe_b64decode(text.encode()).decode().partition(" ")
        return datetime.fromisoformat(moment), UUID(key)
    except (ValueError, binascii.Error):
        return None
