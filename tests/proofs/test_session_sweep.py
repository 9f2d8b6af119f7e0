"""Sockets of those who lost their session or account close with 4401 within five seconds."""

from __future__ import annotations

import asyncio
import time
import urllib.parse
import urllib.request
from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed

from bench.rig import ADMIN, OWNER, Rig
from bench.scripts import text_for
from tests.serving import PASSWORD
from tests.sockets import log_in

pytestmark = pytest.mark.slow

SECONDS = 5.0
NEW_PASSWORD = "another long pass phrase"


def post(rig: Rig, cookie: str, path: str, **fields: str) -> None:
    """Send a form as the page does."""
    token = next(p.split("=", 1)[1] for p in cookie.split("; ") if p.startswith("csrftoken="))
    form = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
    headers = {"Cookie": cookie, "Referer": f"{rig.url}/"}
    request = urllib.request.Request(f"{rig.url}{path}", form, headers)
    urllib.request.urlopen(request, timeout=10).close()


def log_out(rig: Rig, cookie: str) -> None:
    post(rig, cookie, "/accounts/logout/")


def deactivate(rig: Rig, cookie: str) -> None:
    rig.database.execute("UPDATE auth_user SET is_active = false WHERE username = ?", (OWNER,))


def change_password_elsewhere(rig: Rig, cookie: str) -> None:
    """On another device: this session's hash is then no longer the account's."""
    elsewhere = log_in(rig.url, OWNER, PASSWORD)
    post(
        rig,
        elsewhere,
        "/accounts/password/change/",
        oldpassword=PASSWORD,
        password1=NEW_PASSWORD,
        password2=NEW_PASSWORD,
    )


async def test_sockets_close_when_their_right_is_gone_and_others_stay(rig: Rig) -> None:
    losses: tuple[Callable[[Rig, str], None], ...] = (
        log_out,
        change_password_elsewhere,
        deactivate,
    )
    rig.log_in(ADMIN)
    password = PASSWORD
    async with rig.client(ADMIN) as bystander:
        for lose in losses:
            rig.cookies[OWNER] = log_in(rig.url, OWNER, password)
            if lose is change_password_elsewhere:
                password = NEW_PASSWORD
            await assert_closed(rig, lose)
        await bystander.send(type="ping")
        assert (await bystander.reply("pong"))["stages"] == {}


async def assert_closed(rig: Rig, lose: Callable[[Rig, str], None]) -> None:
    """The socket closes in time with 4401; its stage goes on, for it belongs to nobody's socket."""
    async with rig.client() as client:
        prompt = "text 120 40"
        stage_id = (await client.start(prompt))["stage_id"]
        begin = time.monotonic()
        await asyncio.to_thread(lose, rig, rig.cookies[OWNER])
        lost_at = time.monotonic()
        try:
            async with asyncio.timeout(SECONDS + 5):
                while True:
                    await client.receive()
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
        assert code == 4401, lose.__name__
        assert time.monotonic() - lost_at < SECONDS, lose.__name__
        assert lost_at - begin < SECONDS
    async with rig.client(ADMIN) as admin:
        await admin.send(type="stage.subscribe", stage_id=stage_id, after=0)
        told = await admin.until_end(stage_id)
    assert told.text == text_for(prompt), lose.__name__
