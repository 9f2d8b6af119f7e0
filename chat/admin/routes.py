"""Model routes: configure, check the connection, add what was found on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.db.models import Count, QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.timesince import timesince

from chat import discovery
from chat.admin.doctor import doctor_page
from chat.admin.reading import list_link
from chat.admin.repairs import route_repairs
from chat.checks import request_check
from chat.models import ModelRoute
from chat.services.routes import save_route

NO_KEY = "No key is stored. Leave empty for servers without one."
KEY_STORED = "Key stored. Leave empty to keep it."
WIDE = {"class": "vLargeTextField"}


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]
    """A route's fields; its key can be written here and never read."""

    new_key = forms.CharField(
        label="API key",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    forget_key = forms.BooleanField(label="Forget the stored key", required=False)

    class Meta:
        model = ModelRoute
        exclude = ()
        widgets = {
            "base_url": forms.TextInput(attrs={"class": "vTextField", "spellcheck": "false"}),
            "token_limit_fields": forms.Textarea(attrs={"rows": 2, **WIDE}),
            "extra_body": forms.Textarea(attrs={"rows": 4, **WIDE}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_key" in self.fields:
            self.fields["new_key"].help_text = KEY_STORED if self.instance.api_key else NO_KEY

    def _get_validation_exclusions(self) -> set[str]:
        # A second default is no mistake: `save_route` unsets the first in the same transaction.
        return {*super()._get_validation_exclusions(), "is_default"}  # type: ignore[misc]


@admin.register(ModelRoute)
class ModelRouteAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Routes; connections are checked by the serving process, pages show what it found last."""

    form = RouteForm
    list_display = (
        "slug",
        "display_name",
        "upstream_model",
        "host",
        "health",
        "enabled",
        "is_default",
    )
    search_fields = ("slug", "display_name", "upstream_model", "base_url")
    search_help_text = "Searches slugs, names, models and addresses."
    filter_horizontal = ("groups",)
    prepopulated_fields = {"slug": ("display_name",)}
    readonly_fields = ("health", "stages_link", "repairs")
    actions = ("check_connection",)
    fieldsets = (
        (None, {"fields": ("display_name", "slug", "enabled", "is_default", "groups")}),
        (
            "Connection",
            {
                "fields": (
                    "base_url",
                    "upstream_model",
                    "new_key",
                    "forget_key",
                    "protocol",
                    "health",
                ),
                "description": "A key belongs to scheme, host and port of the base URL: a change "
                "of one of them clears it, unless you type a key in the same save.",
            },
        ),
        (
            "What is sent",
            {
                "fields": (
                    "system_prompt",
                    ("tool_temperature", "synthesis_temperature"),
                    ("tool_max_tokens", "synthesis_max_tokens"),
                    "token_limit_fields",
                    "stream_usage",
                    "extra_body",
                    "context_budget",
                )
            },
        ),
        (
            "Tools and thoughts",
            {"fields": ("max_tool_rounds", "text_dialect", "starts_inside_thinking")},
        ),
        (
            "Time limits",
            {
                "fields": (
                    ("connect_seconds", "first_token_seconds"),
                    ("between_tokens_seconds", "total_seconds"),
                ),
                "description": "In seconds. A busy server says nothing until a slot is free, so "
                "the first token has a limit of its own.",
            },
        ),
        (
            "Prices",
            {
                "fields": (("price_input", "price_output", "currency"),),
                "description": "Per million tokens; the bench reckons the cost of its trials "
                "with them.",
            },
        ),
        ("Use", {"fields": ("stages_link", "repairs")}),
    )
    change_list_template = "admin/chat/modelroute/change_list.html"
    change_form_template = "admin/chat/modelroute/change_form.html"

    class Media:
        css = {"all": ("chat/admin/routes.css",)}
        js = (Script("chat/admin/checks.js", type="module"),)

    @admin.display(description="Host", ordering="base_url")
    def host(self, route: ModelRoute) -> str:
        """Host and port."""
        return route.host or "None"

    @admin.display(description="Health", ordering="check_status")
    def health(self, route: ModelRoute) -> str:
        """What the last connection check found; refreshes itself."""
        if route.pk is None:
            return "Checked once the route is saved."
        told = _told(route)
        return format_html(
            '<span class="route-health" data-route-check="{}" data-status="{}" title="{}">'
            "{}</span>",
            route.pk,
            told["status"],
            told["checked"],
            told["text"],
        )

    @admin.display(description="Stages")
    def stages_link(self, route: ModelRoute) -> str:
        """To the stages that ran on it."""
        if route.pk is None:
            return "None yet."
        return list_link("Stages on this route", "stage", route__id__exact=route.pk)

    @admin.display(description="Repairs")
    def repairs(self, route: ModelRoute) -> str:
        """What had to be mended in the last days' stages."""
        return "None yet." if route.pk is None else route_repairs(route)

    @admin.action(description="Check connection", permissions=["view"])
    def check_connection(self, request: HttpRequest, queryset: QuerySet[ModelRoute]) -> None:
        """Ask for checks; the list shows what they find."""
        count = request_check(queryset.values_list("pk", flat=True))
        what = "1 route is" if count == 1 else f"{count} routes are"
        messages.info(request, f"{what} being checked. The list shows what is found.")

    def save_model(
        self, request: HttpRequest, obj: ModelRoute, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Write through the service and tell what else it did."""
        done = save_route(
            obj, form.cleaned_data.get("new_key", ""), form.cleaned_data.get("forget_key", False)
        )
        if done.key_cleared:
            messages.warning(
                request,
                f"The stored API key was cleared, because {obj.host} is another server than the "
                "one it was given for. Type the key of the new server if it needs one.",
            )
        if done.stays_default:
            messages.warning(
                request,
                f"{obj} stays the default, because there is always one. Make another route the "
                "default instead.",
            )

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """A used route stays, in words instead of a list of its stages."""
        pks = [route.pk for route in objs]
        counted = ModelRoute.objects.filter(pk__in=pks).annotate(stage_count=Count("stages"))
        used: Iterable[Any] = counted.filter(stage_count__gt=0)
        protected = [_why_kept(route, route.stage_count) for route in used]
        if protected:
            return [], {}, set(), protected
        return super().get_deleted_objects(objs, request)

    def get_urls(self) -> list[URLPattern]:
        """The list's fragment, the button of a single route, and the offers' form."""
        view = self.admin_site.admin_view
        own = [
            path("checks/", view(self.checks_view), name="chat_modelroute_checks"),
            path("found/", view(self.found_view), name="chat_modelroute_found"),
            path("<int:pk>/check/", view(self.check_view), name="chat_modelroute_check"),
            path("<int:pk>/doctor/", view(self.doctor_view), name="chat_modelroute_doctor"),
        ]
        return own + super().get_urls()

    def checks_view(self, request: HttpRequest) -> JsonResponse:
        """`{"routes": {id: {status, text, checked}}}` for the pages to refresh themselves."""
        if not self.has_view_permission(request):
            return JsonResponse({"routes": {}}, status=403)
        return JsonResponse(
            {"routes": {str(route.pk): _told(route) for route in self.get_queryset(request)}}
        )

    def check_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The button on a route's page."""
        route = self.get_queryset(request).filter(pk=pk).first()
        if route is None or not self.has_view_permission(request, route):
            return HttpResponse(status=404)
        if request.method == "POST":
            request_check([pk])
        return HttpResponseRedirect(reverse("admin:chat_modelroute_change", args=[quote(pk)]))

    def doctor_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the route's server can do, examined by the doctor."""
        return doctor_page(self, request, pk)

    def found_view(self, request: HttpRequest) -> HttpResponse:
        """GET: what is offered, as JSON; POST: add what was ticked as routes."""
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        if request.method != "POST":
            return JsonResponse(
                {
                    "looking": discovery.is_looking(),
                    "count": len(discovery.not_yet_routes(discovery.found())),
                }
            )
        made = discovery.add_routes(request.POST.getlist("add"))
        if made:
            names = ", ".join(str(route) for route in made)
            what = "1 route was" if len(made) == 1 else f"{len(made)} routes were"
            messages.success(request, f"{what} added: {names}. The connection is being checked.")
        else:
            messages.warning(request, "No route was added. Tick at least one model.")
        return HttpResponseRedirect(reverse("admin:chat_modelroute_changelist"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With what was found on this machine above the list."""
        offers = []
        if self.has_add_permission(request):
            discovery.request_look()
            offers = discovery.not_yet_routes(discovery.found())
        context = {**(extra_context or {}), "offers": offers, "looking": discovery.is_looking()}
        return super().changelist_view(request, context)


def _told(route: ModelRoute) -> dict[str, str]:
    """Status, sentence and age of the last check's outcome."""
    if route.check_status == ModelRoute.CheckStatus.CHECKING:
        text = "Being checked."
    elif not route.is_configured and not route.check_text:
        text = "Not configured yet: it needs a base URL and an upstream model."
    else:
        text = route.check_text or "Not checked yet."
    checked = f"Checked {timesince(route.checked_at)} ago." if route.checked_at else ""
    return {"status": route.check_status, "text": text, "checked": checked}


def _why_kept(route: ModelRoute, count: int) -> str:
    stages = "1 stage" if count == 1 else f"{count} stages"
    return (
        f"{stages} on {route}. A used route is never deleted: untick Enabled on its page instead."
    )
