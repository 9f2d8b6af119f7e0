"""What a browser does at a proxy that speaks TLS: pages, the log-in form, a socket."""

from __future__ import annotations

import http.cookiejar
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

from tests.sockets import SocketClient


class From(urllib.request.HTTPSHandler):
    """HTTPS from one of this machine's addresses."""

    def __init__(self, trust: ssl.SSLContext, address: str) -> None:
        super().__init__(context=trust)
        self._connection = partial(HTTPSConnection, context=trust, source_address=(address, 0))

    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        """Open one request."""
        answer: HTTPResponse = self.do_open(self._connection, request)
        return answer


class Browser:
    """Trusts one certificate and keeps its cookies; `url` is where the proxy is.

    `address` is where it comes from: all of 127.0.0.0/8 is this machine.
    """

    def __init__(self, url: str, certificate: Path, *, address: str = "127.0.0.1") -> None:
        self.url = url
        self.trust = ssl.create_default_context(cafile=str(certificate))
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            From(self.trust, address),
            urllib.request.HTTPCookieProcessor(self._jar),
        )

    def open(
        self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """The answer to a request; a POST says where it comes from, as browsers do."""
        said = {"Origin": self.url, **(headers or {})} if data is not None else headers or {}
        request = urllib.request.Request(self.url + path, data, said)
        answer: HTTPResponse = self._opener.open(request, timeout=20)
        return answer

    def read(self, path: str) -> str:
        """The body of a page."""
        with self.open(path) as answer:
            return answer.read().decode()

    def status_of(self, path: str) -> int:
        """The status of a page, failures included."""
        try:
            with self.open(path) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def try_to_log_in(self, username: str, password: str, **headers: str) -> tuple[str, str]:
        """Send the log-in form; where that led, and the page."""
        page = self.read("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        form = {
            "csrfmiddlewaretoken": token.group(1),
            "login": username,
            "password": password,
            "next": "/healthz",
        }
        sent = urllib.parse.urlencode(form).encode()
        with self.open("/accounts/login/", sent, headers) as answer:
            return answer.url.removeprefix(self.url), answer.read().decode()

    def log_in(self, username: str, password: str) -> None:
        """Log in; the session's cookie must be for TLS alone."""
        assert self.try_to_log_in(username, password)[0] == "/healthz"
        assert all(cookie.secure for cookie in self._jar if cookie.name == "sessionid")

    @property
    def cookies(self) -> str:
        """The Cookie header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)

    def socket(self, **options: Any) -> SocketClient:
        """A websocket of the page."""
        options.setdefault("ping_interval", None)
        return SocketClient(self.url, self.cookies, ssl=self.trust, **options)
