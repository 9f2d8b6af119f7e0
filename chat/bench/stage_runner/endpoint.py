"""Where stages are sent, and the key they are sent with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx2

from chat.engine.redaction import redact

TIME_LIMIT = 90.0
"""Seconds from the request to the last byte of the answer, where nobody says otherwise."""
ENDPOINT_VARIABLE = "TOOLBENCH_ENDPOINT"
KEY_VARIABLE = "TOOLBENCH_API_KEY"
_PORTS = {"http": 80, "https": 443}
_LOCAL = ("127.0.0.1", "::1", "localhost")


class BadEndpoint(ValueError):
    """An address that stages cannot be sent to, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The base URL of a server that speaks the stage contract, and the key for it."""

    base_url: str
    key: str = field(default="", repr=False)

    @classmethod
    def at(cls, address: str, key: str = "") -> Endpoint:
        """From what a person wrote. Raises BadEndpoint."""
        try:
            parts = urlsplit(address.strip())
            usable = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            raise BadEndpoint(
                f"“{address}” is no address of an endpoint. Write it as http://host:port or "
                "https://host."
            )
        if parts.username or parts.password:
            raise BadEndpoint(
                "The address of the endpoint holds a name or a password. Give the API key with "
                f"--api-key-file or in {KEY_VARIABLE} instead."
            )
        path = parts.path.rstrip("/")
        return cls(f"{parts.scheme}://{parts.netloc}{path}", key)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        parts = urlsplit(self.base_url)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]

    @property
    def shows_its_key(self) -> bool:
        """Whether the key travels where others may read it."""
        scheme, host, _ = self.origin
        return bool(self.key) and scheme == "http" and host not in _LOCAL

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        accepted = {
            "Accept": "application/json, text/event-stream",
            # Uncompressed, so that the limit on the answer holds for what comes over the wire too.
            "Accept-Encoding": "identity",
            "User-Agent": "toolbench-bench",
        }
        return accepted | ({"Authorization": f"Bearer {self.key}"} if self.key else {})

    def hide(self, text: str) -> str:
        """A text of others with the key taken out of it."""
        return redact(text, self.key)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Which endpoint a stage goes to: the option's, else the case's own, else the environment's.

    The key belongs to the option's or the environment's endpoint: an address that only a case
    file names gets none, so that nobody's file can fetch somebody's key.
    """

    option: Endpoint | None = None
    variable: Endpoint | None = None

    @classmethod
    def chosen(cls, option: str | None, environment: Mapping[str, str], key: str) -> Endpoints:
        """From the command's option and the environment. Raises BadEndpoint."""
        variable = environment.get(ENDPOINT_VARIABLE, "").strip()
        return cls(
            Endpoint.at(option, key) if option else None,
            Endpoint.at(variable, key) if variable else None,
        )

    @property
    def shows_its_key(self) -> bool:
        """Whether the key travels where others may read it."""
        return any(one is not None and one.shows_its_key for one in (self.option, self.variable))

    def of(self, own: str | None) -> Endpoint | None:
        """For a stage whose case names `own`; None where nobody names any. Raises BadEndpoint."""
        if self.option is not None or not own:
            return self.option or self.variable
        endpoint = Endpoint.at(own)
        if self.variable is not None and endpoint.origin == self.variable.origin:
            return Endpoint(endpoint.base_url, self.variable.key)
        return endpoint


def build_client(most: int = 32) -> httpx2.AsyncClient:
    """A client with nothing of the environment, no redirects, no cookies; httpx2, as the SDK has.

    Its time limits are the caller's: `asyncio.timeout` around the whole exchange.
    """
    return httpx2.AsyncClient(
        timeout=None,
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
    )
