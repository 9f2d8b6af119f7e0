"""The guide's nginx and Caddy in front of two processes."""

from __future__ import annotations

import asyncio
import json
import re
import socketserver
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import override_settings

from chat.demo.catalogue import DEMO_MODELS
from chat.demo.key import demo_key
from tests.production.browser import Browser
from tests.production.installation import Installation
from tests.production.proxies import GuideCaddy, GuideNginx, logged_in, proxy_of
from tests.serving import free_port

pytestmark = pytest.mark.slow


async def test_pages_sockets_and_streams_pass_the_proxy(
    team: Installation, proxy: GuideNginx | GuideCaddy
) -> None:
    proxy.check()
    browser = await asyncio.to_thread(logged_in, team, proxy)
    team.run("check", {"toolbench.example.org": f"localhost:{proxy.port}"})
    page = browser.read("/")
    styles = re.findall(r'href="(/static/[^"]+\.css)"', page)
    assert styles
    with browser.open(styles[0]) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    async with browser.socket() as client:
        assert (await client.run("Hello")).names[-1] == "done"
    arrivals = await asyncio.to_thread(stream, team, browser)
    assert len(arrivals) > 5
    assert arrivals[-1] - arrivals[1] > arrivals[-1] / 2, "it came in one piece"


def stream(team: Installation, browser: Browser) -> list[float]:
    """When the pieces of a streamed answer came, in seconds after the question."""
    with override_settings(SECRET_KEY=team.settings["SECRET_KEY"]):
        headers = {"Authorization": f"Bearer {demo_key()}", "Content-Type": "application/json"}
    question = {
        "model": DEMO_MODELS[0].upstream_model,
        "stream": True,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    begin = time.monotonic()
    arrivals = []
    path = "/demo/v1/chat/completions"
    with browser.open(path, json.dumps(question).encode(), headers) as answer:
        while answer.read1(65536):
            arrivals.append(time.monotonic() - begin)
    return arrivals


def test_who_guesses_passwords_locks_out_nobody_else(
    team: Installation, proxy: GuideNginx | GuideCaddy
) -> None:
    certificate = team.root / "certificate.pem"
    address = {"nginx": "127.0.0.2", "caddy": "127.0.0.3"}[proxy.name]
    guesser = Browser(proxy.url, certificate, address=address)
    for at in range(11):
        # A forged address is not believed.
        forged = {"X-Forwarded-For": f"198.51.100.{at}"}
        where, page = guesser.try_to_log_in(f"person{at}", "some guess", **forged)
        assert where == "/accounts/login/"
    assert "Too many wrong tries" in page
    logged_in(team, proxy)


def test_a_process_that_is_gone_is_passed_over_and_new_files_are_found(
    team: Installation, proxy: GuideNginx | GuideCaddy
) -> None:
    first, second = team.ports
    team.shell(f"systemctl stop toolbench@{second}")
    for _ in range(2):
        # Pages, and a form that is posted.
        browser = logged_in(team, proxy)
        assert "Toolbench" in browser.read("/")
    # A file of a newer version: only what is started from now on knows it.
    new = f"newer-{proxy.name}.0123456789ab.txt"
    (team.root / "var" / "lib" / "toolbench" / "static" / new).write_text("new")
    team.shell(f"systemctl start toolbench@{second}")
    team.wait_until_ready(second)
    direct = Browser(f"http://127.0.0.1:{first}", team.root / "certificate.pem")
    with pytest.raises(urllib.error.HTTPError, match="404") as raised:
        direct.open(f"/static/{new}", headers={"X-Forwarded-Proto": "https"})
    raised.value.close()
    until_tried_again(browser, f"/static/{new}")
    for _ in range(6):
        assert browser.read(f"/static/{new}") == "new"


def until_tried_again(browser: Browser, path: str) -> None:
    """A process that refused a connection is left alone for a few seconds, as the guide says."""
    deadline = time.monotonic() + 15
    while browser.status_of(path) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("name", ["nginx", "caddy"])
def test_a_post_is_passed_on_where_nobody_listens_and_never_sent_twice(
    team: Installation, name: str
) -> None:
    with breaking_off() as (port, requests):
        with proxy_of(name, team, (port, port)) as proxy:
            assert post(team, proxy) == 502
            assert requests == {"POST": 1}
        # Nobody has seen a request that found no one; the process that is there gets it.
        with proxy_of(name, team, (free_port(), team.ports[1])) as proxy:
            assert [post(team, proxy) for _ in range(3)] == [403] * 3


def post(team: Installation, proxy: GuideNginx | GuideCaddy) -> int:
    browser = Browser(proxy.url, team.root / "certificate.pem")
    with pytest.raises(urllib.error.HTTPError) as raised:
        browser.open("/accounts/login/", b"no=token")
    raised.value.close()
    return raised.value.code


@contextmanager
def breaking_off() -> Iterator[tuple[int, Counter[str]]]:
    """A server that takes each request and hangs up; its port, and what it was asked."""
    requests: Counter[str] = Counter()

    class Handler(socketserver.StreamRequestHandler):
        """Reads one request."""

        def handle(self) -> None:
            requests[self.rfile.readline().split()[0].decode()] += 1
            while self.rfile.readline().strip():
                pass
            self.rfile.read(len(b"no=token"))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], requests
        finally:
            server.shutdown()
