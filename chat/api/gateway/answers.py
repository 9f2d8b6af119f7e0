"""A started stage answered: streamed as chunks, or whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from chat.api.connections import connection_of
from chat.api.following import Unavailable, pages
from chat.api.gateway.chunks import ChunkWriter, Head, Whole
from chat.api.gateway.errors import ApiProblem, not_stored
from chat.api.gateway.progress import Progress
from chat.api.sse import COMMENT, STAGE_HEADER
from chat.api.starting import HeldStage

DELETED = "The conversation was deleted before its answer had ended."


@dataclass(frozen=True, slots=True)
class Answering:
    """A stage on its way to the client that asked for it."""

    held: HeldStage
    head: Head
    progress: Progress
    has_extension: bool
    """Whether the answer tells what was executed here."""

    def extension(self) -> dict[str, Any] | None:
        """The gateway's own field: the stage and what it did."""
        if not self.has_extension:
            return None
        return {
            "stage_id": str(self.held.stage_id),
            "conversation_id": str(self.held.conversation_id),
            "tool_calls": list(self.progress.executed.values()),
            "repairs": self.progress.repairs,
        }

    def conclude(self, problem: ApiProblem | None = None) -> None:
        """No more events come; `problem` says why where their end did not."""
        if self.progress.is_over:
            self.held.has_ended = True
        else:
            self.progress.problem = problem or ApiProblem(404, "not_found", DELETED)


async def whole(answering: Answering) -> HttpResponse:
    """The whole answer, once the stage has ended; raises ApiProblem where there is none."""
    answer = Whole(answering.head, answering.progress)
    problem: ApiProblem | None = None
    async with aclosing(pages(answering.held.stage_id)) as news:
        async for item in news:
            if isinstance(item, list):
                answer.take(item)
            elif isinstance(item, Unavailable):
                problem = not_stored(item.message)
                break
    answering.conclude(problem)
    if answering.progress.problem is not None:
        raise _named(answering.progress.problem, answering)
    return HttpResponse(
        orjson.dumps(answer.completion(answering.extension())),
        content_type="application/json",
        headers=_headers(answering),
    )


async def streamed(
    request: HttpRequest, answering: Answering, *, wants_usage: bool
) -> StreamingHttpResponse:
    """The answer chunk by chunk, no faster than its client reads; raises ApiProblem.

    Nothing is sent before the model says something: an error that comes until then has a status,
    which clients act on. A first heartbeat ends the wait.
    """
    writer = ChunkWriter(answering.head, answering.progress, wants_usage=wants_usage)
    chunks = _chunks(answering, writer)
    first = await anext(chunks)
    problem = answering.progress.problem
    if problem is not None and not writer.has_begun:
        await chunks.aclose()
        raise _named(problem, answering)
    connection_of(request).pace()
    return StreamingHttpResponse(
        _chained(first, chunks),
        content_type="text/event-stream; charset=utf-8",
        headers={**_headers(answering), "X-Accel-Buffering": "no"},
    )


async def _chunks(answering: Answering, writer: ChunkWriter) -> AsyncGenerator[bytes, None]:
    beat = settings.TOOLBENCH_HEARTBEAT_SECONDS
    rest, problem = b"", None
    async with aclosing(pages(answering.held.stage_id, heartbeat=beat)) as news:
        async for item in news:
            if isinstance(item, list):
                rest = writer.write(item)
                if answering.progress.is_over:
                    break
                if rest:
                    yield rest
                    rest = b""
            elif isinstance(item, Unavailable):
                problem = not_stored(item.message)
                break
            else:
                yield COMMENT
    answering.conclude(problem)
    yield rest + writer.end(answering.extension())


async def _chained(
    first: bytes, chunks: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    async with aclosing(chunks):
        yield first
        async for data in chunks:
            yield data


def _named(problem: ApiProblem, answering: Answering) -> ApiProblem:
    problem.headers.update(_headers(answering))
    return problem


def _headers(answering: Answering) -> dict[str, str]:
    return {"Cache-Control": "no-store", STAGE_HEADER: str(answering.held.stage_id)}
