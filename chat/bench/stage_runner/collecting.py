"""Events of a stream, put together: text, tool calls, summary, and how it ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, cast

import orjson

from chat.bench.stage_runner.outputs import Frame, StreamedCall, StreamOutput, Terminal

TERMINAL = ("done", "cancel", "error")
# Of the two events that carry a chunk of OpenAI's shape, the field it is in.
CHUNK_FIELDS = {"chat_completion_chunk": "chunk", "tool_completion_chunk": "tool_results"}
KNOWN = (*CHUNK_FIELDS, "tool_summary", *TERMINAL)


@dataclass(slots=True)
class _Growing:
    """A call whose fragments still come."""

    round: int
    index: int
    call_id: str
    tool: str = ""
    arguments: str = ""


class Collector:
    """Takes the frames of one stream in their order."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.unreadable: list[Frame] = []
        """Frames whose data is not what their name promises."""
        self.has_content = False
        """Whether the model has said or called anything yet."""
        self.terminal: Terminal | None = None
        self._text: list[str] = []
        self._answer: list[str] = []
        self._calls: list[_Growing] = []
        self._round = 1
        self._summary: dict[str, str] = {}
        self._error_code = self._error_message = self._finish_reason = ""
        self._usage: dict[str, int] = {}

    def take(self, frame: Frame) -> None:
        """One event. What comes after the terminal event is kept as a frame and not read."""
        self.frames.append(frame)
        if self.terminal is not None:
            return
        if frame.event not in KNOWN:
            return
        try:
            self._read(frame.event, orjson.loads(frame.data))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            self.unreadable.append(frame)

    def output(self) -> StreamOutput:
        """All that came so far."""
        return StreamOutput(
            frames=tuple(self.frames),
            text="".join(self._text),
            answer="".join(self._answer),
            calls=tuple(StreamedCall(**asdict(call)) for call in self._calls),
            summary=dict(self._summary),
            terminal=self.terminal,
            error_code=self._error_code,
            error_message=self._error_message,
            finish_reason=self._finish_reason,
            usage=self._usage or None,
        )

    def _read(self, event: str, data: dict[str, Any]) -> None:
        if event in CHUNK_FIELDS:
            self._read_chunk(data[CHUNK_FIELDS[event]])
        elif event == "tool_summary":
            for call_id, text in data["tool_summary"].items():
                self._summary[call_id] = as_text(text)
            self._round += 1
            self._answer.clear()
        else:
            self.terminal = cast(Terminal, event)
            self._error_code = str(data.get("code") or "") if event == "error" else ""
            self._error_message = as_text(data.get("error") or "") if event == "error" else ""

    def _read_chunk(self, chunk: dict[str, Any]) -> None:
        for name, figure in (chunk.get("usage") or {}).items():
            # A stage of several requests has several reports.
            if isinstance(figure, int):
                self._usage[name] = self._usage.get(name, 0) + figure
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                self.has_content = True
                self._text.append(text)
                self._answer.append(text)
            for fragment in delta.get("tool_calls") or ():
                self.has_content = True
                self._read_fragment(fragment)
            self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def _read_fragment(self, fragment: dict[str, Any]) -> None:
        index = int(fragment.get("index") or 0)
        function = fragment.get("function") or {}
        call = self._call_of(index, fragment.get("id") or "")
        call.call_id = call.call_id or fragment.get("id") or ""
        call.tool = call.tool or function.get("name") or ""
        call.arguments += function.get("arguments") or ""

    def _call_of(self, index: int, call_id: str) -> _Growing:
        """The call a fragment belongs to: by its id where it has one, else by its index."""
        for call in reversed(self._calls):
            if call.round != self._round:
                break
            has_both = bool(call_id and call.call_id)
            if call.call_id == call_id if has_both else call.index == index:
                return call
        self._calls.append(_Growing(self._round, index, call_id))
        return self._calls[-1]


def as_text(value: Any) -> str:
    """A value of a result as text: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
