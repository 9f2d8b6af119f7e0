"""Log in, log out, account and password pages: what they say, keep and refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests.conftest import PASSWORD

LOG_IN = "/accounts/login/"
CHANGE = "/accounts/password/change/"
NEW_PASSWORD = "another long pass phrase"


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    """The counts of the rate limits are in the cache."""
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize("name", ["owner", "owner@example.org"])
def test_a_person_logs_in_by_user_name_or_email(client: Client, owner: User, name: str) -> None:
    answer = client.post(LOG_IN, {"login": name, "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_a_wrong_password_keeps_the_name_and_never_the_password(
    client: Client, owner: User
) -> None:
    answer = client.post(LOG_IN, {"login": "owner", "password": "wrong-secret-word"})
    page = answer.content.decode()
    assert "The name and the password do not go together." in page
    assert 'value="owner"' in page
    assert "wrong-secret-word" not in page


def test_what_is_missing_is_said_beside_its_field(client: Client, db: None) -> None:
    page = client.post(LOG_IN, {"login": "", "password": ""}).content.decode()
    assert "Type your user name or your email." in page
    assert "Type your password." in page
    assert 'aria-describedby="id_login-error"' in page


def test_keep_me_logged_in_decides_how_long_the_session_lasts(client: Client, owner: User) -> None:
    client.post(LOG_IN, {"login": "owner", "password": PASSWORD})
    assert client.session.get_expire_at_browser_close()
    client.logout()
    client.post(LOG_IN, {"login": "owner", "password": PASSWORD, "remember": "on"})
    assert not client.session.get_expire_at_browser_close()


def test_after_logging_in_the_person_is_where_they_wanted_to_go(
    client: Client, owner: User
) -> None:
    page = client.get("/accounts/").headers["Location"]
    assert page == "/accounts/login/?next=/accounts/"
    assert 'name="next" value="/accounts/"' in client.get(page).content.decode()
    answer = client.post(LOG_IN, {"login": "owner", "password": PASSWORD, "next": "/accounts/"})
    assert answer["Location"] == "/accounts/"


def test_another_site_is_not_a_place_to_go(client: Client, owner: User) -> None:
    data = {"login": "owner", "password": PASSWORD, "next": "https://example.org/"}
    assert client.post(LOG_IN, data)["Location"] == "/"


def test_after_five_wrong_tries_the_right_password_waits_too(client: Client, owner: User) -> None:
    for _ in range(5):
        client.post(LOG_IN, {"login": "owner", "password": "wrong"})
    page = client.post(LOG_IN, {"login": "owner", "password": PASSWORD}).content.decode()
    assert "Wait 5 minutes, then log in again" in page
    assert "_auth_user_id" not in client.session


def test_a_flood_of_log_ins_gets_a_page_that_says_when_to_try_again(
    client: Client, db: None
) -> None:
    statuses = [
        client.post(LOG_IN, {"login": f"nobody{n}", "password": ""}).status_code for n in range(31)
    ]
    answer = client.post(LOG_IN, {"login": "nobody", "password": "x"})
    assert statuses[0] == 200
    assert answer.status_code == 429
    assert answer["Retry-After"] == "60"
    assert "Try again in one minute, at " in answer.content.decode()


def test_an_account_that_is_switched_off_says_so(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    client.post(LOG_IN, {"login": "owner", "password": PASSWORD})
    assert "_auth_user_id" not in client.session
    assert "switched off" in client.get("/accounts/inactive/").content.decode()


def test_nobody_signs_up(client: Client, db: None) -> None:
    assert client.get("/accounts/signup/").status_code == 404
    assert "Sign up" not in client.get(LOG_IN).content.decode()
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")


def test_logging_out_asks_first_and_takes_a_post(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "Log out?" in client.get("/accounts/logout/").content.decode()
    assert "_auth_user_id" in client.session
    answer = client.post("/accounts/logout/")
    assert answer["Location"] == LOG_IN
    assert "_auth_user_id" not in client.session


def test_the_account_page_names_the_person_and_the_groups(
    client: Client, owner: User, lab: Group
) -> None:
    client.force_login(owner)
    page = client.get("/accounts/").content.decode()
    assert "owner@example.org" in page
    assert "<dd>lab</dd>" in page
    assert reverse("account_change_password") in page
    assert "Admin</a>" not in page


def test_only_staff_sees_the_admin_place(
    client_of: Callable[[User | None], Client], admin: User, reviewer: User
) -> None:
    place = '<a class="place" href="/admin/">Admin</a>'
    assert place in client_of(admin).get("/accounts/").content.decode()
    assert place not in client_of(reviewer).get("/accounts/").content.decode()


@pytest.mark.parametrize("path", ["/accounts/", CHANGE, "/accounts/reauthenticate/"])
def test_who_is_logged_out_is_sent_to_log_in(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith(LOG_IN)


def test_a_changed_password_keeps_this_session_and_ends_the_others(
    client_of: Callable[[User | None], Client], owner: User
) -> None:
    here, elsewhere = client_of(owner), client_of(owner)
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    answer = here.post(CHANGE, data, follow=True)
    assert answer.redirect_chain == [("/accounts/", 302)]
    assert "Your password is changed." in answer.content.decode()
    assert elsewhere.get("/accounts/").status_code == 302
    assert User.objects.get(pk=owner.pk).check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"oldpassword": "wrong"}, "This is not your current password."),
        ({"password1": "short", "password2": "short"}, "Use at least 12 characters."),
        ({"password1": "owner@example.org"}, "does not repeat your email address."),
        ({"password2": "something else entirely"}, "This differs from the one above."),
        ({"oldpassword": ""}, "Type the password you use now."),
    ],
)
def test_a_refused_password_says_what_to_do_and_is_not_written_back(
    client: Client, owner: User, data: dict[str, str], words: str
) -> None:
    client.force_login(owner)
    whole = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, **data}
    page = client.post(CHANGE, whole).content.decode()
    assert words in page
    assert NEW_PASSWORD not in page
    assert PASSWORD not in page
    assert User.objects.get(pk=owner.pk).check_password(PASSWORD)


def test_an_account_without_a_password_is_led_to_set_one(client: Client, owner: User) -> None:
    owner.set_unusable_password()
    owner.save()
    client.force_login(owner)
    assert client.get(CHANGE)["Location"] == reverse("account_set_password")
    data = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post(reverse("account_set_password"), data)
    assert User.objects.get(pk=owner.pk).check_password(NEW_PASSWORD)


def test_asking_for_the_password_once_more_takes_only_the_right_one(
    client: Client, owner: User
) -> None:
    client.force_login(owner)
    path = "/accounts/reauthenticate/"
    assert "Your password once more" in client.get(path).content.decode()
    assert "This is not your password." in client.post(path, {"password": "no"}).content.decode()
    assert client.post(path, {"password": PASSWORD}).status_code == 302


@pytest.mark.parametrize("path", [LOG_IN, "/accounts/", CHANGE, "/accounts/logout/"])
def test_no_page_carries_inline_style_or_script(client: Client, owner: User, path: str) -> None:
    if path != LOG_IN:
        client.force_login(owner)
    page = client.get(path).content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count("<script src=") + page.count(
        '<script type="module" src='
    )
