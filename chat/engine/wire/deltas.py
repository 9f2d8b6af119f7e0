"""Data payloads of a chat completion to deltas: chunks of a stream, or one whole body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from chat.engine.completions import Delta, TextDelta
from chat.engine.repairs import RepairLog
from chat.engine.wire.call_fragments import CallReader
from chat.engine.wire.content import ContentReader
from chat.engine.wire.failures import Failure, failure_in, read_failure
from chat.engine.wire.finish import FinishReader
from chat.engine.wire.payload import IDLE_EVENTS, NotACompletion, is_end, parse_payloads
from chat.engine.wire.text import storable, storable_json
from chat.engine.wire.usage import UsageReader


class DeltaReader:
    """Reads payload after payload; only choice 0 counts.

    Once the upstream has reported an error (`failure`) nothing is read any more, but where
    `past_failure` asks for it. What is mended is noted in `log` and told among the deltas.
    """

    def __init__(
        self,
        log: RepairLog | None = None,
        *,
        streamed: bool = True,
        secret: str = "",
        past_failure: bool = False,
    ) -> None:
        self.done = False
        self.failure: Failure | None = None
        self.errors: list[Any] = []
        """What the upstream reported as errors, as it stands."""
        self.payloads = 0
        self.answered = False
        """Whether any payload had a list of choices."""
        self.first = b""
        """The start of the first payload."""
        self.log = RepairLog(secret) if log is None else log
        self._streamed = streamed
        self._past_failure = past_failure
        self._content = ContentReader(self.log)
        self._calls = CallReader(self.log, secret)
        self._finish = FinishReader(self.log)
        self._usage = UsageReader(self.log)
        self._begun = False
        self._has_delta = False
        self._grown = ""

    @property
    def finished(self) -> bool:
        """Whether a finish reason came."""
        return bool(self._finish.sent)

    @property
    def finish_sent(self) -> str | None:
        """The finish reason as it was sent, None where none came."""
        return self._finish.sent

    @property
    def usage_sent(self) -> dict[str, Any] | None:
        """The last usage object as it was sent, None where none came."""
        return self._usage.sent

    def is_stream(self) -> None:
        """What was taken for a whole body turned out to be a stream."""
        self._streamed = True

    def read(self, data: bytes, event: str | None = None) -> list[Delta]:
        """The deltas of one payload; raises NotACompletion where it is no JSON object."""
        log = self.log
        log.raw = data
        if event is not None or not self._begun:
            return self._told(self._read(data.strip(), event))
        try:
            payload = orjson.loads(data)
        except orjson.JSONDecodeError:
            payload = None
        if type(payload) is not dict:
            return self._told(self._read(data.strip(), event))
        deltas: list[Delta]
        if (delta := _plain_delta(payload)) is None:
            deltas = self._read_payloads([payload])
        else:
            self.payloads += 1
            self._has_delta = True
            text = delta.get("content")
            if type(text) is str and text and len(delta) == 1 + ("role" in delta):
                # What nearly every chunk of nearly every server is.
                text = self._content.text.feed(text)
                deltas = [TextDelta(text)] if text else []
            else:
                deltas = self._read_plain(delta)
        return self._told(deltas) if log.untold else deltas

    def finish(self) -> list[Delta]:
        """What only the end of the answer tells: halves without another, and what is missing."""
        deltas: list[Delta] = [*self._content.finish(), *self._calls.finish()]
        if (counts := self._usage.finish()) is not None:
            deltas.append(counts)
        if self.payloads and self.failure is None:
            if not self.finished and (self.done or not self._streamed):
                self.log.note("finish_reason_missing")
            elif self.finished and self._streamed and not self.done:
                self.log.note("done_missing")
        return [*deltas, *self.log.take()]

    def _told(self, deltas: list[Delta]) -> list[Delta]:
        """The deltas of a payload, after the repairs that made them possible."""
        return [*self.log.take(), *deltas]

    def _read(self, data: bytes, event: str | None) -> list[Delta]:
        if not data or (self.failure is not None and not self._past_failure):
            return []
        if is_end(data):
            self.done = True
            self._begun = False
            return []
        if self.done:
            self.log.note("data_after_done")
            return []
        if event == "error":
            self._fail(_error_event(data))
            return []
        payloads = parse_payloads(data, self.log)
        if event in IDLE_EVENTS and not any("choices" in payload for payload in payloads):
            return []
        return self._read_payloads(payloads)

    def _read_payloads(self, payloads: list[dict[str, Any]]) -> list[Delta]:
        try:
            return [delta for payload in payloads for delta in self._read_payload(payload)]
        except RecursionError:
            raise NotACompletion("JSON that is nested too deeply") from None

    def _read_plain(self, delta: dict[str, Any]) -> list[Delta]:
        try:
            return [*self._content.read(delta), *self._calls.read(delta, streamed=True)]
        except RecursionError:
            raise NotACompletion("JSON that is nested too deeply") from None

    def _read_payload(self, payload: dict[str, Any]) -> Iterator[Delta]:
        if not self.payloads:
            self.first = self.log.raw[:200]
        self.payloads += 1
        self._begun = True
        choice = self._first_choice(payload.get("choices"))
        if choice is not None:
            yield from self._read_choice(choice)
        counts = self._usage.read(payload, choice)
        if counts is not None:
            yield counts
        failure = failure_in(payload) or (choice is not None and choice.get("error"))
        if failure:
            self._fail(failure)
        elif choice is not None and choice.get("finish_reason") == "error":
            # No error object tells more.
            self._fail("finish_reason: error", told=False)

    def _read_choice(self, choice: dict[str, Any]) -> Iterator[Delta]:
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict):
            self._has_delta = True
            if message and self._streamed:
                self.log.note("message_beside_delta")
            yield from self._read_words(delta, streamed=True)
        elif isinstance(message, dict):
            yield from self._read_message(message)
        elif isinstance(choice.get("text"), str):
            self.log.note("choice_text")
            yield from self._content.read({"content": choice["text"]})
        elif self._streamed:
            self.log.note("delta_missing")
        finish = self._finish.read(choice.get("finish_reason"))
        if finish is not None:
            yield finish

    def _read_message(self, message: dict[str, Any]) -> Iterator[Delta]:
        """A whole message; inside a stream it may repeat what was said before it."""
        if not self._streamed:
            yield from self._read_words(message, streamed=False)
            return
        if self._has_delta:
            self.log.note("message_beside_delta")
            return
        self.log.note("message_in_stream")
        content = message.get("content")
        if isinstance(content, str) and content:
            if self._grown and content.startswith(self._grown):
                message = {**message, "content": content[len(self._grown) :]}
            self._grown = content
        yield from self._read_words(message, streamed=False)

    def _read_words(self, message: dict[str, Any], *, streamed: bool) -> Iterator[Delta]:
        yield from self._content.read(message)
        yield from self._calls.read(message, streamed=streamed)

    def _first_choice(self, choices: Any) -> dict[str, Any] | None:
        if not isinstance(choices, list):
            return None
        self.answered = True
        first: dict[str, Any] | None = None
        for choice in choices:
            if not isinstance(choice, dict):
                continue
            if first is None and choice.get("index") in (0, None, "0"):
                first = choice
            else:
                self.log.note("further_choices")
        return first

    def _fail(self, failure: Any, *, told: bool = True) -> None:
        self._begun = False
        if told:
            self.errors.append(storable_json(failure))
        if self._streamed:
            self.log.note("error_in_stream")
        if self.failure is None:
            self.failure = read_failure(failure)


def _error_event(data: bytes) -> Any:
    """What an event that is called an error tells, in JSON or in plain words."""
    try:
        payload = parse_payloads(data, RepairLog())
    except NotACompletion:
        return storable(data.decode("utf-8", "replace"))
    first = payload[0] if payload else {}
    return failure_in(first) or first


def _plain_delta(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The delta of a chunk that holds nothing beside it, as nearly all do; None for another."""
    choices = payload.get("choices")
    if (
        type(choices) is not list
        or len(choices) != 1
        or payload.get("error")
        or payload.get("usage")
        or "x_groq" in payload
    ):
        return None
    choice = choices[0]
    if (
        type(choice) is not dict
        or choice.get("index")
        or choice.get("finish_reason") is not None
        or choice.get("error")
        or choice.get("usage")
        or "message" in choice
    ):
        return None
    delta = choice.get("delta")
    return delta if type(delta) is dict else None
