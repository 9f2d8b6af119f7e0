"""The documents as they are served: to whom, in which forms, and only once."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from chat.api.documents.asyncapi import asyncapi_document
from chat.api.documents.openapi import openapi_document
from chat.api.documents.reference import Item, reference_groups, reference_html
from chat.api.documents.views import _document_text
from chat.database import run_in_pool
from chat.lifecycle import Process
from tests.chat.keys.makers import key_of

FILES = ["openapi.json", "openapi.yaml", "asyncapi.json", "asyncapi.yaml"]
ORIGIN = "https://bench.example"


@pytest.fixture
def reader(process: Process, cookies: dict[str, str]) -> AsyncClient:
    """A person's browser."""
    client = AsyncClient()
    client.cookies.load(cookies["stranger"])
    return client


@pytest.mark.parametrize("name", FILES)
async def test_nobody_else_reads_them(process: Process, name: str) -> None:
    answer = await AsyncClient().get(f"/api/{name}")
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    wrong = await AsyncClient().get(f"/api/{name}", headers={"Authorization": "Bearer tb_wrong"})
    assert wrong.status_code == 401


@pytest.mark.parametrize("name", FILES)
async def test_a_key_of_any_scope_reads_them(process: Process, owner: User, name: str) -> None:
    key = await run_in_pool(key_of, owner, "read")
    headers = {"Authorization": f"Bearer {key.text}"}
    assert (await AsyncClient().get(f"/api/{name}", headers=headers)).status_code == 200


async def test_json_and_yaml_say_the_same(reader: AsyncClient) -> None:
    for name in ("openapi", "asyncapi"):
        told = await reader.get(f"/api/{name}.json")
        assert told["Content-Type"] == "application/json"
        same = await reader.get(f"/api/{name}.yaml")
        assert same["Content-Type"] == "application/yaml"
        assert yaml.safe_load(same.content) == told.json()
    assert (await reader.get("/api/openapi.json")).json() == openapi_document()


async def test_who_has_a_document_is_not_sent_it_again(reader: AsyncClient) -> None:
    for name in FILES:
        first = await reader.get(f"/api/{name}")
        assert first["Cache-Control"] == "private, no-cache"
        again = await reader.get(f"/api/{name}", headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = await reader.get(f"/api/{name}", headers={"If-None-Match": '"other"'})
        assert other.content == first.content


async def test_the_socket_is_where_the_document_came_from(reader: AsyncClient) -> None:
    server = (await reader.get("/api/asyncapi.json")).json()["servers"]["here"]
    assert (server["host"], server["protocol"]) == ("testserver", "ws")
    secure, _ = _document_text("asyncapi", "json", "bench.example", True)
    assert json.loads(secure)["servers"]["here"]["protocol"] == "wss"


def items() -> list[Item]:
    return [item for group in reference_groups(ORIGIN) for item in group.items]


def test_the_page_has_every_endpoint_command_event_frame_and_object() -> None:
    found = items()
    shown = {(item.method.lower(), item.title) for item in found}
    paths = openapi_document()["paths"]
    assert {(method, path) for path, methods in paths.items() for method in methods} <= shown
    messages = asyncapi_document()["components"]["messages"]
    names = {item.title for item in found} | {item.anchor for item in found}
    assert {key for key, message in messages.items() if not {key, message["name"]} & names} == set()
    assert all(item.words for item in found)


def test_every_link_on_the_page_leads_somewhere_and_only_there() -> None:
    contents, page = reference_html(ORIGIN)
    led_to = attributes(contents + page, 'href="#')
    there = attributes(page, 'id="')
    assert set(led_to) <= set(there)
    assert len(there) == len(set(there))
    assert {item.anchor for item in items()} <= set(led_to)


def attributes(html: str, start: str) -> list[str]:
    return [part.partition('"')[0] for part in html.split(start)[1:]]


def test_the_page_keeps_the_policy_and_names_its_own_address() -> None:
    contents, page = reference_html(ORIGIN)
    for forbidden in ("style=", "<script", "onclick"):
        assert forbidden not in contents + page
    assert "curl -N https://bench.example/stream/v1/chat" in page
    assert "wscat -c wss://bench.example/ws/" in page


@pytest.mark.django_db
def test_the_page_is_for_those_who_are_logged_in(client: Client, stranger: User) -> None:
    assert client.get("/api/")["Location"] == "/accounts/login/?next=/api/"
    client.force_login(stranger)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/api/")
    assert answer.status_code == 200
    assert b"stage.start" in answer.content
    assert not [query for query in queries if "chat_" in query["sql"]]


@pytest.mark.django_db
def test_no_route_is_named(client: Client, owner: User, lab_route: Any) -> None:
    client.force_login(owner)
    assert lab_route.slug.encode() not in client.get("/api/").content
