"""The form on which a key is made: by a person for themselves, or by an admin for somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import ModelRoute
from chat.services import Refused
from chat.services.api_keys import NAME_LIMIT, NewKey, end_of, make_key

GOOD_DAYS = 90
"""How long a key is good where the form is left as it comes."""

SCOPE_CHOICES = (
    ("chat", "Chat: start stages without tools"),
    ("tools", "Tools: start toolchains, with Toolbench’s tools or the caller’s own"),
    ("bench", "Bench: start bench runs and read their reports"),
    ("read", "Read: every conversation that you may read, not only what the key started"),
)
ALL_ROUTES, SOME_ROUTES = "all", "some"
ROUTE_CHOICES = (
    (ALL_ROUTES, "All routes that you may use, those added later too"),
    (SOME_ROUTES, "Only these"),
)


class KeyForm(forms.Form):
    """Name, scopes, routes and the last day of a key of one's own."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_LIMIT,
        error_messages={"required": "Name the key after what will use it."},
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=SCOPE_CHOICES,
        initial=["chat", "tools"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    which = forms.ChoiceField(
        label="Routes",
        choices=ROUTE_CHOICES,
        initial=ALL_ROUTES,
        required=False,
        widget=forms.RadioSelect,
    )
    routes = forms.ModelMultipleChoiceField(
        ModelRoute.objects.none(),
        label="Only these routes",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "One of these routes is not open to you. Choose again."},
    )
    expires = forms.DateField(
        label="Last day",
        required=False,
        error_messages={"invalid": "Write the last day as 2027-01-31, or leave it empty."},
    )

    def __init__(self, by: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.open_routes = ModelRoute.objects.visible_to(by)
        self.fields["routes"].queryset = self.open_routes  # type: ignore[attr-defined]
        last_day = timezone.localdate() + timedelta(days=GOOD_DAYS)
        self.fields["expires"].initial = last_day.isoformat()
        self.fields["expires"].widget.input_type = "date"

    @property
    def chosen(self) -> dict[str, set[str]]:
        """What is ticked, by field; for a template that draws the boxes itself."""
        return {
            "scopes": set(self["scopes"].value() or ()),
            "routes": {str(pk) for pk in self["routes"].value() or ()},
        }

    def make(self) -> NewKey | None:
        """The key that was asked for; None where something is wrong, which the form then says."""
        if not self.is_valid():
            return None
        values = self.cleaned_data
        last_day = values["expires"]
        try:
            return make_key(
                self.by,
                self.owner(),
                name=values["name"],
                scopes=values["scopes"],
                routes=list(values["routes"]) if values["which"] == SOME_ROUTES else None,
                expires_at=end_of(last_day) if last_day else None,
            )
        except Refused as refusal:
            field = refusal.more.get("field")
            self.add_error(field if field in self.fields else None, refusal.message)
            return None

    def owner(self) -> User:
        """Whose key it becomes."""
        return self.by


class KeyFormForSomebody(KeyForm):
    """The same for an admin, who says whose key it is."""

    for_user = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"),
        label="Whose key",
        error_messages={"required": "Choose whose key it is."},
    )
    field_order = ("for_user",)

    def __init__(self, by: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(by, *args, **kwargs)
        self.fields["name"].widget.attrs["class"] = "vTextField"
        self.fields["which"].choices = (  # type: ignore[attr-defined]
            (ALL_ROUTES, "All routes that they may use, those added later too"),
            (SOME_ROUTES, "Only these"),
        )
        self.fields["scopes"].choices = (  # type: ignore[attr-defined]
            *SCOPE_CHOICES[:-1],
            ("read", "Read: every conversation that they may read, not only what the key started"),
        )

    def owner(self) -> User:
        """Whose key it becomes."""
        person: User = self.cleaned_data["for_user"]
        return person
