"""What the proof of the HTTP contract stands on: routes that fail in every way, and keys."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.contract_client import HttpClient
from bench.layout import Layout
from bench.rig import ADMIN, OWNER, ROUTE, Rig
from bench.scripts import answer, prompt_of
from tests.replay import Request, Script, error, whole

STAGES = 24
"""How many stages a person may have here: enough for the cuts, few enough to be reached."""

ENVIRONMENT = {
    "TOOLBENCH_USER_STAGES": str(STAGES),
    "TOOLBENCH_KEY_REQUESTS_PER_MINUTE": "100000",
    "TOOLBENCH_USER_REQUESTS_PER_MINUTE": "100000",
    "TOOLBENCH_KEY_FAILURES_PER_MINUTE": "1000",
    "TOOLBENCH_HEARTBEAT_SECONDS": "0.5",
}

_FURNISH = """
from chat.models import ModelRoute
good = ModelRoute.objects.get(slug={good!r})
def add(slug, **more):
    ModelRoute.objects.create(**{{"slug": slug, "display_name": slug, "upstream_model": slug,
        "base_url": good.base_url, **more}})
add("no-model", upstream_model="")
add("no-address", base_url="")
add("off", enabled=False)
add("other-protocol", protocol="mcp")
add("dead", base_url="http://127.0.0.1:9/v1")
add("impatient", first_token_seconds=0.3)
import json
from django.contrib.auth.models import User
from chat.services.api_keys import make_key
def key(name, person, scopes, routes=None):
    owner = User.objects.get(username=person)
    scopes = scopes.split(",")
    return make_key(None, owner, name=name, scopes=scopes, routes=routes, expires_at=None).text
print(json.dumps({{
    "none": "",
    "all": key("all", {owner!r}, "chat,tools,read"),
    "chat only": key("chat only", {owner!r}, "chat"),
    "one route": key("one route", {owner!r}, "chat,tools,read",
        [ModelRoute.objects.get(slug="dead")]),
    "of another": key("of another", {admin!r}, "chat,tools,read"),
}}))
"""

UPSTREAM_FAILURES: Mapping[str, Script] = {
    "status500": error(500),
    "status401": error(401),
    "status429": error(429),
    "garbage": whole("<html>This is no model.</html>"),
}


def failing_answer(request: Request) -> Script:
    """As bench.scripts, and failures where the prompt's first word names one."""
    name = (prompt_of(request.json).split() or [""])[0]
    return UPSTREAM_FAILURES[name] if name in UPSTREAM_FAILURES else answer(request)


@dataclass
class HttpGround:
    """Servers, and clients with keys."""

    rig: Rig
    keys: dict[str, str]
    _turns: Iterator[int] = field(default_factory=itertools.count)

    def client(self, key: str = "all", server: int = 0) -> HttpClient:
        """A client of one of the servers, with one of the keys."""
        return HttpClient(self.rig.servers[server].url, self.keys[key])

    def turned(self) -> tuple[HttpClient, HttpClient]:
        """Clients of a server and of the next one, each time of others; the same with one."""
        servers = len(self.rig.servers)
        turn = next(self._turns)
        return self.client(server=turn % servers), self.client(server=(turn + 1) % servers)


@contextmanager
def http_ground(layout: Layout, **environment: str) -> Iterator[HttpGround]:
    """Servers with the routes and keys of this proof."""
    with Rig(failing_answer, layout=layout, environment=ENVIRONMENT | environment) as rig:
        code = _FURNISH.format(good=ROUTE, owner=OWNER, admin=ADMIN)
        keys = json.loads(rig.server.manage("shell", "-v", "0", "-c", code))
        yield HttpGround(rig, keys)


def make_key(rig: Rig, person: str, scopes: str, *more: str) -> str:
    """An API key."""
    return rig.server.manage(
        "create_api_key", person, "--name", "contract", "--scopes", scopes, *more
    ).strip()


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once this holds, which it must within so many seconds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


def body(prompt: str, route: str = ROUTE, **more: Any) -> dict[str, Any]:
    """A request's body with all that it must have."""
    return {
        "model_container": route,
        "system_prompt": "Answer.",
        "user_prompt": prompt,
        **more,
    }
