"""ModelClient over AsyncOpenAI's raw responses: the SDK's requests, our reading of the bytes."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from chat.engine import upstream_words as words
from chat.engine.completions import (
    CompletionRequest,
    Delta,
    RouteSettings,
    UsageDelta,
)
from chat.engine.request_body import build_parameters, encode_body
from chat.engine.time_limits import TimeLimits
from chat.engine.wire.deltas import NotACompletion
from chat.engine.wire.reader import CompletionReader
from chat.engine.wire.sse import LineTooLong

if TYPE_CHECKING:
    import httpx2
    import openai

    from chat.engine.http.transport import Body

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
        try:
            response = await self._open(sdk, encode_body(request, self._route), limits)
            try:
                async with aclosing(self._batches(response, limits)) as batches:
                    yield batches
            finally:
                await response.aclose()
        finally:
            limits.close()

    async def _open(
        self, sdk: openai.AsyncOpenAI, body: bytes, limits: TimeLimits
    ) -> httpx2.Response:
        """The response once its status is a success; tries again where nothing was begun."""
        import httpx2
        import openai

        headers: dict[str, Any] = {"Content-Type": "application/json"}
        if not self._route.api_key:
            # Many local servers want no key; the SDK must be told that its absence is meant.
            headers["Authorization"] = openai.Omit()
        for tries in range(1, MORE_TRIES + 2):
            last = tries > MORE_TRIES
            try:
                # As `chat.completions.create`, without its walk over a body that is encoded.
                with limits:
                    response: Any = await sdk.post(
                        "/chat/completions",
                        cast_to=httpx2.Response,
                        content=body,
                        options={"headers": headers},
                        stream=True,
                        stream_cls=openai.AsyncStream[Any],
                    )
                return cast(httpx2.Response, response)
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
            with limits:
                await asyncio.sleep(wait)
        raise AssertionError("every last try returns or raises")

    async def _batches(
        self, response: httpx2.Response, limits: TimeLimits
    ) -> AsyncGenerator[Sequence[Delta], None]:
        import httpx2

        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        reader = CompletionReader(whole=content_type.endswith("json"))
        body: Body = response.extensions["body"]
        broken: str | None = None
        while True:
            try:
                with limits:
                    data = await body.read()
            except httpx2.TransportError as error:
                data, broken = b"", type(error).__name__
            try:
                deltas = reader.feed(data) if data else reader.finish()
            except LineTooLong:
                raise words.malformed(
                    self._route, "It sent a line of more than 8 MiB without an end."
                ) from None
            except NotACompletion as error:
                if not data and (broken is not None or reader.payloads):
                    raise words.broken_off(self._route, broken or "cut in a line") from None
                raise words.malformed(
                    self._route, "It sent something that is no JSON object.", str(error)
                ) from None
            limits.note(reader.payloads, limits.begun or _hold_a_token(deltas))
            if deltas:
                yield deltas
            if reader.failure is not None:
                raise words.reported(self._route, reader.failure)
            if reader.done and data:
                if rest := reader.finish():
                    yield rest
                await _drain(body)
                return
            if not data:
                self._check_end(reader, broken, content_type)
                return

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

    import chat.engine.http.transport  # noqa: F401


def _build_sdk(route: RouteSettings) -> openai.AsyncOpenAI:
    import openai

    from chat.engine.http.transport import build_client

    http = build_client(route.connect_seconds)
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


def _hold_a_token(deltas: Sequence[Delta]) -> bool:
    return any(not isinstance(delta, UsageDelta) for delta in deltas)


async def _drain(body: Body) -> None:
    if body.complete:
        return
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_SECONDS):
            while await body.read():
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
    cause = error.__cause__
    if isinstance(cause, socket.gaierror | UnicodeError):
        return "its host name is not known", False
    if isinstance(cause, ssl.SSLError):
        return "no secure connection could be made; its certificate was not accepted", False
    # Several addresses that were tried in vain are told of in words alone.
    if isinstance(cause, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(cause):
        return "it refused the connection", True
    return "no connection could be made", True
