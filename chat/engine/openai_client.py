"""ModelClient over AsyncOpenAI's raw responses: the SDK's requests, our reading of the bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from chat.engine import upstream_words as words
from chat.engine.completions import (
    CompletionRequest,
    Delta,
    RouteSettings,
    UsageDelta,
)
from chat.engine.request_body import build_body, build_parameters
from chat.engine.time_limits import TimeLimits
from chat.engine.wire.deltas import NotACompletion
from chat.engine.wire.reader import CompletionReader
from chat.engine.wire.sse import LineTooLong

if TYPE_CHECKING:
    import openai
    from openai import AsyncAPIResponse

MORE_TRIES = 2
LONGEST_RETRY_AFTER = 10.0
# How long the rest of an ended answer is waited for, so that its connection can be kept.
DRAIN_SECONDS = 0.2


class OpenAIClient:
    """The way to one version of a route. Made cheap; the SDK is loaded at the first request."""

    def __init__(self, route: RouteSettings) -> None:
        self._route = route
        self._sdk: openai.AsyncOpenAI | None = None
        self._building = asyncio.Lock()

    @property
    def route(self) -> RouteSettings:
        """The route this client belongs to."""
        return self._route

    def request_parameters(self, request: CompletionRequest) -> dict[str, Any]:
        """The body as it is sent, without messages, tools and model."""
        return build_parameters(request, self._route)

    def stream(
        self, request: CompletionRequest
    ) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Delta]]]:
        """One completion as batches of deltas, one batch per network read."""
        return self._stream(request)

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()

    @asynccontextmanager
    async def _stream(
        self, request: CompletionRequest
    ) -> AsyncGenerator[AsyncIterator[Sequence[Delta]], None]:
        sdk = await self._ready_sdk()
        limits = TimeLimits(self._route)
        response = await self._open(sdk, build_body(request, self._route), limits)
        try:
            async with aclosing(self._batches(response, limits)) as batches:
                yield batches
        finally:
            await response.close()

    async def _open(
        self, sdk: openai.AsyncOpenAI, body: dict[str, Any], limits: TimeLimits
    ) -> AsyncAPIResponse[Any]:
        """The response once its status is a success; tries again where nothing was begun."""
        import httpx2
        import openai

        # Many local servers want no key; the SDK must be told that its absence is meant.
        headers: Any = {} if self._route.api_key else {"Authorization": openai.Omit()}
        for tries in range(1, MORE_TRIES + 2):
            last = tries > MORE_TRIES
            try:
                # The body goes as extra_body: the SDK's own walk over it costs and changes nothing.
                manager = sdk.chat.completions.with_streaming_response.create(
                    messages=(),
                    model=self._route.model,
                    stream=True,
                    extra_body=body,
                    extra_headers=headers,
                )
                async with limits.waiting():
                    return await manager.__aenter__()
            except openai.APIStatusError as error:
                status, wait = error.status_code, _retry_wait(error.response, tries)
                if last or wait is None:
                    raise words.refused(self._route, status, error.response.content) from None
            except openai.APIConnectionError as error:
                cause = error.__cause__
                if isinstance(cause, httpx2.ConnectTimeout):
                    seconds = self._route.connect_seconds
                    raise words.timed_out(self._route, "connect", seconds) from None
                if not isinstance(cause, httpx2.ConnectError):
                    raise words.broken_off(self._route, type(cause).__name__) from None
                reason, worth_it = _connect_reason(cause)
                if last or not worth_it:
                    raise words.unreachable(self._route, reason, tries) from None
                wait = _backoff(tries)
            async with limits.waiting():
                await asyncio.sleep(wait)
        raise AssertionError("every last try returns or raises")

    async def _batches(
        self, response: AsyncAPIResponse[Any], limits: TimeLimits
    ) -> AsyncGenerator[Sequence[Delta], None]:
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        reader = CompletionReader(whole=content_type.endswith("json"))
        async with aclosing(_raw_reads(response)) as reads:
            while True:
                data, ended = await self._next_read(reads, limits)
                try:
                    deltas = reader.finish() if data is None else reader.feed(data)
                except LineTooLong:
                    raise words.malformed(
                        self._route, "It sent a line of more than 8 MiB without an end."
                    ) from None
                except NotACompletion as error:
                    if data is None and (ended is not None or reader.payloads):
                        raise words.broken_off(self._route, ended or "cut in a line") from None
                    raise words.malformed(
                        self._route, "It sent something that is no JSON object.", str(error)
                    ) from None
                limits.note(reader.payloads, any(not isinstance(d, UsageDelta) for d in deltas))
                if deltas:
                    yield deltas
                if reader.failure is not None:
                    raise words.reported(self._route, reader.failure)
                if reader.done and data is not None:
                    if rest := reader.finish():
                        yield rest
                    await _drain(reads)
                    return
                if data is None:
                    self._check_end(reader, ended, content_type)
                    return

    async def _next_read(
        self, reads: AsyncIterator[bytes], limits: TimeLimits
    ) -> tuple[bytes | None, str | None]:
        """The next read, or None and why: None for an orderly end, else the error's name."""
        import httpx2

        try:
            async with limits.waiting():
                return await anext(reads), None
        except StopAsyncIteration:
            return None, None
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            return None, type(error).__name__

    def _check_end(self, reader: CompletionReader, broken: str | None, content_type: str) -> None:
        if reader.complete:
            return
        if broken is not None:
            raise words.broken_off(self._route, broken)
        if reader.payloads == 0:
            kind = content_type or "something without a content type"
            raise words.malformed(self._route, f"It sent no chat completion, but {kind}.")
        raise words.broken_off(self._route, "ended without finish reason and without [DONE]")

    async def _ready_sdk(self) -> openai.AsyncOpenAI:
        if self._sdk is None:
            async with self._building:
                if self._sdk is None:
                    # Loading the SDK takes half a second, building a client 16-34 ms.
                    self._sdk = await asyncio.to_thread(_build_sdk, self._route)
        return self._sdk


def load_sdk() -> None:
    """Load the SDK ahead of the first request; takes half a second, so call it in a thread."""
    import openai  # noqa: F401


def _build_sdk(route: RouteSettings) -> openai.AsyncOpenAI:
    import httpx2
    import openai

    http = httpx2.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(None, connect=route.connect_seconds),
        limits=httpx2.Limits(
            max_connections=None, max_keepalive_connections=64, keepalive_expiry=30.0
        ),
    )
    headers = {"User-Agent": "toolbench", "Accept-Encoding": "identity"}
    sdk = openai.AsyncOpenAI(
        api_key=route.api_key or "none",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=route.base_url,
        max_retries=0,
        timeout=http.timeout,
        default_headers=headers,
        http_client=http,
    )
    # The SDK takes headers from OPENAI_CUSTOM_HEADERS; a route says everything it sends itself.
    sdk._custom_headers = headers
    sdk.organization = sdk.project = None
    return sdk


async def _raw_reads(response: AsyncAPIResponse[Any]) -> AsyncGenerator[bytes, None]:
    async for data in response.http_response.aiter_bytes():
        yield data


async def _drain(reads: AsyncIterator[bytes]) -> None:
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in reads:
                pass


def _backoff(tries: int) -> float:
    return 0.2 * 3.0 ** (tries - 1)


def _retry_wait(response: Any, tries: int) -> float | None:
    """Seconds until another try of a refused request, None where it should not be tried."""
    if response.status_code in (502, 503, 504):
        return _backoff(tries)
    if response.status_code == 429:
        try:
            after = float(response.headers.get("retry-after", ""))
        except ValueError:
            return None
        if 0 <= after <= LONGEST_RETRY_AFTER:
            return max(after, 0.05)
    return None


def _connect_reason(error: Exception) -> tuple[str, bool]:
    """Why no connection was made, as a clause, and whether another try makes sense."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    names = {type(cause).__name__ for cause in causes}
    text = " ".join(map(str, causes)).lower()
    if "gaierror" in names or "name or service" in text or "nodename" in text:
        return "its host name is not known", False
    if "refused" in text:
        return "it refused the connection", True
    if "ssl" in text or "certificate" in text:
        return "no secure connection could be made; its certificate was not accepted", False
    if "all connection attempts failed" in text:
        return "it refused the connection", True
    return "no connection could be made", True
