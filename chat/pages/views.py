"""The chat page, its fragments, and the two forms of the conversation list."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.models import Conversation
from chat.pages.bench.origin import bench_origin
from chat.pages.listing import BLANK_ROW, read_listing
from chat.pages.options import composer_options
from chat.pages.repairs import BLANK_REPAIR
from chat.pages.stagecard import BLANK
from chat.pages.toolcard import ArgumentRow, Badge, ToolCard
from chat.pages.transcript import TURNS_SHOWN, read_transcript, read_turn

MOST_TURNS = 2000

_BLANK_CARD = ToolCard("", "", 1, "shaping", Badge("live", "", ""), (), "", "", (), "", "", "", ())
_BLANK_ARGUMENT = ArgumentRow("", "", "", "", "check", "")
_ICONS = (
    *("check", "x", "hammer", "square", "clock", "triangle-alert"),
    *("phase-completion", "phase-extraction", "phase-validation"),
    *("phase-execution", "phase-summary", "phase-synthesis"),
)
_REFUSAL_STATUS = {"not_found": 404, "conversation_busy": 409, "rate_limited": 429}


@require_safe
@never_cache
@login_required
def new_conversation(request: HttpRequest) -> HttpResponse:
    """The empty page of a conversation that begins with its first message."""
    return render(request, "chat/page.html", _page(request, None))


@require_safe
@never_cache
@login_required
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """A conversation's page; `?leaf=` picks a branch, `?turns=` shows more of a long one."""
    found = _visible(request, conversation_id)
    limit = _whole_number(request.GET.get("turns"), TURNS_SHOWN)
    transcript = read_transcript(found, _uuid(request.GET.get("leaf")), limit)
    context = _page(request, found)
    context |= {
        "transcript": transcript,
        "more_turns": min(limit + TURNS_SHOWN, MOST_TURNS),
        "bench_origin": bench_origin(found, _person(request)),
    }
    return render(request, "chat/page.html", context)


@require_safe
@never_cache
@login_required
def turn(request: HttpRequest, conversation_id: UUID, stage_id: UUID) -> HttpResponse:
    """One stage with its prompt, as the page would show it now."""
    found = _visible(request, conversation_id)
    shown = read_turn(found, stage_id)
    if shown is None:
        raise Http404
    context = {
        "turn": shown,
        "conversation": found,
        "may_write": _may_write(request, found),
        "is_others": found.owner_id != request.user.pk,
    }
    return render(request, "chat/turn.html", context)


@require_safe
@never_cache
@login_required
def conversations(request: HttpRequest) -> JsonResponse:
    """A page of the conversation list; `title` filters, `after` continues, `machines` asks for
    what came through the API."""
    listing = read_listing(
        _person(request),
        machines=request.GET.get("machines") == "1",
        after=request.GET.get("after", ""),
        title=request.GET.get("title", "")[:200].strip(),
    )
    return JsonResponse(listing.as_json())


@require_POST
@login_required
def rename(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Give a conversation of one's own another title."""
    try:
        renamed = services.rename_conversation(
            _person(request), conversation_id, request.POST.get("title", "")
        )
    except services.Refused as refusal:
        return _refused(request, refusal)
    if _wants_json(request):
        return JsonResponse({"title": renamed.title})
    return HttpResponseRedirect(reverse("chat:conversation", args=[conversation_id]))


@require_POST
@login_required
def delete(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Delete a conversation of one's own."""
    try:
        services.delete_conversation(_person(request), conversation_id)
    except services.Refused as refusal:
        return _refused(request, refusal)
    if _wants_json(request):
        return JsonResponse({"deleted": str(conversation_id)})
    return HttpResponseRedirect(reverse("chat:home"))


def _person(request: HttpRequest) -> User:
    # login_required has seen to it; the type says so.
    assert isinstance(request.user, User)
    return request.user


def _visible(request: HttpRequest, conversation_id: UUID) -> Conversation:
    query = Conversation.objects.visible_to(request.user).select_related("owner")
    return get_object_or_404(query, pk=conversation_id)


def _may_write(request: HttpRequest, found: Conversation) -> bool:
    return found.owner_id == request.user.pk and found.source == Conversation.Source.PAGE


def _page(request: HttpRequest, found: Conversation | None) -> dict[str, Any]:
    may_write = found is None or _may_write(request, found)
    return {
        "place": "chat",
        "conversation": found,
        "may_write": may_write,
        "is_others": found is not None and found.owner_id != request.user.pk,
        "listing": read_listing(_person(request)),
        "machines": read_listing(_person(request), machines=True),
        "options": composer_options(_person(request)) if may_write else {"routes": [], "tools": []},
        "page_data": {
            "conversation_id": str(found.pk) if found else None,
            "may_write": may_write,
            "now": timezone.now().isoformat(),
            "urls": {
                "home": reverse("chat:home"),
                "conversations": reverse("chat:conversations"),
                "log_in": f"{reverse('account_login')}?next={request.path}",
            },
        },
        "icon_names": _ICONS,
        "blank": BLANK,
        "blank_row": BLANK_ROW,
        "blank_card": _BLANK_CARD,
        "blank_argument": _BLANK_ARGUMENT,
        "blank_repair": BLANK_REPAIR,
    }


def _refused(request: HttpRequest, refusal: services.Refused) -> HttpResponse:
    status = _REFUSAL_STATUS.get(refusal.code, 400)
    if status == 404:
        raise Http404
    if _wants_json(request):
        return JsonResponse({"code": refusal.code, "message": refusal.message}, status=status)
    return HttpResponse(refusal.message, status=status, content_type="text/plain; charset=utf-8")


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _whole_number(text: str | None, default: int) -> int:
    if text is None or not text.isdecimal() or len(text) > 6:
        return default
    return min(max(int(text), 1), MOST_TURNS)
