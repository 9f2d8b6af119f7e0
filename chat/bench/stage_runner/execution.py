"""One stage, executed against an endpoint: the request, the answer, the status."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import orjson

from chat.bench.stage_runner.answers import Unrecognized, excerpt, read_answer, refusal_words
from chat.bench.stage_runner.collecting import Collector
from chat.bench.stage_runner.endpoint import TIME_LIMIT, Endpoint
from chat.bench.stage_runner.lines import FrameReader
from chat.bench.stage_runner.machine import Machine
from chat.bench.stage_runner.outputs import Output
from chat.bench.stage_runner.status import Code, StageStatus
from chat.bench.stage_runner.test_case import StageSpec

BODY_LIMIT = 16 * 1024 * 1024
REFUSAL_LIMIT = 64 * 1024


class _TooLarge(ValueError):
    """More came than any answer needs."""


@dataclass(slots=True)
class _Clock:
    """When what happened in one request, by the monotonic clock; None while it has not."""

    executing: float = 0.0
    sent: float | None = None
    head: float | None = None
    ended: float | None = None
    first_token: float | None = None
    tools: float = 0.0
    """Seconds of pauses before tool summaries."""

    def latencies(self, *, is_stream: bool) -> dict[str, int | None]:
        """As StageStatus defines them."""
        sent, ended, upstream = self.sent, self.ended, None
        if sent is not None and self.head is not None:
            upstream = (ended - sent - self.tools if ended else None) if is_stream else None
            upstream = self.head - sent if upstream is None else upstream
        return {
            "request_ms": _ms(ended - sent) if sent is not None and ended is not None else None,
            "upstream_ms": _ms(upstream) if upstream is not None else None,
            "execution_ms": _ms(time.monotonic() - self.executing),
            "first_token_ms": (
                _ms(self.first_token - sent) if sent is not None and self.first_token else None
            ),
        }


@dataclass(slots=True)
class StageRunner:
    """A stage and where its execution stands.

    After `execute`, `status` says how it went and `output` what was got: of a stream that broke
    off, or that holds unreadable events, what came, though the state is `failed` then.
    """

    stage: StageSpec
    endpoint: Endpoint
    client: httpx2.AsyncClient = field(repr=False)
    time_limit: float = TIME_LIMIT
    status: StageStatus = field(default_factory=StageStatus)
    output: Output | None = None
    stage_id: uuid.UUID = field(default_factory=uuid.uuid4)
    _machine: Machine = field(default_factory=Machine)

    async def execute(self) -> StageStatus:
        """Send the stage and read its answer; no failure of the endpoint is raised.

        From `failed` it goes back to `idle` first, with a new stage id and no output.
        """
        if self._machine.state == "failed":
            self.reset()
        self._machine.move("executing")
        self.status = replace(self.status, state="executing")
        clock = _Clock(executing=time.monotonic())
        code: Code = "STREAM_ERROR" if self.stage.stream else "NONSTREAM_ERROR"
        try:
            async with asyncio.timeout(self.time_limit):
                await self._exchange(clock)
        except Unrecognized as error:
            self._end(clock, "UNRECOGNIZED", str(error))
        except TimeoutError:
            self._end(clock, code, f"The endpoint did not finish within {self.time_limit:g} s.")
        except asyncio.CancelledError:
            self._end(clock, "INTERRUPTED", "The execution was stopped.")
            raise
        except Exception as error:
            # Whatever a library raises on a broken answer fails the stage, never the run.
            self._end(clock, code, _words(error))
        else:
            self._end(clock, "", "")
        return self.status

    def reset(self) -> None:
        """From `failed` to `idle`, to try again. Raises WrongTransition from elsewhere."""
        self._machine.move("idle")
        self.stage_id = uuid.uuid4()
        self.status, self.output = StageStatus(), None

    def body(self) -> dict[str, Any]:
        """The request's body."""
        stage = self.stage
        body = {
            "stage_id": str(self.stage_id),
            "model_container": stage.model_container,
            "system_prompt": stage.system_prompt,
            "user_prompt": stage.user_prompt,
            "stream": stage.stream,
            "synthesis": stage.synthesis,
            "max_tokens": stage.token_limits,
            "temperature": stage.temperatures,
        }
        return {name: value for name, value in body.items() if value is not None}

    def _end(self, clock: _Clock, code: Code, message: str) -> None:
        if clock.sent is not None and clock.ended is None:
            clock.ended = time.monotonic()
        self._machine.move("failed" if code else "success")
        self.status = replace(
            self.status,
            state=self._machine.state,
            code=code,
            message=self.endpoint.hide(message),
            **clock.latencies(is_stream=self.stage.stream),
        )

    async def _exchange(self, clock: _Clock) -> None:
        content = orjson.dumps(self.body())
        headers = self.endpoint.headers() | {"Content-Type": "application/json"}
        url = self.endpoint.base_url + self.stage.path
        clock.sent = time.monotonic()
        async with self.client.stream("POST", url, content=content, headers=headers) as response:
            clock.head = time.monotonic()
            self.status = replace(
                self.status,
                http_status=response.status_code,
                retry_after=_seconds(response.headers.get("retry-after", "")),
            )
            if response.status_code != 200:
                body = await _read(response, REFUSAL_LIMIT, cut=True)
                raise Unrecognized(refusal_words(response.status_code, body))
            if self.stage.stream:
                await self._collect(response, clock)
            else:
                body = await _read(response, BODY_LIMIT)
                clock.ended = time.monotonic()
                self.output = read_answer(body)

    async def _collect(self, response: httpx2.Response, clock: _Clock) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "text/event-stream":
            body = await _read(response, REFUSAL_LIMIT, cut=True)
            raise Unrecognized(
                f"The answer is no event stream but {kind or 'untyped'}: {excerpt(body)}"
            )
        frames, collector = FrameReader(), Collector()
        last = clock.head or 0.0
        try:
            async with aclosing(_bounded(response)) as reads:
                async for data in reads:
                    now = time.monotonic()
                    for frame in frames.feed(data):
                        collector.take(frame)
                        if frame.event == "tool_summary":
                            clock.tools += now - last
                    if collector.has_content and clock.first_token is None:
                        clock.first_token = now
                    last = now
                    if collector.terminal is not None:
                        # Nothing follows it, and a server may forget to close.
                        break
            clock.ended = time.monotonic()
        finally:
            self.output = collector.output()
        if collector.unreadable:
            bad = collector.unreadable[0]
            more = len(collector.unreadable) - 1
            raise Unrecognized(
                f"The data of an event {bad.event} is not what the contract says"
                f"{f', and of {more} more' if more else ''}: {excerpt(bad.data.encode())}"
            )
        if collector.terminal is None:
            raise httpx2.RemoteProtocolError(
                f"The stream ended after {len(collector.frames)} events without done, cancel or "
                "error."
            )


async def _bounded(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    size = 0
    async for data in response.aiter_bytes():
        size += len(data)
        if size > BODY_LIMIT:
            raise _TooLarge(f"The endpoint sent over {BODY_LIMIT // 1024 // 1024} MiB.")
        yield data


async def _read(response: httpx2.Response, limit: int, *, cut: bool = False) -> bytes:
    """The body up to a limit; beyond it what came so far where `cut`, else an error."""
    body = bytearray()
    async for data in response.aiter_bytes():
        body += data
        if len(body) > limit:
            if cut:
                return bytes(body[:limit])
            raise _TooLarge(f"The endpoint sent over {limit // 1024 // 1024} MiB.")
    return bytes(body)


def _words(error: Exception) -> str:
    """What an exception means, in a sentence."""
    said = str(error).strip().rstrip(".")
    match error:
        case httpx2.ConnectError():
            return f"The endpoint could not be reached{f' ({said})' if said else ''}."
        case _TooLarge():
            return str(error)
        case httpx2.ReadError() | httpx2.RemoteProtocolError() | httpx2.WriteError():
            return f"The connection broke off: {said or type(error).__name__}."
    return f"{type(error).__name__}: {said}." if said else f"{type(error).__name__}."


def _seconds(header: str) -> float | None:
    return float(header) if re.fullmatch(r"\d{1,6}(\.\d+)?", header.strip()) else None


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
