"""allauth's forms with our words where something is missing."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    SetPasswordForm,
)
from django import forms

WHEN_MISSING = {
    "login": "Type your user name or your email.",
    "password": "Type your password.",
    "oldpassword": "Type the password you use now.",
    "password1": "Type the new password.",
    "password2": "Type the new password a second time.",
}
"""What to do about an empty field, in place of "This field is required"."""


def _say_when_missing(form: forms.Form) -> None:
    for name in form.fields.keys() & WHEN_MISSING.keys():
        form.fields[name].error_messages["required"] = WHEN_MISSING[name]


class LogInForm(LoginForm):
    """User name or email, password, and whether to stay logged in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "User name or email"
        self.fields["remember"].initial = True
        _say_when_missing(self)


class PasswordForm(ChangePasswordForm):
    """The current password and the new one, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_when_missing(self)

    def clean(self) -> dict[str, Any]:
        """Both new ones must be the same."""
        return _same_twice(self, super().clean())


class FirstPasswordForm(SetPasswordForm):
    """A new password, twice, for an account that has none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_when_missing(self)

    def clean(self) -> dict[str, Any]:
        """Both new ones must be the same."""
        return _same_twice(self, super().clean())


class ConfirmForm(ReauthenticateForm):
    """The password once more, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_when_missing(self)


def _same_twice(form: forms.Form, cleaned: dict[str, Any]) -> dict[str, Any]:
    """Say in our words that the second password differs (allauth says it in its own)."""
    first, second = cleaned.get("password1"), form.data.get("password2")
    if first and second and first != second:
        form.errors.pop("password2", None)
        form.add_error("password2", "This differs from the one above. Type the same twice.")
    return cleaned
