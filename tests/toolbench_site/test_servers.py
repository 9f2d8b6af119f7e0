"""Both servers of `serve` send, close and end in the same way."""

from __future__ import annotations

import ast
import asyncio
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import override_settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.demo.key import demo_key
from tests.serving import ROOT, ServerProcess, free_port
from tests.toolbench_site.small_site import text_of

SIZES = (1, 125, 126, 127, 1000, 65535, 65536, 70_000, 1_500_000, 2, 300_000)
TCP_CLOSED = 7
SECRETS = {"SECRET_KEY": "a secret of this test's servers alone"}
NO_STORE = {"DATABASE_URL": "", "REDIS_URL": ""}


@dataclass(frozen=True)
class SmallSite:
    """The small site, served."""

    port: int
    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


@pytest.fixture
def site(server_kind: str, tmp_path: Path) -> Iterator[SmallSite]:
    """The small site behind either server."""
    port = free_port()
    settings = {"DJANGO_SETTINGS_MODULE": "toolbench_site.settings", **SECRETS, **NO_STORE}
    environment = ServerProcess(tmp_path, port, settings).environment()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.toolbench_site.small_site", server_kind, str(port)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"listening\n"
            yield SmallSite(port, process, environment)
        finally:
            process.kill()


async def test_texts_of_every_size_arrive_whole_and_in_their_order(site: SmallSite) -> None:
    sizes = "&".join(map(str, SIZES))
    async with connect(f"{site.socket_url}/frames?{sizes}", max_size=None) as client:
        for number, size in enumerate(SIZES):
            assert await client.recv() == text_of(number, size)
        assert [await client.recv(), await client.recv()] == ["one", "two"]
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4000


async def test_what_a_reader_has_not_taken_is_told_until_it_has(site: SmallSite) -> None:
    count, size = 400, 50_000
    async with connect(f"{site.socket_url}/flood?{count}&{size}", max_size=None) as client:
        for number in range(count):
            assert await client.recv() == text_of(number, size)
        said = await client.recv()
    assert isinstance(said, str)
    highest = int(said.removeprefix("highest "))
    assert 1_000_000 < highest <= count * (size + 10)


@pytest.mark.parametrize("code", [4408, 1011, 1000])
async def test_a_close_comes_after_all_that_was_sent_before_it(site: SmallSite, code: int) -> None:
    count, size = 100, 50_000
    url = f"{site.socket_url}/close?{code}&{count}&{size}"
    async with connect(url, max_size=None) as client:
        for number in range(count):
            assert await client.recv() == text_of(number, size)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


async def test_a_silent_reader_is_dropped_soon_after_its_close(site: SmallSite) -> None:
    plug = socket.socket()
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plug.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", site.port))
    url = f"{site.socket_url}/close?4408&200&50000"
    client = await connect(url, sock=plug, max_size=None, max_queue=1, ping_interval=None)
    await client.recv()
    state = plug.dup()
    try:
        async with asyncio.timeout(5):
            while state.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != TCP_CLOSED:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        state.close()
        client.transport.abort()


def test_the_application_is_told_the_same_of_a_request(site: SmallSite) -> None:
    request = urllib.request.Request(f"{site.url}/a%20b?c=d")
    request.add_header("X-Forwarded-For", "192.0.2.7")
    request.add_header("X-Forwarded-Proto", "https")
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.headers.get("server") is None
        assert ast.literal_eval(answer.read().decode()) == {
            "method": "GET",
            "path": "/a b",
            "scheme": "http",
            "query_string": b"c=d",
            "client": "127.0.0.1",
            "server": "127.0.0.1",
            "root": "",
        }


def test_a_request_under_way_is_answered_before_the_server_ends(site: SmallSite) -> None:
    with urllib.request.urlopen(f"{site.url}/slow", timeout=5) as answer:
        assert answer.read(5) == b"part "
        site.process.send_signal(signal.SIGTERM)
        rest = answer.read()
    assert rest.startswith(b"part " * 9)
    assert rest.endswith(b"}")
    assert site.process.wait(5) == 0


def test_a_port_that_another_took_meanwhile_is_told(site: SmallSite, server_kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.toolbench_site.small_site", server_kind, str(site.port)],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert done.stdout == ""


def test_the_demo_model_stops_when_its_reader_goes(site: SmallSite) -> None:
    before = tasks_of(site)
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=5)
    hello = {"role": "user", "content": "Go on."}
    body = {"model": "demo-endless", "stream": True, "messages": [hello]}
    headers = {"Authorization": f"Bearer {demo_key_of(**SECRETS)}"}
    connection.request("POST", "/demo/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("Transfer-Encoding") == "chunked"
    assert answer.readline().startswith(b"data: {")
    assert tasks_of(site) > before
    answer.close()
    connection.close()
    deadline = time.monotonic() + 2
    while tasks_of(site) > before:
        assert time.monotonic() < deadline


def tasks_of(site: SmallSite) -> int:
    """How many tasks the server's loop has."""
    with urllib.request.urlopen(f"{site.url}/tasks", timeout=5) as answer:
        return int(ast.literal_eval(answer.read().decode())["tasks"])


def demo_key_of(**environment: str) -> str:
    """The demo model's key on a server with these settings."""
    with override_settings(**environment):
        return demo_key()
