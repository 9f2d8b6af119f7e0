"""Fixtures for every test: the five people, told once with their rights, and model routes."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

from chat.database import close_pool_connections
from chat.models import ModelRoute
from tests import backing
from tests.serving import PASSWORD

pytest_plugins = ["tests.skips", "tests.second_pass"]


def pytest_configure(config: pytest.Config) -> None:
    """Prepare what every test takes for granted."""
    # A job in a shell's background ignores SIGINT, and so would every server started from here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # WhiteNoise warns where there is no static root, and warnings are errors here.
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run's data directory is its own (tests.settings), and goes with it."""
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test database; PostgreSQL drops none to which somebody is still connected."""
    name = connection.settings_dict["NAME"]
    yield
    close_pool_connections()
    if backing.is_cluster():
        # The threads that ran async tests' queries are gone without a word.
        backing.end_sessions(name)


@pytest.fixture(params=["daphne", "uvicorn"])
def server_kind(request: pytest.FixtureRequest) -> str:
    """Each of the servers that TOOLBENCH_SERVER names."""
    return str(request.param)


@pytest.fixture
def lab(db: None) -> Group:
    """The group that `owner` and `colleague` are in."""
    return Group.objects.get_or_create(name="lab")[0]


@pytest.fixture
def owner(lab: Group) -> User:
    """Has conversations; in the group `lab`."""
    user = User.objects.create_user("owner", "owner@example.org", PASSWORD)
    user.groups.add(lab)
    return user


@pytest.fixture
def colleague(lab: Group) -> User:
    """Shares the group `lab` and so the same routes; reads nothing of others until it is shared."""
    user = User.objects.create_user("colleague", "colleague@example.org", PASSWORD)
    user.groups.add(lab)
    return user


@pytest.fixture
def stranger(db: None) -> User:
    """Shares no group with anyone."""
    return User.objects.create_user("stranger", "stranger@example.org", PASSWORD)


@pytest.fixture
def reviewer(db: None) -> User:
    """Has the permission chat.review: reads every conversation, changes nothing; no staff."""
    user = User.objects.create_user("reviewer", "reviewer@example.org", PASSWORD)
    user.user_permissions.add(
        Permission.objects.get(content_type__app_label="chat", codename="review")
    )
    return user


@pytest.fixture
def admin(db: None) -> User:
    """A superuser: configures, reads all, may cancel any stage."""
    return User.objects.create_superuser("admin", "admin@example.org", PASSWORD)


@pytest.fixture
def client_of() -> Callable[[User | None], Client]:
    """A browser session of a person; of nobody for None."""

    def log_in(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return log_in


@pytest.fixture
def route(db: None) -> ModelRoute:
    """The default route, open to everybody; nothing listens at its address (port 9, discard)."""
    return ModelRoute.objects.create(
        slug="small",
        display_name="Small",
        upstream_model="small-1",
        base_url="http://127.0.0.1:9/v1",
        is_default=True,
    )


@pytest.fixture
def lab_route(lab: Group) -> ModelRoute:
    """A route for the group `lab` only."""
    route = ModelRoute.objects.create(
        slug="lab-only",
        display_name="Lab only",
        upstream_model="lab-1",
        base_url="http://127.0.0.1:9/v1",
    )
    route.groups.add(lab)
    return route
