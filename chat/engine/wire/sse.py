"""Bytes to server-sent events, whatever the cuts between reads.

Follows the WHATWG rules for event streams, and beyond them what model servers do: a whole JSON
object on a bare line, an `error:` field, `data:` lines without the blank line between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson

from chat.engine.repairs import RepairLog

LINE_LIMIT = 8 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# How often the data of an event of many lines is tried as JSON: each time costs its whole length.
_TRIES = 32


class LineTooLong(ValueError):
    """A line, or the data of one event, is longer than any completion needs."""


class ServerEvent(NamedTuple):
    """One event: its name, None where none was sent, and its data as bytes."""

    event: str | None
    data: bytes


class EventDecoder:
    """Incremental decoder: `feed` what was read, `finish` when the stream has ended.

    What it mends is noted in `log`.
    """

    def __init__(self, line_limit: int = LINE_LIMIT, log: RepairLog | None = None) -> None:
        self._line_limit = line_limit
        self._log = RepairLog() if log is None else log
        self._rest = bytearray()
        self._after_cr = False
        self._first_line = True
        self._event: str | None = None
        self._data: list[bytes] = []
        self._data_size = 0
        self._tries = _TRIES
        self._bare: list[bytes] = []
        self._at_rest = True

    def feed(self, data: bytes) -> Iterable[ServerEvent]:
        """The events that end within what was read so far; iterate them before the next call.

        Raises LineTooLong after the events that came before.
        """
        if self._at_rest and (events := _plain_events(data, self._line_limit)):
            self._first_line = False
            return events
        return self._feed_lines(data)

    def finish(self) -> Iterator[ServerEvent]:
        """What the end of the stream completes: servers forget the last blank line."""
        if self._rest:
            line = bytes(self._rest)
            self._rest.clear()
            yield from self._take_line(line)
        yield from self._dispatch()
        if self._bare:
            yield self._take_bare()

    def _feed_lines(self, data: bytes) -> Iterator[ServerEvent]:
        self._at_rest = False
        if self._after_cr and data:
            # A pair cut between its halves is one line end, not two.
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines:
            if self._rest:
                self._check_size(len(self._rest) + len(lines[0]))
                lines[0] = bytes(self._rest) + lines[0]
                self._rest.clear()
            for line in lines:
                yield from self._take_line(line)
        if rest:
            self._rest += rest
            self._check_size(len(self._rest))
        self._at_rest = not (
            self._rest or self._after_cr or self._event or self._data or self._bare
        )

    def _take_line(self, line: bytes) -> Iterator[ServerEvent]:
        self._check_size(len(line))
        if self._first_line:
            line = line.removeprefix(BYTE_ORDER_MARK)
            self._first_line = False
        if self._bare:
            yield from self._take_bare_line(line)
            return
        if not line:
            yield from self._dispatch()
            return
        # A recorded server indents its first line; no field name starts with a blank.
        if line[0] in b" \t":
            line = line.lstrip(b" \t")
            if line:
                self._log.note("line_indented", line)
        if line.startswith(b":"):
            return
        if line.startswith((b"{", b"[{")) or line.rstrip() in (b"[", b"[DONE]"):
            yield from self._dispatch()
            self._log.note("bare_line", line)
            yield from self._take_bare_line(line)
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            yield from self._take_data(value)
        elif name == b"error":
            # GPUStack reports a failure in a field of its own.
            yield from self._dispatch()
            self._log.note("error_field", line)
            self._event = "error"
            yield from self._take_data(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")

    def _take_data(self, value: bytes) -> Iterator[ServerEvent]:
        if self._data and self._begins_another(value):
            self._log.note("blank_line_missing", value)
            event = self._event
            yield from self._dispatch()
            self._event = event
        self._data.append(value)
        self._data_size += len(value) + 1
        self._check_size(self._data_size - 1)

    def _begins_another(self, value: bytes) -> bool:
        """Whether a line of data begins another event: the one so far is whole without it."""
        if not self._tries or not self._data[-1].rstrip().endswith((b"}", b"]")):
            return False
        self._tries -= 1
        return _is_whole(b"\n".join(self._data))

    def _take_bare_line(self, line: bytes) -> Iterator[ServerEvent]:
        if self._bare and line.startswith((b"data:", b"event:")):
            # No JSON goes on like this: the object was cut off, and the stream was not.
            yield self._take_bare()
            yield from self._take_line(line)
            return
        self._bare.append(line)
        self._data_size += len(line) + 1
        self._check_size(self._data_size - 1)
        # A line of its own, or the end of an indented object.
        if (len(self._bare) == 1 and _is_whole(line)) or line.rstrip() in (b"}", b"]"):
            yield self._take_bare()

    def _take_bare(self) -> ServerEvent:
        event = ServerEvent(None, b"\n".join(self._bare))
        self._bare.clear()
        self._data_size = 0
        return event

    def _dispatch(self) -> Iterator[ServerEvent]:
        event, data = self._event, self._data
        self._event, self._data, self._tries = None, [], _TRIES
        if data:
            self._data_size = 0
            yield ServerEvent(event, b"\n".join(data))

    def _check_size(self, size: int) -> None:
        if size > self._line_limit:
            # Nothing is read after it; what was gathered need not stay.
            self._rest.clear()
            self._data.clear()
            self._bare.clear()
            raise LineTooLong(f"more than {self._line_limit} bytes without an end")


def _plain_events(data: bytes, limit: int) -> list[ServerEvent]:
    """The events of a read that is nothing but whole events of one `data:` line; else none.

    So come nearly all reads of nearly all servers.
    """
    if not data.endswith(b"\n\n") or b"\r" in data or len(data) > limit:
        return []
    events = []
    for line in data[:-2].split(b"\n\n"):
        if not line.startswith(b"data: ") or b"\n" in line:
            return []
        events.append(ServerEvent(None, line[6:]))
    return events


def _is_whole(data: bytes) -> bool:
    """Whether the data is complete in itself, so that the next line starts another event."""
    if data.strip() == b"[DONE]":
        return True
    if not data.rstrip().endswith((b"}", b"]")):
        return False
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
