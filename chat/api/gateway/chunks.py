"""A completion as chunks of server-sent events, and whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from chat.api.gateway.progress import Delta, Progress
from chat.frames import Frame

DONE = b"data: [DONE]\n\n"


class Head:
    """What every chunk and the whole answer say alike."""

    def __init__(self, stage_id: UUID, created: int, model: str) -> None:
        self.id = f"chatcmpl-{stage_id.hex}"
        self.stage_id = stage_id
        self.created = created
        self.model = model


class ChunkWriter:
    """Pages of a stage's events to the bytes that a streaming client reads."""

    def __init__(self, head: Head, progress: Progress, *, wants_usage: bool) -> None:
        self.progress = progress
        self._wants_usage = wants_usage
        common = {
            "id": head.id,
            "object": "chat.completion.chunk",
            "created": head.created,
            "model": head.model,
        }
        self._common = orjson.dumps(common)[1:-1]
        # Only the delta differs from chunk to chunk, so only it is encoded.
        self._before = b'data: {%b,"choices":[{"index":0,"delta":' % self._common
        # OpenAI says so where token counts are wanted and not there yet.
        self._usage = b',"usage":null' if wants_usage else b""
        self._after = b',"logprobs":null,"finish_reason":null}]%b}\n\n' % self._usage
        self.has_begun = False
        """Whether a chunk was made."""

    def write(self, frames: Sequence[Frame]) -> bytes:
        """The chunks that these events make."""
        parts: list[bytes] = []
        for frame in frames:
            delta = self.progress.take(frame.event, orjson.loads(frame.text)["data"])
            if delta:
                if not self.has_begun:
                    self.has_begun = True
                    delta = {"role": "assistant", **delta}
                    delta.setdefault("content", None if "tool_calls" in delta else "")
                parts += (self._before, orjson.dumps(delta), self._after)
        return b"".join(parts)

    def role(self) -> bytes:
        """The first chunk where there is nothing to say yet."""
        if self.has_begun:
            return b""
        self.has_begun = True
        return self._before + b'{"role":"assistant","content":""}' + self._after

    def end(self, extension: dict[str, Any] | None) -> bytes:
        """What follows the last delta: how it ended, the counts if wanted, and the end mark."""
        progress = self.progress
        if progress.problem is not None:
            return b"data: %b\n\n" % progress.problem.body()
        more = b"" if extension is None else b',"toolbench":%b' % orjson.dumps(extension)
        finish = b'data: {%b,"choices":[{"index":0,"delta":{},"logprobs":null,%b}]%b%b}\n\n' % (
            self._common,
            b'"finish_reason":"%b"' % progress.finish_reason.encode(),
            self._usage,
            more,
        )
        usage = b""
        if self._wants_usage and progress.usage is not None:
            counts = orjson.dumps(progress.usage)
            usage = b'data: {%b,"choices":[],"usage":%b}\n\n' % (self._common, counts)
        return b"".join((self.role(), finish, usage, DONE))


class Whole:
    """A whole answer, put together from the same events."""

    def __init__(self, head: Head, progress: Progress) -> None:
        self.progress = progress
        self._head = head
        self._content: list[str] = []
        self._reasoning: list[str] = []

    def take(self, frames: Sequence[Frame]) -> None:
        """Take in further events."""
        for frame in frames:
            delta: Delta = self.progress.take(frame.event, orjson.loads(frame.text)["data"]) or {}
            if content := delta.get("content"):
                self._content.append(content)
            if reasoning := delta.get("reasoning_content"):
                self._reasoning.append(reasoning)

    def completion(self, extension: dict[str, Any] | None) -> dict[str, Any]:
        """The answer as an object."""
        progress, head = self.progress, self._head
        content = "".join(self._content)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": content or None if progress.calls else content,
            "refusal": None,
        }
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if progress.calls:
            message["tool_calls"] = progress.calls
        completion: dict[str, Any] = {
            "id": head.id,
            "object": "chat.completion",
            "created": head.created,
            "model": head.model,
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": progress.finish_reason,
                }
            ],
        }
        if progress.usage is not None:
            completion["usage"] = progress.usage
        if extension is not None:
            completion["toolbench"] = extension
        return completion
