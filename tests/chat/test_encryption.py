"""A key is never shown again: not in logs, events, rows, pages, exports, reprs or error texts."""

from __future__ import annotations

import io
import logging
import pickle
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from chat.database import run_in_pool
from chat.encryption import Secret, UndecryptableSecret, decrypt, encrypt, rotate
from chat.lifecycle import Process
from chat.models import ModelRoute, Stage
from chat.services.routes import save_route
from tests.chat.socket_talk import Talk
from tests.replay import ReplayServer, Request, Script, chat_stream, error, sse

CANARY = "sk-canary-7f3a91d2c4"


@pytest.fixture
def keyed(routed: ModelRoute) -> ModelRoute:
    """The default route with a key, saved as the admin saves it."""
    save_route(routed, CANARY)
    return ModelRoute.objects.get(pk=routed.pk)


@pytest.fixture
def every_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that our own code logs, and what others log above DEBUG."""
    caplog.set_level(logging.INFO)
    for name in ("chat", "tools", "toolbench_site"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def stored_bytes() -> bytes:
    """Every row of every table."""
    rows: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += map(str, cursor.fetchall())
    stored = "\n".join(rows).encode()
    assert b"http://" in stored, "the routes are looked at"
    return stored


def echo(request: Request) -> Script:
    """A careless server: it refuses, and repeats the key in its error."""
    key = request.headers["authorization"]
    text = f"Incorrect API key provided: {key}. {CANARY} is not known."
    return error(401, {"error": {"message": text, "type": "invalid_request_error", "code": None}})


def cut_short(request: Request) -> Script:
    """A server that fails in the middle and repeats the key there."""
    failing = {"error": {"message": f"key {CANARY} was revoked", "type": "server_error"}}
    return sse({"choices": [{"index": 0, "delta": {"content": "a"}}]}, failing)


@pytest.mark.parametrize("answer", [chat_stream(["fine"]), echo, cut_short])
async def test_no_stage_lets_the_key_out(
    process: Process,
    keyed: ModelRoute,
    replay: ReplayServer,
    cookies: dict[str, str],
    every_log: pytest.LogCaptureFixture,
    answer: object,
) -> None:
    replay.answer_with(answer)  # type: ignore[arg-type]
    async with Talk(cookies["owner"]) as talk:
        stage_id = (await talk.start())["stage_id"]
        await talk.until_end(stage_id)
        assert CANARY not in str(talk.frames)
    assert replay.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in every_log.text
    stage = await run_in_pool(lambda: Stage.objects.get(pk=stage_id))
    assert stage.requests
    assert CANARY.encode() not in await run_in_pool(stored_bytes)


@pytest.mark.django_db
def test_no_page_shows_the_key(keyed_row: ModelRoute, admin: User) -> None:
    client = Client()
    client.force_login(admin)
    base = "/admin/chat/modelroute/"
    pages = (base, f"{base}add/", f"{base}{keyed_row.pk}/change/", f"{base}{keyed_row.pk}/history/")
    for path in (*pages, f"{base}checks/", "/healthz", "/"):
        response = client.get(path)
        assert response.status_code == 200
        assert CANARY not in response.content.decode()
        assert keyed_row.api_key.token not in response.content.decode()


@pytest.fixture
def keyed_row(route: ModelRoute) -> ModelRoute:
    """A route with a key, without a server behind it."""
    save_route(route, CANARY)
    return ModelRoute.objects.get(pk=route.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["json", "xml", "jsonl"])
def test_no_export_holds_the_key_not_even_encrypted(keyed_row: ModelRoute, format: str) -> None:
    out = io.StringIO()
    call_command("dumpdata", "chat", format=format, stdout=out)
    assert keyed_row.slug in out.getvalue()
    assert CANARY not in out.getvalue()
    assert keyed_row.api_key.token not in out.getvalue()


@pytest.mark.django_db
def test_no_repr_shows_the_key(keyed_row: ModelRoute) -> None:
    shown = [
        f"{keyed_row!r} {keyed_row} {keyed_row.__dict__}",
        f"{keyed_row.api_key!r} {keyed_row.api_key}",
        repr(keyed_row.as_settings()),
        str(list(ModelRoute.objects.values())),
        str(list(ModelRoute.objects.values_list("api_key", flat=True))),
    ]
    assert keyed_row.as_settings().api_key == CANARY
    for text in shown:
        assert CANARY not in text


@pytest.mark.django_db
def test_the_column_holds_the_key_encrypted(keyed_row: ModelRoute) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM chat_modelroute WHERE id = %s", [keyed_row.pk])
        (stored,) = cursor.fetchone()
    assert CANARY not in stored
    assert decrypt(stored) == CANARY


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret.of(CANARY)
    assert secret.reveal() == CANARY
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r:>40}"):
        assert CANARY not in text
        assert secret.token not in text
    assert CANARY.encode() not in pickle.dumps(secret.token)
    assert secret == Secret(secret.token)
    assert secret != Secret.of(CANARY)


def test_keys_rotate(settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.TOOLBENCH_ENCRYPTION_KEYS = [old]
    token = encrypt(CANARY)
    settings.TOOLBENCH_ENCRYPTION_KEYS = [new, old]
    assert decrypt(token) == CANARY
    rotated = rotate(token)
    settings.TOOLBENCH_ENCRYPTION_KEYS = [new]
    assert decrypt(rotated) == CANARY
    with pytest.raises(UndecryptableSecret, match="TOOLBENCH_ENCRYPTION_KEYS"):
        decrypt(token)


@pytest.mark.parametrize("token", ["", "nonsense", "gAAAAA", "é"])
def test_what_no_key_opens_is_told_in_words(token: str) -> None:
    with pytest.raises(UndecryptableSecret):
        decrypt(token)
    with pytest.raises(UndecryptableSecret):
        rotate(token)
