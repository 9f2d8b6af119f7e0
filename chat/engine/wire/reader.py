"""Everything between the bytes of an answer and its deltas, streamed or whole."""

from __future__ import annotations

from chat.engine.completions import Delta
from chat.engine.wire.deltas import DeltaReader
from chat.engine.wire.sse import LINE_LIMIT, EventDecoder, LineTooLong


class CompletionReader:
    """Reads one answer: `feed` each network read, then `finish`.

    A whole JSON body and an event stream give the same deltas. Raises LineTooLong and
    NotACompletion.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._decoder = EventDecoder()
        self._body: list[bytes] | None = [] if whole else None
        self._body_size = 0
        self._deltas = DeltaReader()

    @property
    def failure(self) -> str | None:
        """The upstream's words about its failure, where it reported one."""
        return self._deltas.failure

    @property
    def done(self) -> bool:
        """Whether the stream's end marker was read; what comes after it means nothing."""
        return self._deltas.done

    @property
    def complete(self) -> bool:
        """Whether the answer came to an end of its own: a reason, a marker, or a whole body."""
        whole = self._body is not None and self._deltas.payloads > 0
        return whole or self._deltas.done or self._deltas.finished

    @property
    def payloads(self) -> int:
        """How many payloads were read: a sign of life even where they hold no text."""
        return self._deltas.payloads

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that are complete within what was read so far."""
        if self._body is not None:
            self._body.append(data)
            self._body_size += len(data)
            if self._body_size > LINE_LIMIT:
                raise LineTooLong(f"a body of more than {LINE_LIMIT} bytes")
            return []
        deltas: list[Delta] = []
        for event in self._decoder.feed(data):
            deltas += self._deltas.read(event.data, event.event)
        return deltas

    def finish(self) -> list[Delta]:
        """The deltas that only the end of the answer completes."""
        deltas: list[Delta] = []
        if self._body is not None:
            deltas += self._deltas.read(b"".join(self._body))
        else:
            for event in self._decoder.finish():
                deltas += self._deltas.read(event.data, event.event)
        return deltas + self._deltas.finish()
