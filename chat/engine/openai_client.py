"""ModelClient over AsyncOpenAI's raw responses: the SDK's requests, our reading of the bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from chat.engine import upstream_words as words
from chat.engine.completions import (
    CompletionRequest,
    Delta,
    RepairDelta,
    RouteSettings,
    UsageDelta,
)
from chat.engine.incoming import IncomingAnswer, asked_wait, connect_reason
from chat.engine.request_body import build_parameters, encode_body
from chat.engine.time_limits import TimeLimits

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
        return self.send(encode_body(request, self._route))

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()

    @asynccontextmanager
    async def send(
        self, body: bytes, seen: Callable[[bytes], None] | None = None
    ) -> AsyncGenerator[AsyncIterator[Sequence[Delta]], None]:
        """As `stream`, for a body as it stands; `seen` gets every byte of the answer."""
        sdk = await self._ready_sdk()
        limits = TimeLimits(self._route)
        try:
            response = await self._open(sdk, body, limits, seen)
            try:
                async with aclosing(self._batches(response, limits, body, seen)) as batches:
                    yield batches
            finally:
                await response.aclose()
        finally:
            limits.close()

    async def _open(
        self,
        sdk: openai.AsyncOpenAI,
        body: bytes,
        limits: TimeLimits,
        seen: Callable[[bytes], None] | None,
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
                refusal, status = error.response, error.status_code
                asks = asked_wait(refusal.headers)
                wait = self._retry_wait(status, asks, tries)
                if last or wait is None:
                    if seen is not None:
                        seen(refusal.content)
                    raise words.refused(self._route, status, refusal.content, asks) from None
            except openai.APIConnectionError as error:
                cause = error.__cause__
                if isinstance(cause, httpx2.ConnectTimeout):
                    seconds = self._route.connect_seconds
                    raise words.timed_out(self._route, "connect", seconds) from None
                if not isinstance(cause, httpx2.ConnectError):
                    raise words.broken_off(self._route, type(cause).__name__) from None
                reason, worth_it = connect_reason(cause)
                if last or not worth_it:
                    raise words.unreachable(self._route, reason, tries) from None
                wait = _backoff(tries)
            except httpx2.HTTPError as error:
                # The body of a refusal that cannot be read.
                refused_as = _status_of(error)
                if refused_as is None:
                    raise words.broken_off(self._route, type(error).__name__) from None
                raise words.refused(self._route, refused_as, b"") from None
            with limits:
                await asyncio.sleep(wait)
        raise AssertionError("every last try returns or raises")

    async def _batches(
        self,
        response: httpx2.Response,
        limits: TimeLimits,
        asked: bytes,
        seen: Callable[[bytes], None] | None,
    ) -> AsyncGenerator[Sequence[Delta], None]:
        import httpx2

        answer = IncomingAnswer(self._route, response.headers, asked)
        body: Body = response.extensions["body"]
        broken: str | None = None
        while True:
            try:
                with limits:
                    data = await body.read()
            except httpx2.TransportError as error:
                data, broken = b"", type(error).__name__
            for piece in answer.pieces(data):
                if seen is not None and piece:
                    seen(piece)
                deltas = answer.read(piece, broken)
                limits.note(answer.payloads, limits.begun or _hold_a_token(deltas))
                if deltas:
                    yield deltas
                if answer.error is not None:
                    raise answer.error
            if answer.failure is not None:
                raise words.reported(self._route, answer.failure, begun=limits.begun)
            if answer.done and data:
                await _drain(body, answer)
                if rest := answer.finish():
                    yield rest
                answer.check_end(None)
                return
            if not data:
                answer.check_end(broken)
                return

    def _retry_wait(self, status: int, asks: float | None, tries: int) -> float | None:
        """Seconds until another try of a refused request, None where it should not be tried."""
        if status not in (429, 502, 503, 504) or (status == 429 and asks is None):
            return None
        wait = _backoff(tries) if asks is None else max(asks, 0.05)
        # A longer wait is told, not spent: it would hide the reason behind our own limit.
        longest = min(LONGEST_RETRY_AFTER, self._route.first_token_seconds / 2)
        return wait if wait <= longest else None

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
    return any(not isinstance(delta, UsageDelta | RepairDelta) for delta in deltas)


async def _drain(body: Body, answer: IncomingAnswer) -> None:
    if body.complete:
        return
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_SECONDS):
            while data := await body.read():
                answer.read_past_end(data)


def _backoff(tries: int) -> float:
    return 0.2 * 3.0 ** (tries - 1)


def _status_of(error: BaseException | None) -> int | None:
    """The HTTP status in whose handling an error came up."""
    for _ in range(8):
        response = getattr(error, "response", None)
        if response is not None:
            return int(response.status_code)
        error = None if error is None else error.__cause__ or error.__context__
    return None
