"""Bytes to server-sent events, whatever the cuts between reads.

Follows the WHATWG rules for event streams, and beyond them what model servers do: a whole JSON
object on a bare line, an `error:` field, `data:` lines without the blank line between them.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

LINE_LIMIT = 8 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class LineTooLong(ValueError):
    """A line, or the data of one event, is longer than any completion needs."""


class ServerEvent(NamedTuple):
    """One event: its name, None where none was sent, and its data as bytes."""

    event: str | None
    data: bytes


class EventDecoder:
    """Incremental decoder: `feed` what was read, `finish` when the stream has ended."""

    def __init__(self, line_limit: int = LINE_LIMIT) -> None:
        self._line_limit = line_limit
        self._pieces: list[bytes] = []
        self._pieces_size = 0
        self._after_cr = False
        self._first_line = True
        self._event: str | None = None
        self._data: list[bytes] = []
        self._data_size = 0
        self._bare: list[bytes] = []
        self._at_rest = True

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that end within what was read so far."""
        if self._at_rest and (events := _plain_events(data, self._line_limit)):
            self._first_line = False
            return events
        events = self._feed_lines(data)
        self._at_rest = not (
            self._pieces or self._after_cr or self._event or self._data or self._bare
        )
        return events

    def finish(self) -> list[ServerEvent]:
        """What the end of the stream completes: servers forget the last blank line."""
        events: list[ServerEvent] = []
        if self._pieces:
            self._take_line(b"".join(self._pieces), events)
            self._pieces.clear()
        self._dispatch(events)
        if self._bare:
            events.append(ServerEvent(None, b"\n".join(self._bare)))
            self._bare.clear()
        return events

    def _feed_lines(self, data: bytes) -> list[ServerEvent]:
        events: list[ServerEvent] = []
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
            if self._pieces:
                lines[0] = b"".join((*self._pieces, lines[0]))
                self._pieces.clear()
                self._pieces_size = 0
            for line in lines:
                self._take_line(line, events)
        if rest:
            self._pieces.append(rest)
            self._pieces_size += len(rest)
            self._check_size(self._pieces_size)
        return events

    def _take_line(self, line: bytes, events: list[ServerEvent]) -> None:
        self._check_size(len(line))
        if self._first_line:
            line = line.removeprefix(BYTE_ORDER_MARK)
            self._first_line = False
        if self._bare:
            self._take_bare_line(line, events)
            return
        if not line:
            self._dispatch(events)
            return
        # A recorded server indents its first line; no field name starts with a blank.
        line = line.lstrip(b" \t")
        if line.startswith(b":"):
            return
        if line.startswith(b"{"):
            self._dispatch(events)
            self._take_bare_line(line, events)
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._take_data(value, events)
        elif name == b"error":
            # GPUStack reports a failure in a field of its own.
            self._dispatch(events)
            self._event = "error"
            self._take_data(value, events)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")

    def _take_data(self, value: bytes, events: list[ServerEvent]) -> None:
        if self._data and _is_whole(b"\n".join(self._data)):
            event = self._event
            self._dispatch(events)
            self._event = event
        self._data.append(value)
        self._data_size += len(value) + 1
        self._check_size(self._data_size - 1)

    def _take_bare_line(self, line: bytes, events: list[ServerEvent]) -> None:
        self._bare.append(line)
        self._data_size += len(line) + 1
        self._check_size(self._data_size - 1)
        # A line of its own, or the end of an indented object.
        if (len(self._bare) == 1 and _is_whole(line)) or line.rstrip() == b"}":
            events.append(ServerEvent(None, b"\n".join(self._bare)))
            self._bare.clear()
            self._data_size = 0

    def _dispatch(self, events: list[ServerEvent]) -> None:
        if self._data:
            events.append(ServerEvent(self._event, b"\n".join(self._data)))
            self._data.clear()
            self._data_size = 0
        self._event = None

    def _check_size(self, size: int) -> None:
        if size > self._line_limit:
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
    if not data.rstrip().endswith(b"}"):
        return False
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
