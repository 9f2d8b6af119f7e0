"""Addresses below /accounts/: those of allauth's pages that we draw, and of our own."""

from __future__ import annotations

from allauth.account import views
from django.urls import path

from toolbench_site.account_forms import ConfirmForm, FirstPasswordForm, LogInForm, PasswordForm
from toolbench_site.account_pages import AccountPage
from toolbench_site.key_pages import keys, new_key, revoke

urlpatterns = [
    path("", AccountPage.as_view(), name="account"),
    path("login/", views.LoginView.as_view(form_class=LogInForm), name="account_login"),
    path("logout/", views.LogoutView.as_view(), name="account_logout"),
    path("inactive/", views.AccountInactiveView.as_view(), name="account_inactive"),
    path(
        "reauthenticate/",
        views.ReauthenticateView.as_view(form_class=ConfirmForm),
        name="account_reauthenticate",
    ),
    path(
        "password/change/",
        views.PasswordChangeView.as_view(form_class=PasswordForm),
        name="account_change_password",
    ),
    path(
        "password/set/",
        views.PasswordSetView.as_view(form_class=FirstPasswordForm),
        name="account_set_password",
    ),
    path("keys/", keys, name="account_keys"),
    path("keys/new/", new_key, name="account_new_key"),
    path("keys/<int:key_id>/revoke/", revoke, name="account_revoke_key"),
]
