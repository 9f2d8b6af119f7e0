"""The six modes: ask, extract, validate, call, summarise, synthesise."""

from __future__ import annotations

import hashlib
import logging
import time
import traceback
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from chat.engine.asking import completion_request
from chat.engine.completions import CompletionRequest, ModelClient
from chat.engine.errors import NoToolCalls, StageError, ToolRoundsExceeded
from chat.engine.events import (
    ChatCompletionChunk,
    Done,
    ErrorEvent,
    Event,
    Phase,
    RequestSent,
    Timings,
    ToolCallEvent,
    ToolResultEvent,
    ToolSummary,
)
from chat.engine.messages import ChatMessage
from chat.engine.tool_calls.calls import CallIds
from chat.engine.tool_calls.dialects import known_dialect
from chat.engine.tool_calls.reader import TextReader
from chat.engine.tool_round import (
    call_event,
    check_calls,
    closing_result,
    handed_over_result,
    mending_event,
    no_valid_call,
    result_event,
    round_messages,
)
from chat.engine.turn import Turn
from tools.base import CheckedCall, Toolset
from tools.calling import run_calls

logger = logging.getLogger(__name__)

Outcome = Event | RequestSent


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRequest:
    """Everything a stage needs to know; pairs are (tool phase, synthesis)."""

    stage_id: UUID
    message_id: UUID
    mode: Literal["chat", "toolchain"]
    synthesis: bool
    stream: bool
    history: tuple[ChatMessage, ...]
    system_prompt: str = ""
    toolset: Toolset
    temperature: tuple[float | None, float | None] = (None, None)
    max_tokens: tuple[int | None, int | None] = (None, None)
    max_tool_rounds: int = 1
    context_budget: int | None = None
    used_call_ids: frozenset[str] = frozenset()
    queued_ms: int = 0
    hands_over: bool = False
    """Whether the caller runs the calls: they are told, and the stage is done."""
    tool_choice: str | dict[str, Any] | None = None
    """None: auto."""
    tool_mode: Literal["native", "text"] = "native"
    """text: the tools stand in the prompt, and calls are read from the text."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the upstream's request body."""


class StageEngine:
    """Runs one stage: `run` yields what happens, and nothing is stored or sent here.

    Iterate `run` inside `contextlib.aclosing`: leaving it closes the upstream and stops tools.
    """

    def __init__(self, request: StageRequest, client: ModelClient) -> None:
        self.request_open = False
        """Whether an upstream request is open right now."""
        self.whole_outputs: dict[str, str] = {}
        """By call id, tool outputs that were cut for the model, whole."""
        self._request = request
        self._client = client
        self._ids = CallIds(request.used_call_ids)
        self._added: list[ChatMessage] = []
        self._waiting: deque[Event] = deque()
        self._turn: Turn | None = None
        self._open_calls: dict[str, ToolCallEvent] = {}
        self._said: list[str] = []
        self._last_phase: Phase | None = None
        self._finish_reason: str | None = None
        self._started = time.monotonic()
        self._first_token: float | None = None

    def withheld(self) -> list[Event]:
        """After a cancel: text that was received and not yet yielded."""
        events = [event for event in self._waiting if isinstance(event, ChatCompletionChunk)]
        self._waiting.clear()
        turn, self._turn = self._turn, None
        rest = turn.break_off() if turn is not None else []
        return [*events, *rest]

    async def run(self) -> AsyncGenerator[Outcome, None]:
        """Every event after `stage_started`; the last one is `done` or `error`."""
        self._started = time.monotonic()
        end: Event
        steps = self._ask("chat", 1) if self._request.mode == "chat" else self._toolchain()
        try:
            async with aclosing(steps):
                async for outcome in steps:
                    yield outcome
            end = self._done()
        except StageError as error:
            end = error.as_event()
        except Exception as error:
            self._log(error)
            end = ErrorEvent(
                code="internal",
                message="Toolbench itself failed while it ran this stage. "
                "What was said so far is kept. Try again; an admin finds the cause in the log.",
                retryable=True,
                detail=type(error).__name__,
            )
        for event in [*self.withheld(), *self._close_calls()]:
            yield event
        yield end

    async def _toolchain(self) -> AsyncGenerator[Outcome, None]:
        request = self._request
        checked_calls: list[CheckedCall] = []
        last_round = max(1, request.max_tool_rounds)
        for round in range(1, last_round + 1):
            async with aclosing(self._ask("tools", round)) as outcomes:
                async for outcome in outcomes:
                    yield outcome
            turn = self._ended
            if request.hands_over:
                for event in self._hand_over(turn):
                    yield event
                return
            if not turn.calls:
                if round == 1 and not request.synthesis:
                    raise NoToolCalls(
                        "The model answered without calling a tool. Its answer is kept. "
                        "Ask for what a tool does, or choose a mode with synthesis."
                    )
                return
            checked_calls = check_calls(request.toolset, turn.calls, turn.finish_reason)
            async with aclosing(self._call_tools(turn, checked_calls)) as outcomes:
                async for outcome in outcomes:
                    yield outcome
        if request.synthesis:
            async with aclosing(self._ask("synthesis", last_round)) as outcomes:
                async for outcome in outcomes:
                    yield outcome
        elif not any(checked.valid for checked in checked_calls):
            raise no_valid_call(checked_calls)

    async def _ask(self, phase: Phase, round: int) -> AsyncGenerator[Outcome, None]:
        """One request and the model's whole turn."""
        completion = completion_request(self._request, phase, self._added)
        yield self._sent(completion, phase, round)
        turn = self._turn = Turn(
            phase,
            round,
            stream=self._request.stream,
            ids=self._ids,
            reader=self._text_reader(phase),
            secret=self._client.route.api_key,
        )
        self.request_open = True
        try:
            async with self._client.stream(completion) as batches:
                async for batch in batches:
                    self._waiting.extend(turn.feed(batch))
                    if self._first_token is None and turn.has_token:
                        self._first_token = time.monotonic()
                    while self._waiting:
                        yield self._next_waiting()
        finally:
            self.request_open = False
        self._waiting.extend(turn.finish())
        self._turn, self._ended = None, turn
        self._finish_reason = turn.finish_reason
        while self._waiting:
            yield self._next_waiting()
        if phase == "synthesis" and turn.calls:
            raise ToolRoundsExceeded(
                "The model asked for tools again where only an answer was wanted. "
                "Try again, or have an admin raise the route's number of tool rounds."
            )

    async def _call_tools(
        self, turn: Turn, checked_calls: Sequence[CheckedCall]
    ) -> AsyncGenerator[Outcome, None]:
        """One round: every call told, the valid ones run side by side, the results summed up."""
        for call, checked in zip(turn.calls, checked_calls, strict=True):
            mending = mending_event(turn.round, call, checked, self._client.route.api_key)
            if mending is not None:
                yield mending
            asked = call_event(turn.round, call, checked)
            self._open_calls[call.call_id] = asked
            yield asked
        contents = {call.call_id: "" for call in turn.calls}
        async with aclosing(run_calls(self._request.toolset, checked_calls)) as results:
            async for result in results:
                answered = result_event(turn.round, result)
                if result.whole is not None:
                    self.whole_outputs[result.call_id] = result.whole
                contents[result.call_id] = answered.content
                self._open_calls.pop(result.call_id, None)
                yield answered
        yield ToolSummary(round=turn.round, tool_summary=contents)
        self._added += round_messages(turn.round, turn.content, turn.calls, contents, checked_calls)

    def _hand_over(self, turn: Turn) -> Iterator[Event]:
        """Every call told, valid or not, for the caller to run."""
        checked_calls = check_calls(self._request.toolset, turn.calls, turn.finish_reason)
        for call, checked in zip(turn.calls, checked_calls, strict=True):
            mending = mending_event(turn.round, call, checked, self._client.route.api_key)
            if mending is not None:
                yield mending
            asked = call_event(turn.round, call, checked)
            yield asked
            yield handed_over_result(asked)
        if turn.calls and self._finish_reason == "stop":
            # Servers that read calls from text, and those read here, end with an ordinary stop.
            self._finish_reason = "tool_calls"

    def _text_reader(self, phase: Phase) -> TextReader:
        route = self._client.route
        dialect = known_dialect(route.text_dialect)
        in_text = self._request.tool_mode == "text"
        return TextReader(
            {} if phase == "chat" else self._request.toolset.schemas(),
            dialect="auto" if in_text and dialect == "off" else dialect,
            starts_inside_thinking=route.starts_inside_thinking,
            # Where an answer is wanted, a call is refused, and what was written stays.
            keep_calls=phase != "tools",
        )

    def _sent(self, completion: CompletionRequest, phase: Phase, round: int) -> RequestSent:
        route = self._client.route
        return RequestSent(
            round=round,
            phase=phase,
            model=route.model,
            base_url_host=route.host,
            messages=tuple(message.as_record() for message in completion.messages),
            tools=tuple(self._request.toolset.names()) if completion.tools else (),
            parameters=self._client.request_parameters(completion),
        )

    def _next_waiting(self) -> Event:
        """The next event to yield; those that are never reached stay for `withheld`."""
        event = self._waiting.popleft()
        self._note(event)
        return event

    def _note(self, event: Event) -> None:
        if isinstance(event, ChatCompletionChunk) and event.content:
            if event.phase != self._last_phase:
                self._last_phase, self._said = event.phase, []
            self._said.append(event.content)

    def _done(self) -> Done:
        content = "".join(self._said)
        first = self._first_token
        return Done(
            finish_reason=self._finish_reason,
            message_id=self._request.message_id,
            content_length=len(content),
            content_sha256=hashlib.sha256(content.encode()).hexdigest(),
            timings=Timings(
                queued_ms=self._request.queued_ms,
                first_token_ms=None if first is None else self._since_start(first),
                total_ms=self._since_start(time.monotonic()),
            ),
        )

    def _since_start(self, moment: float) -> int:
        return round((moment - self._started) * 1000)

    def _close_calls(self) -> list[ToolResultEvent]:
        """Results for calls that a bug left open: every call told has one before the end."""
        calls = list(self._open_calls.values())
        self._open_calls.clear()
        return [closing_result(call, "error") for call in calls]

    def _log(self, error: Exception) -> None:
        # The exception's text may hold what was said; only its class and place may be logged.
        frames = "".join(traceback.format_tb(error.__traceback__))
        name = type(error).__name__
        logger.error("Stage %s failed with %s.\n%s", self._request.stage_id, name, frames)
        logger.debug("Stage %s failed.", self._request.stage_id, exc_info=error)
