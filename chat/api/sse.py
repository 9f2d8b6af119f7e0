"""A stage as server-sent events, in the origin's six event names.

A frame is made of one stored event and nothing else, so the same event is the same bytes in every
stream, wherever it was resumed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse

from chat.api.chunks import CALL_EVENT, TEXT_EVENT, ChunkMaker
from chat.api.connections import connection_of
from chat.api.following import Followed, Unavailable, followed, pages
from chat.api.threads import let_thread_go
from chat.database import run_in_pool
from chat.frames import Frame, read_after

COMMENT = b": the model is at work\n\n"
SENT = frozenset({TEXT_EVENT, CALL_EVENT, "tool_summary", "done", "cancel", "error"})
STAGE_HEADER = "X-Toolbench-Stage"


class SseEncoder:
    """Encodes the events of one stage; `started` is its first event."""

    __slots__ = ("_chunks", "_is_chat", "_stage_id")

    def __init__(self, stage_id: UUID, started: Followed) -> None:
        self._stage_id = str(stage_id)
        self._chunks = ChunkMaker(stage_id, started)
        self._is_chat = started.data["mode"] == "chat"

    def frames(self, frames: Iterable[Frame]) -> bytes:
        """Stored events as SSE; those that are not sent here leave nothing."""
        return b"".join(self.frame(followed(frame)) for frame in frames if frame.event in SENT)

    def frame(self, item: Followed) -> bytes:
        """One event."""
        name, data = item.event, item.data
        about: dict[str, object] = {"stage_id": self._stage_id}
        match name:
            case "chat_completion_chunk" if self._is_chat:
                about["chunk"] = self._chunks.text(data)
            case "chat_completion_chunk":
                # On the toolchain endpoint all deltas have one name.
                name = CALL_EVENT
                about["tool_results"] = self._chunks.text(data)
            case "tool_completion_chunk":
                about["tool_results"] = self._chunks.call(data)
            case "tool_summary":
                about["tool_summary"] = data["tool_summary"]
            case "error":
                about["error"] = data["message"]
                about["code"] = data["code"]
        head = f"id: {self._stage_id}-{item.number}\nevent: {name}\ndata: "
        return b"%b%b\n\n" % (head.encode(), orjson.dumps(about))


def sse_response(
    request: HttpRequest,
    stage_id: UUID,
    after: int = 0,
    *,
    ended: Callable[[], None] = lambda: None,
) -> StreamingHttpResponse:
    """A stage's events above `after` to its end; `ended` is called once that was read.

    It is sent no faster than its client reads.
    """
    connection_of(request).pace()
    response = StreamingHttpResponse(
        _stream(stage_id, after, ended), content_type="text/event-stream"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers[STAGE_HEADER] = str(stage_id)
    return response


async def _stream(
    stage_id: UUID, after: int, ended: Callable[[], None]
) -> AsyncGenerator[bytes, None]:
    let_thread_go()
    # Daphne keeps the headers back until there is a body, be it empty.
    yield b""
    encoder = await _known_encoder(stage_id) if after else None
    beat = settings.TOOLBENCH_HEARTBEAT_SECONDS
    async with aclosing(pages(stage_id, after, heartbeat=beat)) as news:
        async for item in news:
            if isinstance(item, list):
                if encoder is None:
                    encoder = SseEncoder(stage_id, followed(item[0]))
                if item[-1].is_terminal:
                    ended()
                if data := encoder.frames(item):
                    yield data
            elif isinstance(item, Unavailable):
                # No stored event, so it has no id: who comes back is sent the real end.
                yield _unavailable(stage_id, item)
                return
            else:
                yield COMMENT


async def _known_encoder(stage_id: UUID) -> SseEncoder | None:
    """The encoder of a stage whose first event lies before what is asked for."""
    first = await run_in_pool(read_after, stage_id, 0, 1)
    return SseEncoder(stage_id, followed(first[0])) if first else None


def _unavailable(stage_id: UUID, item: Unavailable) -> bytes:
    body = {"stage_id": str(stage_id), "error": item.message, "code": "interrupted"}
    return b"event: error\ndata: %b\n\n" % orjson.dumps(body)
