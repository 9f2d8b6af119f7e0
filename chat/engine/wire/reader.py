"""Everything between the bytes of an answer and its deltas, streamed or whole."""

from __future__ import annotations

from typing import Any

from chat.engine.completions import Delta
from chat.engine.repairs import RepairLog
from chat.engine.wire.deltas import DeltaReader
from chat.engine.wire.failures import Failure
from chat.engine.wire.payload import NotACompletion
from chat.engine.wire.sse import BYTE_ORDER_MARK, LINE_LIMIT, EventDecoder, LineTooLong

_BLANKS = b" \t\r\n"


class CompletionReader:
    """Reads one answer: `feed` each network read, then `finish`.

    A whole JSON body and an event stream give the same deltas. `whole` is what the content type
    says; a body that is plainly no JSON is read as the stream that it is. Raises LineTooLong and
    NotACompletion, but never for what came before: that is given first, the error with the next
    call, and `check` after `finish`.
    """

    def __init__(
        self,
        *,
        whole: bool = False,
        stream_asked: bool = False,
        secret: str = "",
        past_failure: bool = False,
    ) -> None:
        self.broken: LineTooLong | NotACompletion | None = None
        """What the reading broke off for."""
        self._stream_asked = stream_asked
        self._log = RepairLog(secret)
        self._decoder = EventDecoder(log=self._log)
        self._body: bytearray | None = bytearray() if whole else None
        self._deltas = DeltaReader(
            self._log, streamed=not whole, secret=secret, past_failure=past_failure
        )

    @property
    def failure(self) -> Failure | None:
        """What the upstream said about its failure, where it reported one."""
        return self._deltas.failure

    @property
    def errors(self) -> list[Any]:
        """The upstream's errors as it sent them."""
        return self._deltas.errors

    @property
    def done(self) -> bool:
        """Whether the stream's end marker was read; what comes after it means nothing."""
        return self._deltas.done

    @property
    def complete(self) -> bool:
        """Whether the answer came to an end of its own: a reason, a marker, or a whole body."""
        whole = self._body is not None and self._deltas.answered
        return whole or self._deltas.done or self._deltas.finished

    @property
    def answered(self) -> bool:
        """Whether any payload had the shape of a completion."""
        return self._deltas.answered

    @property
    def first(self) -> str:
        """The start of the first payload."""
        return self._deltas.first.decode("utf-8", "replace")

    @property
    def payloads(self) -> int:
        """How many payloads were read: a sign of life even where they hold no text."""
        return self._deltas.payloads

    @property
    def finish_sent(self) -> str | None:
        """The finish reason as it was sent."""
        return self._deltas.finish_sent

    @property
    def usage_sent(self) -> dict[str, Any] | None:
        """The last usage object as it was sent."""
        return self._deltas.usage_sent

    @property
    def repair_counts(self) -> dict[str, int]:
        """How often each repair was made so far."""
        return self._log.counts

    def note(self, code: str, raw: bytes, **words: object) -> None:
        """Have a repair told that was made before the bytes came here."""
        self._log.note(code, raw, **words)

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that are complete within what was read so far."""
        deltas: list[Delta] = []
        self.check()
        try:
            if self._body is not None:
                self._feed_body(data, deltas)
            else:
                self._feed_stream(data, deltas)
        except (LineTooLong, NotACompletion) as error:
            self._break(error, deltas)
        return deltas

    def finish(self) -> list[Delta]:
        """The deltas that only the end of the answer completes."""
        deltas: list[Delta] = []
        self.check()
        try:
            if self._body is not None:
                self._read_body(bytes(self._body), deltas)
            else:
                self._end_stream(deltas)
        except (LineTooLong, NotACompletion) as error:
            self._break(error, deltas)
            return deltas
        return deltas + self._deltas.finish()

    def check(self) -> None:
        """Raise what the reading broke off for, if it did."""
        if self.broken is not None:
            raise self.broken

    def _break(self, error: LineTooLong | NotACompletion, deltas: list[Delta]) -> None:
        self.broken = error
        deltas += self._log.take()
        if not deltas:
            raise error

    def _feed_stream(self, data: bytes, deltas: list[Delta]) -> None:
        for event in self._decoder.feed(data):
            deltas += self._deltas.read(event.data, event.event)

    def _end_stream(self, deltas: list[Delta]) -> None:
        for event in self._decoder.finish():
            deltas += self._deltas.read(event.data, event.event)

    def _feed_body(self, data: bytes, deltas: list[Delta]) -> None:
        assert self._body is not None
        self._body += data
        if len(self._body) > LINE_LIMIT:
            self._body.clear()
            raise LineTooLong(f"a body of more than {LINE_LIMIT} bytes")
        start = bytes(self._body[:64]).removeprefix(BYTE_ORDER_MARK).lstrip(_BLANKS)
        if _is_stream(start):
            self._turn_to_stream(deltas)

    def _read_body(self, body: bytes, deltas: list[Delta]) -> None:
        try:
            deltas += self._deltas.read(body.removeprefix(BYTE_ORDER_MARK))
        except NotACompletion:
            # A line of JSON for each chunk, maybe: what can be read of it decides.
            if b"\n" not in body.strip():
                raise
            self._turn_to_stream(deltas)
            self._end_stream(deltas)
            return
        if self._stream_asked and self.failure is None:
            self._log.note("stream_ignored", body)

    def _turn_to_stream(self, deltas: list[Delta]) -> None:
        """Read what has come, and all that comes, as an event stream."""
        body, self._body = bytes(self._body or b""), None
        self._log.note("stream_as_json", body[:64].lstrip(_BLANKS).partition(b":")[0])
        self._deltas.is_stream()
        self._feed_stream(body, deltas)


def _is_stream(start: bytes) -> bool:
    return start.startswith((b"data:", b"event:", b":", b"id:", b"retry:"))
