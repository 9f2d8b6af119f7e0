"""Fixtures for tools: a set of small tools, and a public service played on loopback."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django.fixtures import Settings

from tools import threads
from tools.builtin import http


class Service(ThreadingHTTPServer):
    """Answers every request with what the test set, or not at all; remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.body = b"{}"
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.silent = False
        self.arrived = threading.Event()
        self.client_gone = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answers(self, value: Any, status: int = 200) -> None:
        self.body, self.status = json.dumps(value).encode(), status


class Handler(BaseHTTPRequestHandler):
    """One request to the service."""

    server: Service

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append((parts.path, query))
        self.server.arrived.set()
        if self.server.silent:
            # Nothing more is sent in a GET: this waits until the client closes the connection.
            self.connection.settimeout(10)
            if self.connection.recv(1) == b"":
                self.server.client_gone.set()
            self.close_connection = True
            return
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # The client goes away in some tests.
            self.wfile.write(self.server.body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """A real server in the place of every public service the tools ask."""
    server = Service()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    settings.TOOLBENCH_OPEN_METEO_URL = server.url
    settings.TOOLBENCH_GEOCODING_URL = server.url
    settings.TOOLBENCH_ISS_URL = server.url
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
async def closing_client() -> AsyncIterator[None]:
    """Closes the connections the test's event loop opened to the service."""
    yield
    await http.close_client()


@pytest.fixture
def own_threads() -> Iterator[None]:
    """Every test starts with no tool threads and leaves none waiting."""
    threads.shutdown()
    yield
    threads.shutdown()
