"""A websocket spoken with inside the test's loop, without a server between."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any, Self

from channels.testing import WebsocketCommunicator

from chat.routing import websocket_application
from tests.chat.api.documents.held import frame_faults
from tests.chat.conftest import LIMIT
from tests.sockets import Folded

HOST = "localhost:8000"
ORIGIN = f"http://{HOST}"


class Talk:
    """One socket; events are folded in, `frames` keeps everything in its order."""

    def __init__(
        self,
        cookie: str = "",
        *,
        origin: str | None = ORIGIN,
        host: str = HOST,
        path: str = "/ws/",
        extensions: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> None:
        self.key = key
        headers = [(b"host", host.encode()), (b"cookie", cookie.encode())]
        if key is not None:
            headers.append((b"authorization", f"Bearer {key}".encode()))
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.communicator = WebsocketCommunicator(
            websocket_application, path, headers, subprotocols=["toolbench.v1"]
        )
        self.communicator.scope["extensions"] = extensions or {}
        self.frames: list[dict[str, Any]] = []
        self.stages: dict[str, Folded] = {}

    async def __aenter__(self) -> Self:
        connected, subprotocol = await self.communicator.connect(timeout=LIMIT)
        assert connected
        assert subprotocol == "toolbench.v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.communicator.disconnect(timeout=LIMIT)

    async def send(self, **command: Any) -> None:
        await self.send_text(json.dumps(command, default=str))

    async def send_text(self, text: str) -> None:
        await self.communicator.send_to(text_data=text)

    async def receive(self) -> dict[str, Any]:
        """The next frame, folded in if it is an event; it must be documented."""
        text = await self.communicator.receive_from(timeout=LIMIT)
        frame: dict[str, Any] = json.loads(text)
        assert frame_faults(frame) == []
        self.frames.append(frame)
        if frame["type"] == "event":
            self.stages.setdefault(frame["stage_id"], Folded()).take(frame)
        return frame

    async def reply(self, *types: str) -> dict[str, Any]:
        """The next frame of one of these types."""
        while (frame := await self.receive())["type"] not in types:
            pass
        return frame

    async def ask(self, *types: str, **command: Any) -> dict[str, Any]:
        """Send a command and wait for a frame of one of these types, or a refusal."""
        await self.send(**command)
        return await self.reply(*types, "rejected")

    async def start(self, prompt: str = "Hello", **more: Any) -> dict[str, Any]:
        """Start a stage; the `accepted` or `rejected` frame."""
        command = {"type": "stage.start", "request_id": uuid.uuid4(), "mode": "chat"}
        return await self.ask("accepted", **{**command, "prompt": prompt, **more})

    async def until_event(self, stage_id: str, *names: str) -> dict[str, Any]:
        """Receive until an event of one of these names comes."""
        while True:
            frame = await self.receive()
            if frame.get("stage_id") == stage_id and frame.get("event") in names:
                return frame

    async def until_end(self, stage_id: str) -> Folded:
        """Receive until the stage's terminal event."""
        while (folded := self.stages.get(stage_id)) is None or folded.terminal is None:
            await self.receive()
        return folded

    async def until_closed(self) -> int:
        """Receive until the server closes; the code."""
        async with asyncio.timeout(LIMIT):
            while True:
                message = await self.communicator.receive_output(timeout=LIMIT)
                if message["type"] == "websocket.close":
                    code: int = message["code"]
                    return code
                if "text" in message:
                    self.frames.append(json.loads(message["text"]))
