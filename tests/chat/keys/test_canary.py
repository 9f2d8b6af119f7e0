"""A canary: a key used right and wrong everywhere, and then looked for where it may not be."""

from __future__ import annotations

import json
import re
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.rig import ADMIN, OWNER, Rig
from chat.key_text import SECRET_LENGTH, SHAPE, hide_keys, make_key_text
from tests.serving import PASSWORD
from tests.sockets import log_in

pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only(reason="reads SQLite's own files")]


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A server that logs all it has to say."""
    told = {"TOOLBENCH_LOG_LEVEL": "DEBUG", "TOOLBENCH_KEY_FAILURES_PER_MINUTE": "1000"}
    with Rig(environment=told) as rig:
        yield rig


class Person:
    """A browser without scripts."""

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.cookie = log_in(url, name, PASSWORD)

    def get(self, path: str) -> str:
        return self._send(path, None)

    def post(self, path: str, fields: dict[str, Any]) -> str:
        token = next(p.split("=", 1)[1] for p in self.cookie.split("; ") if "csrftoken=" in p)
        data = {"csrfmiddlewaretoken": token, **fields}
        return self._send(path, urllib.parse.urlencode(data, doseq=True).encode())

    def _send(self, path: str, data: bytes | None) -> str:
        headers = {"Cookie": self.cookie, "Referer": f"{self.url}/"}
        request = urllib.request.Request(f"{self.url}{path}", data, headers)
        return answer_of(request)[1]


def answer_of(request: urllib.request.Request) -> tuple[int, str]:
    """Status and body, of refusals too."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_log_lines_keep_no_more_of_a_key_than_its_prefix() -> None:
    made = make_key_text()
    line = hide_keys(f"Not Found: /v1/models?key={made.text}&x=1")
    assert line == f"Not Found: /v1/models?key=tb_{made.prefix}_…&x=1"
    assert hide_keys("tb_short is no key") == "tb_short is no key"


async def test_the_secret_of_a_key_is_nowhere_but_where_it_was_shown(rig: Rig) -> None:
    by_command = rig.server.manage("create_api_key", OWNER, "--name", "canary").strip()
    owner, admin = Person(rig.url, OWNER), Person(rig.url, ADMIN)

    # Made on the page and in the admin, each shown once.
    once = re.search(r'name="once" value="([^"]+)"', owner.get("/accounts/keys/new/"))
    assert once
    fields = {"name": "canary", "scopes": ["chat", "read"], "which": "all", "once": once.group(1)}
    on_page = SHAPE.search(owner.post("/accounts/keys/new/", fields))
    assert on_page
    with closing(sqlite3.connect(rig.server.data_dir / "toolbench.sqlite3")) as database:
        ((owner_id,),) = database.execute("SELECT id FROM auth_user WHERE username = 'owner'")
    in_admin = SHAPE.search(
        admin.post(
            "/admin/chat/apikey/add/",
            {"for_user": owner_id, "name": "canary", "scopes": ["tools"], "which": "all"},
        )
    )
    assert in_admin
    texts = [by_command, on_page.group(), in_admin.group()]

    replies = []
    for text in texts:
        replies += [answer for answer in use(rig.url, text) if answer]
        await talk(rig.url, text)
    for person in (owner, admin):
        page = person.get("/accounts/keys/")
        for key_id in re.findall(r"/accounts/keys/(\d+)/revoke/", page):
            person.post(f"/accounts/keys/{key_id}/revoke/", {})
    for text in texts:
        replies += [answer for answer in use(rig.url, text) if answer]
        await talk(rig.url, text)

    pages = [owner.get(path) for path in ("/", "/accounts/keys/", "/accounts/", "/conversations/")]
    pages += [
        admin.get(path)
        for path in (
            "/admin/",
            "/admin/chat/apikey/",
            "/admin/chat/apikey/1/change/",
            "/admin/chat/apikey/1/history/",
            "/admin/chat/stage/",
            "/admin/chat/stageevent/",
            "/admin/chat/conversation/",
        )
    ]
    exported = rig.server.manage("dumpdata")
    rig.server.stop()
    data_dir = rig.server.data_dir
    places = {
        "the log": rig.server.log.read_text(errors="replace"),
        "an answer": "\n".join(replies),
        "a page": "\n".join(pages),
        "an export": exported,
        "the database": "".join(
            path.read_bytes().decode("latin1") for path in data_dir.glob("toolbench.sqlite3*")
        ),
        "a request to the model's server": repr(rig.replay.requests),
    }
    prefixes = [text.split("_")[1] for text in texts]
    assert all(prefix in places["the database"] for prefix in prefixes)
    assert "canary" in places["a page"]
    assert places["a request to the model's server"] != "[]"
    # The tests look for the secret, in whole and in part, and for what it was in other guises.
    for text in texts:
        secret = text.split("_")[2]
        for part in (secret, secret[:SECRET_LENGTH], secret[:12], secret[-12:]):
            for place, found in places.items():
                assert part not in found, f"a secret is in {place}"


def use(url: str, text: str) -> list[str]:
    """Requests with the key as it should come, and as it should not."""
    chat = {"model": "replay", "messages": [{"role": "user", "content": "text 2"}]}
    stage = {"model_container": "replay", "system_prompt": "", "user_prompt": "text 2"}
    bearer = {"Authorization": f"Bearer {text}"}
    swapped = {"Authorization": f"Bearer {text[:-2]}{text[-1]}{text[-2]}"}
    requests: list[tuple[str, dict[str, str], Any]] = [
        ("/v1/models", bearer, None),
        ("/v1/chat/completions", bearer, chat),
        ("/v1/chat/completions", bearer, chat | {"model": "no-such-route"}),
        ("/v1/chat/completions", bearer, {"model": 5}),
        ("/stream/v1/chat", bearer, stage),
        ("/completion/v1/chat", bearer, stage),
        ("/completion/v1/toolchain", bearer, stage | {"synthesis": True}),
        ("/completion/v1/chat", bearer, stage | {"unknown": 1}),
        ("/stream/v1/stages/00000000-0000-0000-0000-000000000000", bearer, None),
        ("/v1/models", swapped, None),
        ("/v1/models", {"Authorization": f"Basic {text}"}, None),
        ("/v1/models", {"Authorization": text}, None),
        ("/v1/models", {"X-Api-Key": text}, None),
        ("/v1/models", {"Cookie": f"sessionid={text}"}, None),
        (f"/v1/models?api_key={text}", {}, None),
        (f"/v1/{text}", {}, None),
        (f"/c/{text}/", {}, None),
        ("/admin/", bearer, None),
        ("/accounts/login/", bearer, None),
        ("/healthz", bearer, None),
    ]
    answers = []
    for path, headers, body in requests:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{url}{path}", data, {"Content-Type": "application/json", **headers}
        )
        status, answer = answer_of(request)
        assert status < 500, (path, status)
        # Django's log-in form and pages that were not found say where the person wanted to go.
        if text not in path:
            answers.append(answer)
    return answers


async def talk(url: str, text: str) -> None:
    """A websocket with the key, used right and wrong; one whose address and cookie hold it."""
    address = url.replace("http", "ws", 1) + "/ws/"
    with suppress(ConnectionClosed):
        async with connect(address, additional_headers={"Authorization": f"Bearer {text}"}) as one:
            for command in ({"type": "ping"}, {"type": "nothing"}, {"type": "stage.subscribe"}):
                await one.send(json.dumps(command))
                assert text not in str(await one.recv())
    in_cookie = {"Cookie": f"sessionid={text}"}
    for where, headers in ((f"{address}?key={text}", {}), (address, in_cookie)):
        with pytest.raises(ConnectionClosed):
            async with connect(where, additional_headers=headers) as other:
                await other.recv()
