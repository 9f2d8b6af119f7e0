"""API keys of everybody: to find, to make for somebody, to revoke; never their secrets."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, AdminForm
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache

from chat.admin.reading import fields_of, list_link
from chat.key_form import KeyFormForSomebody
from chat.models import ApiKey
from chat.policy import SCOPES, manages_keys
from chat.services.api_keys import revoke_key


class StateFilter(admin.SimpleListFilter):
    """Whether keys work, and why not."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The four states."""
        return [
            ("works", "works"),
            ("expired", "expired"),
            ("revoked", "revoked"),
            ("inactive", "owner switched off"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        """The keys in that state."""
        match self.value():
            case "works":
                return queryset.filter(pk__in=ApiKey.objects.usable().values("pk"))
            case "expired":
                return queryset.filter(expires_at__lte=timezone.now(), revoked_at__isnull=True)
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
            case "inactive":
                return queryset.filter(owner__is_active=False)
        return queryset


class ScopeFilter(admin.SimpleListFilter):
    """What keys may do."""

    title = "scope"
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Each of the scopes."""
        return [(scope, scope) for scope in SCOPES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        """The keys that have it."""
        if (scope := self.value()) not in SCOPES:
            return queryset
        # SQLite knows no containment in JSON.
        return queryset.alias(scopes_text=Cast("scopes", TextField())).filter(
            scopes_text__contains=f'"{scope}"'
        )


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Keys are made and revoked, by the services, and never changed; only admins see them here."""

    list_display = (
        "name",
        "begins_with",
        "owner",
        "may",
        "on_routes",
        "state",
        "expires_at",
        "last_used_at",
    )
    list_filter = (StateFilter, ScopeFilter, "all_routes", "created_at", "last_used_at")
    list_select_related = ("owner",)
    search_fields = ("name", "prefix", "owner__username", "owner__email")
    search_help_text = "Searches names, the beginnings of keys, owners' names and emails."
    actions = ("revoke_keys",)
    fieldsets = (
        (None, {"fields": ("name", "begins_with", "owner", "state")}),
        ("What it may do", {"fields": ("may", "on_routes", "expires_at")}),
        (
            "Use",
            {"fields": ("created_at", "created_by", "last_used_at", "revoked_at", "stages_link")},
        ),
    )
    readonly_fields = fields_of(fieldsets)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Admins only: what staff may do of Django's permissions is not asked here."""
        return manages_keys(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Admins only."""
        return manages_keys(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Admins only."""
        return manages_keys(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is what it was made as."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A revoked key stays, to say what it was and when it was used."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Admins may revoke any key."""
        return manages_keys(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """Without the digest, which nobody reads."""
        visible = ApiKey.objects.visible_to(request.user)
        return visible.defer("digest").prefetch_related("routes")

    @method_decorator(never_cache)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form; on POST the key, shown this once: nothing may keep its text on the way."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        assert isinstance(request.user, User)
        form = KeyFormForSomebody(request.user, request.POST if request.method == "POST" else None)
        made = form.make() if request.method == "POST" else None
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        if made is not None:
            self.log_addition(request, made.key, [{"added": {}}])
            context |= {"title": "The new API key", "key": made.key, "text": made.text}
            return TemplateResponse(request, "admin/chat/apikey/made.html", context, status=201)
        fields: tuple[Any, dict[str, list[str]]] = (None, {"fields": list(form.fields)})
        context |= {
            "title": "Make an API key for somebody",
            "adminform": AdminForm(form, [fields], {}, model_admin=self),  # type: ignore[arg-type]
            "inline_admin_formsets": [],
            "errors": form.errors,
            "media": self.media + form.media,
            "is_popup": False,
            "preserved_filters": "",
        }
        return TemplateResponse(request, "admin/chat/apikey/add.html", context)

    @admin.action(description="Revoke the chosen keys", permissions=["revoke"])
    def revoke_keys(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask first; then they open nothing any more, and their sockets are closed."""
        keys = list(queryset.filter(revoked_at__isnull=True))
        if not keys:
            self.message_user(request, "These are revoked already.", messages.WARNING)
            return None
        if "sure" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": "Revoke these API keys?",
                "opts": self.opts,
                "keys": keys,
                "checkbox": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/chat/apikey/revoke.html", context)
        for key in keys:
            revoke_key(request.user, key.pk)
            self.log_change(request, key, "Revoked.")
        words = "1 key opens" if len(keys) == 1 else f"{len(keys)} keys open"
        self.message_user(request, f"{words} nothing any more.")
        return None

    @admin.display(description="Begins with", ordering="prefix")
    def begins_with(self, key: ApiKey) -> str:
        """What tells it from others where its text is found."""
        return f"tb_{key.prefix}_"

    @admin.display(description="May")
    def may(self, key: ApiKey) -> str:
        """Its scopes."""
        return ", ".join(key.scopes)

    @admin.display(description="Routes", ordering="all_routes")
    def on_routes(self, key: ApiKey) -> str:
        """The routes it is for."""
        if key.all_routes:
            return "all"
        return ", ".join(route.slug for route in key.routes.all()) or "none any more"

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        """Whether it works, and why not."""
        if key.revoked_at is not None:
            return "revoked"
        if key.has_expired:
            return "expired"
        return "works" if key.owner.is_active else "owner switched off"

    @admin.display(description="Stages")
    def stages_link(self, key: ApiKey) -> SafeString:
        """To what was started with it."""
        return list_link("Stages", "stage", api_key__id__exact=key.pk)
