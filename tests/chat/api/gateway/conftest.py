"""A served Toolbench with a model server behind it, and the official clients in front."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import pytest

from bench.rig import OWNER, ROUTE, Rig
from bench.stored import StoredStage
from chat.api.sse import STAGE_HEADER
from tests.replay import Answer

ASKED = [{"role": "user", "content": "Go on."}]


@dataclass(frozen=True)
class Door:
    """The gateway as a client meets it."""

    rig: Rig
    key: str

    @property
    def base_url(self) -> str:
        """What an OpenAI client is given."""
        return f"{self.rig.url}/v1"

    @property
    def last_request(self) -> dict[str, Any]:
        """The body of the last request to the model server."""
        body: dict[str, Any] = self.rig.replay.requests[-1].json
        return body

    def answers(self, answer: Answer) -> None:
        """What the model server says from now on."""
        self.rig.replay.answer_with(answer)

    def client(self, key: str | None = None, **options: Any) -> openai.OpenAI:
        """The official client as it comes, but for its retries."""
        options.setdefault("max_retries", 0)
        return openai.OpenAI(base_url=self.base_url, api_key=key or self.key, **options)

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """The same, async."""
        options.setdefault("max_retries", 0)
        return openai.AsyncOpenAI(base_url=self.base_url, api_key=self.key, **options)

    def post(self, headers: dict[str, str] | None = None, **body: Any) -> httpx2.Response:
        """A request as plain JSON, its answer as it came."""
        return httpx2.post(
            f"{self.base_url}/chat/completions",
            json={"model": ROUTE, "messages": ASKED, **body},
            headers={"Authorization": f"Bearer {self.key}", **(headers or {})},
            timeout=30,
            trust_env=False,
        )

    def make_key(self, *options: str) -> str:
        """Another key of the same person."""
        printed = self.rig.server.manage("create_api_key", OWNER, "--name", "test", *options)
        return printed.strip().splitlines()[-1]

    def stage(self, answered: httpx2.Response) -> StoredStage:
        """The stage behind an answer."""
        return self.rig.database.stage(answered.headers[STAGE_HEADER])


@pytest.fixture(scope="session")
def served() -> Iterator[Door]:
    """One server for all tests of the gateway; each says what the model answers."""
    environment = {
        "TOOLBENCH_HEARTBEAT_SECONDS": "1.0",
        "TOOLBENCH_KEY_REQUESTS_PER_MINUTE": "100000",
        "TOOLBENCH_USER_REQUESTS_PER_MINUTE": "100000",
    }
    with Rig(environment=environment) as rig:
        rig.log_in()
        made = rig.server.manage("create_api_key", OWNER, "--name", "gateway")
        yield Door(rig, made.strip().splitlines()[-1])


@pytest.fixture
def door(served: Door) -> Iterator[Door]:
    """The gateway; the model server has forgotten what came before."""
    served.rig.replay.exchanges.clear()
    yield served
    assert served.rig.errors() == []
