"""How people get in: sign-up is closed, admins add users; allauth speaks our words."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

WRONG_PASSWORD = "The name and the password do not go together. Check both; capital letters count."  # noqa: S105


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves."""

    error_messages: dict[str, Any] = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": "This account is switched off. Ask your admin.",
        "email_password_mismatch": WRONG_PASSWORD,
        "username_password_mismatch": WRONG_PASSWORD,
        "invalid_login": WRONG_PASSWORD,
        "enter_current_password": "This is not your current password. Type it again.",
        "incorrect_password": "This is not your password. Type it again.",
        "too_many_login_attempts": (
            "Too many wrong tries. Wait 5 minutes, then log in again; what you type until then "
            "is not checked."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """To the account page, which says that it is done."""
        return reverse("account")
