"""The error pages: each in our look, each saying what to do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.views import defaults

from toolbench_site.account_pages import too_many_requests


@pytest.fixture
def request_of_nobody(rf: RequestFactory) -> HttpRequest:
    return rf.get("/somewhere/")


def test_an_unknown_address_gets_our_page(client: Client, owner: User) -> None:
    client.force_login(owner)
    answer = client.get("/nothing/here/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_each_error_page_says_what_happened(request_of_nobody: HttpRequest) -> None:
    error = ValueError("secret details")
    answers = {
        400: defaults.bad_request(request_of_nobody, error),
        403: defaults.permission_denied(request_of_nobody, error),
        404: defaults.page_not_found(request_of_nobody, error),
        429: too_many_requests(request_of_nobody),
        500: defaults.server_error(request_of_nobody),
    }
    for status, answer in answers.items():
        page = answer.content.decode()
        assert answer.status_code == status
        assert '<main class="notice-column">' in page
        assert "secret details" not in page


def test_a_form_without_its_mark_is_explained(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "x"})
    assert answer.status_code == 403
    assert "Open this page again" in answer.content.decode()
