"""The route under examination: sends a question as a stage would and reads the answer as one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from chat.doctor.findings import ProbeResult
from chat.doctor.reading import Reading, Reply
from chat.engine.completions import CompletionRequest, RouteSettings
from chat.engine.errors import (
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnreachable,
)
from chat.engine.messages import ChatMessage
from chat.engine.openai_client import OpenAIClient
from chat.engine.repairs import bounded_raw
from chat.engine.request_body import build_body
from chat.model_list import Listing, ask_for_models
from tools.base import Toolset

Enough = Callable[[Reading], bool]

NO_TOOLS = Toolset()
# What a model that thinks gets besides where a call is wanted: without it none would ever come.
THOUGHT_TOKENS = 192
# Parameters that one request is sent again without.
MOST_REFUSED = 3
SHORT = 16
"""Tokens that most answers may have."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What every request carries besides its question; what a server refuses is given up."""

    temperature: float | None
    limit_fields: tuple[str, ...]
    stream_usage: bool


@dataclass(slots=True)
class Log:
    """What a probe's requests met."""

    repairs: list[str] = field(default_factory=list)
    raw: str = ""
    rate_limited: bool = False
    unreachable: bool = False
    timed_out: bool = False


class Patient:
    """A route, asked by one probe after another.

    `habits` are those the server takes: where it refuses a parameter, the request is sent again
    without it and so are all later ones. `results` are those of the probes before.
    """

    def __init__(
        self, route: RouteSettings, *, temperature: float | None = 0.0, seconds: float = 60.0
    ) -> None:
        self.route = replace(
            route,
            connect_seconds=min(route.connect_seconds, 5.0),
            first_token_seconds=seconds,
            between_tokens_seconds=seconds,
            total_seconds=seconds,
            text_dialect="auto",
        )
        self.habits = Habits(temperature, route.token_limit_fields, stream_usage=True)
        self.refused: dict[str, str] = {}
        """By parameter that was given up, the server's words."""
        self.results: dict[str, ProbeResult] = {}
        self.has_answered = False
        self.quickest_ms: int | None = None
        self.tries = 0
        self.log = Log()
        self._client = OpenAIClient(self.route)
        self._settled: set[bool] = set()

    async def __aenter__(self) -> Patient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    @property
    def thinks(self) -> bool:
        """Whether the model was seen to think before it answers."""
        streamed = self.results.get("stream")
        return streamed is not None and bool(streamed.facts.get("reasoning"))

    def take_log(self) -> Log:
        """What was met since the last time."""
        log, self.log = self.log, Log()
        return log

    async def models(self) -> Listing:
        """The server's list of models."""
        return await ask_for_models(self.route.base_url, self.route.api_key)

    async def ask(
        self,
        question: str | Sequence[ChatMessage],
        *,
        tools: Toolset = NO_TOOLS,
        limit: int = SHORT,
        whole: bool = False,
        changes: Mapping[str, Any] | None = None,
        enough: Enough | None = None,
        read_tools: Toolset = NO_TOOLS,
    ) -> Reply:
        """One answer; a refusal is an answer too (`Reply.error`).

        `changes` are fields of the body that differ from a stage's request; the stream is closed
        once it is `enough`; `read_tools` are looked for in the text though they are not offered.
        """

        async def send() -> Reply:
            body = self._body(question, tools, limit, whole, changes)
            return await self._send(body, tools if len(tools) else read_tools, enough)

        reply = await send()
        for _ in range(MOST_REFUSED):
            if not isinstance(reply.error, UpstreamRejected):
                break
            better = await self._without_what_is_refused(reply, reply.error, whole, send)
            if better is None:
                break
            reply = better
        if reply.error is None:
            self._settled.add(whole)
        return reply

    async def ask_as_is(
        self,
        question: str | Sequence[ChatMessage],
        *,
        limit_field: str | None = None,
        limit: int = SHORT,
        changes: Mapping[str, Any] | None = None,
        enough: Enough | None = None,
    ) -> Reply:
        """One answer to exactly this request; `limit_field` is the only one that says the limit."""
        body = self._body(question, NO_TOOLS, limit, False, changes, limit_field)
        return await self._send(body, NO_TOOLS, enough)

    async def leave(self, question: str, limit: int, seconds: float) -> Reply | None:
        """Ask and close the connection at the first token; None where `seconds` came before it."""
        try:
            async with asyncio.timeout(seconds):
                return await self.ask(question, limit=limit, enough=lambda said: said.pieces > 0)
        except TimeoutError:
            return None

    def _body(
        self,
        question: str | Sequence[ChatMessage],
        tools: Toolset,
        limit: int,
        whole: bool,
        changes: Mapping[str, Any] | None,
        limit_field: str | None = None,
    ) -> dict[str, Any]:
        if len(tools) and self.thinks:
            limit += THOUGHT_TOKENS
        messages = [ChatMessage("user", question)] if isinstance(question, str) else question
        fields = self.habits.limit_fields if limit_field is None else (limit_field,)
        body = build_body(
            CompletionRequest(
                messages=tuple(messages),
                tools=tuple(tools.specs()),
                tool_choice="auto" if len(tools) else None,
                temperature=self.habits.temperature,
                max_tokens=limit,
            ),
            replace(self.route, token_limit_fields=fields, stream_usage=self.habits.stream_usage),
        )
        if whole:
            body["stream"] = False
            body.pop("stream_options", None)
        return {**body, **(changes or {})}

    async def _send(self, body: dict[str, Any], tools: Toolset, enough: Enough | None) -> Reply:
        reading = Reading(tools)
        error: UpstreamError | None = None
        started = time.monotonic()
        self.tries += 1
        try:
            async with self._client.send(orjson.dumps(body), reading.see) as batches:
                async for batch in batches:
                    reading.feed(batch)
                    if enough is not None and enough(reading):
                        break
                else:
                    reading.finish()
        except UpstreamError as failure:
            error = failure
        finally:
            self.log.raw = bounded_raw(bytes(reading.raw), self.route.api_key) or self.log.raw
        reply = reading.reply(started, error)
        self._note(reply)
        return reply

    def _note(self, reply: Reply) -> None:
        self.log.repairs += [code for code in reply.repairs if code not in self.log.repairs]
        self.log.rate_limited |= isinstance(reply.error, UpstreamRateLimited)
        self.log.unreachable |= isinstance(reply.error, UpstreamUnreachable)
        if reply.error is None:
            self.has_answered = True
        if reply.first_token_ms is not None:
            quickest = self.quickest_ms
            self.quickest_ms = min(reply.first_token_ms, quickest or reply.first_token_ms)

    async def _without_what_is_refused(
        self,
        reply: Reply,
        error: UpstreamRejected,
        whole: bool,
        send: Callable[[], Awaitable[Reply]],
    ) -> Reply | None:
        """The answer without a parameter; another refusal shows that this one was refused too."""
        for name, habits in self._remedies(error, whole):
            before, self.habits = self.habits, habits
            again = await send()
            if again.error is None or again.error.message != error.message:
                self.refused[name] = error.message
                return again
            self.habits = before
        return None

    def _remedies(self, error: UpstreamRejected, whole: bool) -> Iterator[tuple[str, Habits]]:
        """What may be left out of a refused request: what its words blame, and at first all."""
        if error.detail not in ("HTTP 400", "HTTP 422"):
            return
        habits, words = self.habits, error.message
        ways: list[tuple[str, bool, Habits]] = []
        if habits.temperature is not None:
            ways.append(("temperature", "temperature" in words, replace(habits, temperature=None)))
        if habits.stream_usage and not whole:
            blamed = "stream_options" in words or "include_usage" in words
            ways.append(("stream_options", blamed, replace(habits, stream_usage=False)))
        blamed = any(name.split(".")[0] in words for name in habits.limit_fields)
        for name in ("max_completion_tokens", "max_tokens"):
            if habits.limit_fields != (name,):
                ways.append(("token_limit_fields", blamed, replace(habits, limit_fields=(name,))))
        any_is_blamed = any(blamed for _, blamed, _ in ways)
        for parameter, blamed, changed in sorted(ways, key=lambda way: not way[1]):
            # Without a word about the cause each is tried, until an answer has come this way.
            if blamed or (not any_is_blamed and whole not in self._settled):
                yield parameter, changed
