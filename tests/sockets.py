"""A websocket client written from the wire contract alone: logs in over HTTP, folds events."""

from __future__ import annotations

import asyncio
import http.cookiejar
import json
import re
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

TERMINAL = ("done", "cancel", "error")


def log_in(url: str, username: str, password: str) -> str:
    """Log in through the page; the Cookie header of the session."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{url}/accounts/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    form = {
        "csrfmiddlewaretoken": token.group(1),
        "login": username,
        "password": password,
        "next": "/healthz",
    }
    opener.open(f"{url}/accounts/login/", urllib.parse.urlencode(form).encode())
    cookies = {cookie.name: cookie.value for cookie in jar}
    assert "sessionid" in cookies, "the log-in was refused"
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


@dataclass
class Folded:
    """What a client makes of a stage's events: the text by phase, and the promises it checked."""

    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last(self) -> int:
        return int(self.events[-1]["sequence_number"]) if self.events else 0

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    @property
    def terminal(self) -> dict[str, Any] | None:
        return self.events[-1] if self.events and self.events[-1]["event"] in TERMINAL else None

    @property
    def text(self) -> str:
        """The concatenated content of the last phase that has text."""
        phases: dict[str, str] = {}
        last = ""
        for event in self.events:
            content = event["data"].get("content")
            if event["event"] == "chat_completion_chunk" and content:
                last = event["data"]["phase"]
                phases[last] = phases.get(last, "") + content
        return phases.get(last, "")

    def take(self, event: dict[str, Any]) -> None:
        """Add an event; numbers must be dense and nothing may follow the end."""
        assert event["sequence_number"] == self.last + 1, (event["sequence_number"], self.last)
        assert self.terminal is None
        self.events.append(event)


class SocketClient:
    """One websocket; frames that are not events are kept apart."""

    def __init__(self, url: str, cookie: str, **options: Any) -> None:
        self._url = url.replace("http", "ws", 1) + "/ws/"
        self._headers = {"Cookie": cookie}
        self._origin = url
        self._options = options
        self.stages: dict[str, Folded] = {}
        self.others: list[dict[str, Any]] = []
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        self.socket = await connect(
            self._url,
            additional_headers=self._headers,
            origin=self._origin,  # type: ignore[arg-type]
            subprotocols=["toolbench.v1"],  # type: ignore[list-item]
            max_size=None,
            **self._options,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def send(self, **command: Any) -> None:
        await self.socket.send(json.dumps(command))

    async def receive(self) -> dict[str, Any]:
        """The next frame, folded in if it is an event."""
        frame: dict[str, Any] = json.loads(await self.socket.recv())
        if frame["type"] == "event":
            self.stages.setdefault(frame["stage_id"], Folded()).take(frame)
        else:
            self.others.append(frame)
        return frame

    async def reply(self, *types: str) -> dict[str, Any]:
        """The next frame of one of these types; events on the way are folded in."""
        while True:
            frame = await self.receive()
            if frame["type"] in types:
                return frame

    async def start(self, prompt: str, **more: Any) -> dict[str, Any]:
        """Start a stage; the `accepted` or `rejected` frame."""
        command = {
            "type": "stage.start",
            "request_id": str(uuid.uuid4()),
            "mode": "chat",
            "prompt": prompt,
            **more,
        }
        await self.send(**command)
        return await self.reply("accepted", "rejected")

    async def until_end(self, stage_id: str, seconds: float = 30) -> Folded:
        """Receive until the stage's terminal event."""
        async with asyncio.timeout(seconds):
            while (folded := self.stages.get(stage_id)) is None or folded.terminal is None:
                await self.receive()
        return folded

    async def run(self, prompt: str, **more: Any) -> Folded:
        """Start a stage and receive all of it."""
        frame = await self.start(prompt, **more)
        assert frame["type"] == "accepted", frame
        return await self.until_end(frame["stage_id"])
