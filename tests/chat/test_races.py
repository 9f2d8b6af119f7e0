"""What two requests, or two processes that start, do at the same moment.

SQLite has one writer at a time; PostgreSQL runs them truly side by side.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Model

from chat import checks, discovery
from chat.database import close_pool_connections
from chat.demo.catalogue import demo_routes
from chat.demo_routes import ensure_demo_routes
from chat.discovery import FoundServer, add_routes
from chat.first_admin import (
    SetupIsOver,
    ensure_superuser_from_environment,
    make_first_admin,
    make_setup_link,
)
from chat.models import Conversation, ModelRoute, Stage
from chat.protocol import StageStart
from chat.services import Refused, delete_conversation, rename_conversation
from chat.services.creating import create_stage
from chat.services.routes import save_route
from chat.services.stages import request_cancel
from chat.turns import take_turn
from tests.serving import PASSWORD
from tools.models import ToolSetting

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 6
ROUNDS = 5
SECONDS = 60

R = TypeVar("R")


@pytest.fixture(autouse=True)
def _pool() -> Iterator[None]:
    yield
    close_pool_connections()


def race(*jobs: Callable[[], R]) -> list[R | Refused | SetupIsOver]:
    """Run jobs side by side, begun together; results and refusals in their order."""
    together = threading.Barrier(len(jobs))
    outcomes: dict[int, Any] = {}

    def run(at: int, job: Callable[[], R]) -> None:
        try:
            connection.ensure_connection()
            together.wait(timeout=SECONDS)
            outcomes[at] = job()
        except Exception as error:
            outcomes[at] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    for outcome in outcomes.values():
        if isinstance(outcome, Exception) and not isinstance(outcome, Refused | SetupIsOver):
            raise outcome
    assert len(outcomes) == len(jobs)
    return [outcomes[at] for at in range(len(jobs))]


def codes(outcomes: list[Any]) -> Counter[str]:
    """How often each outcome came: `ok`, or a refusal's code."""
    return Counter(one.code if isinstance(one, Refused) else "ok" for one in outcomes)


def start(user: User, conversation: UUID | None = None, request: UUID | None = None) -> Any:
    command = StageStart(
        type="stage.start",
        request_id=request or uuid.uuid4(),
        mode="chat",
        prompt="Hello",
        conversation_id=conversation,
    )
    return lambda: create_stage(user.pk, command, Conversation.Source.PAGE, "process")


def conversation_of(user: User) -> UUID:
    return UUID(str(Conversation.objects.create(owner=user).pk))


def test_starts_at_once_in_one_conversation_are_one_stage(owner: User, route: ModelRoute) -> None:
    for _ in range(ROUNDS):
        conversation = conversation_of(owner)
        outcomes = race(*(start(owner, conversation) for _ in range(AT_ONCE)))
        assert codes(outcomes) == {"ok": 1, "conversation_busy": AT_ONCE - 1}
        assert Stage.objects.filter(conversation=conversation).count() == 1
        Stage.objects.all().delete()


@pytest.mark.parametrize("known", [True, False])
def test_the_same_request_at_once_is_one_stage(owner: User, route: ModelRoute, known: bool) -> None:
    for _ in range(ROUNDS):
        conversation, request = conversation_of(owner) if known else None, uuid.uuid4()
        before = Conversation.objects.count()
        outcomes: list[Any] = race(*(start(owner, conversation, request) for _ in range(AT_ONCE)))
        assert codes(outcomes) == {"ok": AT_ONCE}
        assert len({accepted.stage_id for accepted in outcomes}) == 1
        assert sum(accepted.launch is not None for accepted in outcomes) == 1
        assert Conversation.objects.count() == before + (0 if known else 1)
        Stage.objects.all().delete()


def test_a_person_never_has_more_stages_than_the_limit(
    owner: User, route: ModelRoute, settings: Any
) -> None:
    settings.TOOLBENCH_USER_STAGES = 2
    for _ in range(ROUNDS):
        outcomes = race(*(start(owner) for _ in range(AT_ONCE)))
        assert codes(outcomes) == {"ok": 2, "too_many_stages": AT_ONCE - 2}
        Stage.objects.all().delete()


def test_a_conversation_is_either_deleted_or_answered(owner: User, route: ModelRoute) -> None:
    for _ in range(ROUNDS * 8):
        conversation = conversation_of(owner)
        started, deleted = race(
            start(owner, conversation), lambda pk=conversation: delete_conversation(owner, pk)
        )
        if isinstance(started, Refused):
            assert (started.code, deleted) == ("not_found", None)
            assert not Conversation.objects.filter(pk=conversation).exists()
        else:
            assert codes([deleted]) == {"conversation_busy": 1}
            assert Stage.objects.filter(conversation=conversation).count() == 1
        Stage.objects.all().delete()


def test_a_conversation_that_is_deleted_meanwhile_is_not_renamed(owner: User) -> None:
    for _ in range(ROUNDS * 2):
        conversation = conversation_of(owner)
        renamed, deleted = race(
            lambda pk=conversation: rename_conversation(owner, pk, "Other"),
            lambda pk=conversation: delete_conversation(owner, pk),
        )
        assert deleted is None
        assert not isinstance(renamed, Refused) or renamed.code == "not_found"
        assert not Conversation.objects.filter(pk=conversation).exists()


def test_stops_at_once_are_noted_once(owner: User, admin: User, route: ModelRoute) -> None:
    accepted = start(owner)()
    race(
        lambda: request_cancel(owner.pk, accepted.stage_id),
        lambda: request_cancel(admin.pk, accepted.stage_id),
    )
    stage = Stage.objects.get()
    assert stage.cancel_requested_by in (owner, admin)
    assert stage.cancel_requested_at is not None


def test_new_defaults_at_once_leave_one(db: None) -> None:
    for _ in range(ROUNDS):
        routes = [
            ModelRoute(slug=f"r{n}", display_name=f"R{n}", is_default=True) for n in range(AT_ONCE)
        ]
        race(*(lambda one=one: save_route(one) for one in routes))
        assert ModelRoute.objects.filter(is_default=True).count() == 1
        assert ModelRoute.objects.count() == AT_ONCE
        ModelRoute.objects.all().delete()


def test_the_first_routes_at_once_leave_one_default(db: None) -> None:
    for _ in range(ROUNDS):
        routes = [ModelRoute(slug=f"r{n}", display_name=f"R{n}") for n in range(AT_ONCE)]
        race(*(lambda one=one: save_route(one) for one in routes))
        assert ModelRoute.objects.filter(is_default=True).count() == 1
        ModelRoute.objects.all().delete()


def test_edits_of_the_default_and_another_at_once_leave_one_default(db: None) -> None:
    for _ in range(ROUNDS):
        old = ModelRoute(slug="old", display_name="Old", is_default=True)
        new = ModelRoute(slug="new", display_name="New")
        save_route(old)
        save_route(new)
        old.is_default, new.is_default = False, True
        race(lambda one=old: save_route(one), lambda one=new: save_route(one))
        assert ModelRoute.objects.filter(is_default=True).count() == 1
        ModelRoute.objects.all().delete()


def test_what_was_found_is_added_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = FoundServer("Ollama", "http://127.0.0.1:9/v1", ("a", "b"), discovery.READY)
    monkeypatch.setattr(discovery._memory, "local", (server,))
    race(*(lambda: add_routes([server.value]) for _ in range(AT_ONCE)))
    assert sorted(ModelRoute.objects.values_list("slug", flat=True)) == ["a", "b"]


def test_processes_that_start_at_once_make_the_demo_routes_once(settings: Any) -> None:
    settings.TOOLBENCH_DEMO = True
    race(*(lambda n=n: ensure_demo_routes(f"http://127.0.0.1:{n}") for n in range(1, AT_ONCE)))
    slugs = sorted(wanted["slug"] for wanted in demo_routes())
    assert sorted(ModelRoute.objects.values_list("slug", flat=True)) == slugs
    assert ModelRoute.objects.filter(is_default=True).count() == 1


def test_processes_that_start_at_once_make_one_superuser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "root")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    made = race(*(ensure_superuser_from_environment for _ in range(AT_ONCE)))
    assert sum(user is not None for user in made) == 1
    assert User.objects.count() == 1


def test_the_links_of_processes_that_start_at_once_make_one_admin(settings: Any) -> None:
    settings.TOOLBENCH_SEVERAL = True
    links: list[Any] = race(*(lambda: make_setup_link("http://x") for _ in range(AT_ONCE)))
    tokens = [link.rstrip("/").rpartition("/")[2] for link in links]
    outcomes = race(
        *(
            lambda n=n, token=token: make_first_admin(token, f"admin{n}", "", PASSWORD)
            for n, token in enumerate(tokens)
        )
    )
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert User.objects.count() == 1


def test_a_due_check_is_claimed_once(db: None) -> None:
    for n in range(8):
        ModelRoute.objects.create(slug=f"r{n}", display_name=f"R{n}")
    claims: list[Any] = race(*(checks._claim_due for _ in range(AT_ONCE)))
    claimed = Counter(route.pk for one in claims for route in one)
    assert sorted(claimed.values()) == [1] * 8
    checks.request_check(list(claimed)[:3])
    claims = race(*(checks._claim_due for _ in range(AT_ONCE)))
    assert sorted(route.pk for one in claims for route in one) == sorted(list(claimed)[:3])


def test_missing_tool_settings_are_made_once(db: None) -> None:
    ToolSetting.objects.all().delete()
    race(*(ToolSetting.objects.sync_with_registry for _ in range(AT_ONCE)))
    names = list(ToolSetting.objects.values_list("name", flat=True))
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize("model", [User, ModelRoute])
def test_a_turn_is_waited_for(model: type[Model]) -> None:
    log: list[str] = []

    def turn() -> None:
        with transaction.atomic():
            take_turn(model)
            log.append("begin")
            list(ModelRoute.objects.all())
            log.append("end")

    race(*(turn for _ in range(AT_ONCE)))
    assert log == ["begin", "end"] * AT_ONCE


async def test_a_check_asked_for_again_meanwhile_keeps_the_later_outcome(
    transactional_db: None, route: ModelRoute
) -> None:
    [first] = await asyncio.to_thread(_closing, checks._claim_due)
    await asyncio.to_thread(_closing, lambda: checks.request_check([route.pk]))
    await asyncio.to_thread(_closing, lambda: checks._store(first, checks.Outcome("online", "Old")))
    now = await ModelRoute.objects.aget(pk=route.pk)
    assert (now.check_status, now.check_text, now.checked_at) == ("checking", "", None)


def _closing(job: Callable[[], R]) -> R:
    try:
        return job()
    finally:
        connection.close()
