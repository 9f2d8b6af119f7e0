"""One answer as it comes over HTTP: its pieces to deltas, and what is wrong to errors."""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime

from chat.engine import upstream_words as words
from chat.engine.completions import Delta, RouteSettings
from chat.engine.errors import UpstreamError, UpstreamMalformed
from chat.engine.wire.encoding import UnknownEncoding, Unpacker, packing_of
from chat.engine.wire.failures import Failure, body_words
from chat.engine.wire.payload import NotACompletion
from chat.engine.wire.reader import CompletionReader
from chat.engine.wire.sse import LineTooLong


class IncomingAnswer:
    """Reads the body of a successful response; raises the UpstreamError that fits, or keeps it."""

    def __init__(self, route: RouteSettings, headers: Mapping[str, str], asked: bytes) -> None:
        self._route = route
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._kind = kind or "something without a content type"
        self._reader = CompletionReader(
            whole=kind.endswith("json"),
            # Quotes inside a text are escaped: this is a field, ours.
            stream_asked=b'"stream":true' in asked,
            secret=route.api_key,
        )
        self._packing = packing_of(headers.get("content-encoding", ""))
        self._unpacker = self._make_unpacker() if self._packing else None
        self.error: UpstreamError | None = None
        self._opened = False
        self._late: list[Delta] = []

    @property
    def failure(self) -> Failure | None:
        """What the upstream said about its failure, where it reported one."""
        return self._reader.failure

    @property
    def done(self) -> bool:
        """Whether the stream's end marker was read."""
        return self._reader.done

    @property
    def payloads(self) -> int:
        """How many payloads were read."""
        return self._reader.payloads

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """What a network read holds; an empty one, for the end, stays one."""
        return (data,) if self._unpacker is None or not data else self._unpacked(data)

    def read(self, data: bytes, broken: str | None) -> Sequence[Delta]:
        """The deltas of a piece; none is the end, which `broken` gives another reason for.

        What breaks the reading off stands in `error` afterwards: the deltas before it count.
        """
        if not self._opened and data:
            self._open(data)
        deltas: Sequence[Delta] = ()
        with suppress(LineTooLong, NotACompletion):
            deltas = self._reader.feed(data) if data else self._reader.finish()
        if self._reader.broken is not None:
            self.error = self._error_of(self._reader.broken, not data, broken)
        return deltas

    def read_past_end(self, data: bytes) -> None:
        """Look at what comes after the end marker; it means nothing, but is told."""
        for piece in self.pieces(data):
            self._late += self._reader.feed(piece)

    def finish(self) -> Sequence[Delta]:
        """What only the end tells, after the end marker."""
        return [*self._late, *self._reader.finish()]

    def check_end(self, broken: str | None) -> None:
        """At the end of the response: an error where the answer itself has not ended."""
        reader = self._reader
        if reader.payloads and not reader.answered and broken is None:
            raise self._malformed("It sent JSON that is no chat completion.", reader.first)
        if reader.complete:
            return
        if broken is not None:
            raise words.broken_off(self._route, broken)
        if reader.payloads == 0:
            raise self._malformed(f"It sent no chat completion, but {self._kind}.")
        raise words.broken_off(self._route, "ended without finish reason and without [DONE]")

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        assert self._unpacker is not None
        try:
            yield from self._unpacker.feed(data)
        except UnknownEncoding:
            raise self._malformed(f"Its answer says it is {self._packing}, and is not.") from None

    def _error_of(
        self, cause: LineTooLong | NotACompletion, at_end: bool, broken: str | None
    ) -> UpstreamError:
        if isinstance(cause, LineTooLong):
            return self._malformed("It sent a line of more than 8 MiB without an end.")
        if at_end and (broken is not None or self._reader.payloads):
            return words.broken_off(self._route, broken or "cut in a line")
        return self._malformed("It sent something that is no JSON object.", str(cause))

    def _open(self, data: bytes) -> None:
        start = data.lstrip()
        if not start:
            return
        self._opened = True
        if start.startswith(b"<"):
            # A login page, a proxy's notice: no line of it may be taken for an answer.
            title = body_words(start)
            named = f" with the title “{title}”" if title else ""
            raise self._malformed(f"It sent a web page ({self._kind}){named}.")
        if self._packing:
            self._reader.note("encoding_unasked", b"", encoding=self._packing)

    def _make_unpacker(self) -> Unpacker:
        assert self._packing is not None
        try:
            return Unpacker(self._packing)
        except UnknownEncoding:
            raise self._malformed(
                f"It sent its answer packed as {self._packing[:40]}, though that was not asked for."
            ) from None

    def _malformed(self, reason: str, excerpt: str = "") -> UpstreamMalformed:
        return words.malformed(self._route, reason, excerpt, begun=self._reader.payloads > 0)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number or an HTTP date (RFC 9110, 10.2.3), or ms."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * unit
        except ValueError:
            continue
        return seconds if 0 <= seconds < 1e9 else None
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, at.timestamp() - time.time())


def connect_reason(error: Exception) -> tuple[str, bool]:
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
