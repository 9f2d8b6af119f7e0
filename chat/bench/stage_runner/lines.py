"""Lines of a byte stream, and the server-sent events they make.

Split at CR, LF and CRLF only, as the WHATWG rules say: a JSON text may hold U+2028 and its like,
at which `str.splitlines` and the line readers built on it would cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from chat.bench.stage_runner.outputs import Frame


class LineReader:
    """Bytes in, whole lines out."""

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that end within what was read so far."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        data = self._rest + data
        self._after_cr = data.endswith(b"\r")
        *lines, self._rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")


class FrameReader:
    """Lines in, events out; an event that the end of the stream cuts off is none."""

    def __init__(self) -> None:
        self._lines = LineReader()
        self._event = ""
        self._id = ""
        self._data: list[str] = []

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The events that end within what was read so far."""
        for line in self._lines.feed(data):
            if not line:
                yield from self._dispatch()
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                self._data.append(value)
            elif name == "event":
                self._event = value
            elif name == "id":
                self._id = value

    def _dispatch(self) -> Iterator[Frame]:
        event, data = self._event, self._data
        self._event, self._data = "", []
        if data:
            yield Frame(event=event or "message", id=self._id, data="\n".join(data))
