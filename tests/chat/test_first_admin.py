"""The one-time link and the superuser of the environment."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from chat.first_admin import (
    LinkExpired,
    SetupIsOver,
    ensure_superuser_from_environment,
    make_first_admin,
    make_setup_link,
    open_link,
)
from chat.models import SetupToken

PASSWORD = "a long pass phrase for tests"


def token_of(link: str | None) -> str:
    assert link is not None
    return link.removeprefix("http://127.0.0.1:8000/setup/").removesuffix("/")


@pytest.fixture
def token(db: None) -> str:
    return token_of(make_setup_link("http://127.0.0.1:8000"))


def test_only_the_hash_of_the_token_is_stored(token: str) -> None:
    row = SetupToken.objects.get()
    assert len(token) >= 43
    assert token not in str(SetupToken.objects.values().get())
    assert timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(hours=1)


def test_a_new_start_replaces_the_link(token: str, settings: Any) -> None:
    settings.TOOLBENCH_SEVERAL = False
    newer = token_of(make_setup_link("http://127.0.0.1:8000/"))
    with pytest.raises(SetupIsOver):
        make_first_admin(token, "first", "", PASSWORD)
    assert make_first_admin(newer, "first", "", PASSWORD).is_superuser


def test_the_links_of_several_processes_are_all_good_until_one_is_used(
    token: str, settings: Any
) -> None:
    settings.TOOLBENCH_SEVERAL = True
    newer = token_of(make_setup_link("http://127.0.0.1:8000/"))
    open_link(newer)
    assert make_first_admin(token, "first", "", PASSWORD).is_superuser
    with pytest.raises(SetupIsOver):
        make_first_admin(newer, "second", "", PASSWORD)
    assert not SetupToken.objects.exists()


def test_a_new_start_forgets_the_links_whose_hour_has_passed(token: str, settings: Any) -> None:
    settings.TOOLBENCH_SEVERAL = True
    SetupToken.objects.update(expires_at=timezone.now())
    make_setup_link("http://127.0.0.1:8000/")
    assert SetupToken.objects.count() == 1


def test_there_is_no_link_once_a_user_exists(token: str, stranger: User) -> None:
    with pytest.raises(SetupIsOver):
        make_first_admin(token, "first", "", PASSWORD)
    assert make_setup_link("http://127.0.0.1:8000") is None
    assert not SetupToken.objects.exists()


def test_a_link_makes_one_admin(token: str) -> None:
    user = make_first_admin(token, "first", "first@example.org", PASSWORD)
    assert (user.is_superuser, user.is_staff, user.check_password(PASSWORD)) == (True, True, True)
    with pytest.raises(SetupIsOver):
        make_first_admin(token, "second", "", PASSWORD)


def test_a_link_ends_after_its_hour(token: str) -> None:
    SetupToken.objects.update(expires_at=timezone.now())
    with pytest.raises(LinkExpired):
        open_link(token)
    with pytest.raises(LinkExpired):
        make_first_admin(token, "first", "", PASSWORD)
    assert not User.objects.exists()


def test_a_wrong_token_says_nothing_about_the_right_one(token: str) -> None:
    SetupToken.objects.update(expires_at=timezone.now())
    with pytest.raises(SetupIsOver):
        open_link("x" * 43)


@pytest.mark.django_db(transaction=True)
def test_posts_at_once_make_one_admin() -> None:
    token = token_of(make_setup_link("http://127.0.0.1:8000"))
    together = threading.Barrier(4)
    outcomes: list[str] = []

    def post(number: int) -> None:
        try:
            together.wait(timeout=10)
            make_first_admin(token, f"admin{number}", "", PASSWORD)
            outcomes.append("made")
        except SetupIsOver:
            outcomes.append("over")
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["made", "over", "over", "over"]
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_the_environment_makes_the_first_superuser_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "root")
    assert ensure_superuser_from_environment() is None
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "root@example.org")
    user = ensure_superuser_from_environment()
    assert user is not None
    assert (user.username, user.email, user.is_superuser) == ("root", "root@example.org", True)
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "second")
    assert ensure_superuser_from_environment() is None
    assert User.objects.count() == 1
