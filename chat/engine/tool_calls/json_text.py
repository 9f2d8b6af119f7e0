"""Tool calls written as JSON in the text: an object or an array of objects, fenced or not.

Only a turn that begins with such JSON is looked at, and only offered tools count: quoted examples
inside prose stay text.
"""

from __future__ import annotations

from collections.abc import Collection, Generator

from chat.engine.tool_calls.dialect import TextCall
from chat.engine.tool_calls.json_scan import Disproved, OutOfText, Source, load

_FENCE = "```"
_BETWEEN = " \t\r\n,;]"
_FENCE_WORDS = ("", "json", "tool_call", "tool_calls")
_ARGUMENT_KEYS = ("arguments", "parameters")
_PLAIN_KEYS = frozenset({"name", "type", "id", *_ARGUMENT_KEYS})
_WRAPPED_KEYS = frozenset({"function", "type", "id"})
_OUTER_KEYS = _PLAIN_KEYS | {"function", "tool_calls"}


class JsonText:
    """The dialect `json`: withholds text only while it can still be a call."""

    name = "json"

    def __init__(self, tools: Collection[str]) -> None:
        self._tools = tuple(tools)
        self._source = Source()
        self._calls_end = 0
        self._sure: list[TextCall] = []
        self._sure_to = 0
        self._reading: Generator[None, None, None] | None = self._read_turn()

    def feed(self, text: str) -> str:
        """The text that is certainly no call."""
        if self._reading is None:
            return text
        self._source.text += text
        return self._advance()

    def held(self) -> str:
        """The text that is held back now, calls already recognised among it."""
        sure = "".join(call.source for call in self._sure)
        if self._reading is None:
            return sure
        return sure + self._source.text[self._sure_to :]

    def finish(self) -> tuple[str, tuple[TextCall, ...]]:
        """At the end of the turn: the held text that is no call, and the calls."""
        self._source.ended = True
        text = self._advance() if self._reading is not None else ""
        calls, self._sure = tuple(self._sure), []
        return text, calls

    def _advance(self) -> str:
        """Read on; the text released when it turns out that the rest is none."""
        assert self._reading is not None
        try:
            next(self._reading)
            return ""
        except (StopIteration, Disproved, OutOfText):
            self._reading = None
        rest = self._source.text[self._sure_to :]
        if not self._sure:
            return rest
        return "" if not rest.strip(_BETWEEN) else rest.lstrip()

    def _read_turn(self) -> Generator[None, None, None]:
        source = self._source
        if (yield from source.peek()) == "`":
            yield from self._read_fences()
        while True:
            try:
                yield from self._read_body(self._sure)
            finally:
                self._sure_to = self._calls_end
            # Further calls may follow, one to a line or with a mark between them.
            yield from source.peek(blanks=" \t\r\n,;")

    def _read_fences(self) -> Generator[None, None, None]:
        """Fenced calls count only where nothing but blanks stands outside the fences."""
        source = self._source
        found: list[TextCall] = []
        while True:
            try:
                yield from source.peek()
                yield from source.literal(_FENCE)
                yield from source.line(_FENCE_WORDS)
                yield from self._read_body(found)
                while (yield from source.peek()) != "`":
                    yield from self._read_body(found)
                yield from source.literal(_FENCE)
                self._calls_end = source.at
            except OutOfText:
                # A forgotten closing fence is no doubt about the calls.
                if found and not source.text[self._calls_end :].strip(_BETWEEN + "`"):
                    first = _moved(found[0], source.text)
                    self._sure = [first, *(_moved(call, "") for call in found[1:])]
                    self._sure_to = len(source.text)
                raise

    def _read_body(self, calls: list[TextCall]) -> Generator[None, None, None]:
        """One object or array; its calls are added once they are certain."""
        source = self._source
        if (yield from source.expect("{[")) == "{":
            source.at -= 1
            calls += yield from self._read_object(_OUTER_KEYS)
            self._calls_end = source.at
            return
        start = source.at - 1
        found: list[TextCall] = []
        end = start
        try:
            while True:
                yield from source.peek()
                found += yield from self._read_object(_PLAIN_KEYS | _WRAPPED_KEYS, start=start)
                start = end = source.at
                if (yield from source.expect(",]")) == "]":
                    calls += _with_tail(found, source.text[end : source.at])
                    self._calls_end = source.at
                    return
        except OutOfText:
            # Models forget the closing bracket; objects that are whole are calls all the same.
            if found:
                calls += found
                self._calls_end = end
            raise

    def _read_object(
        self, keys: Collection[str], *, start: int | None = None
    ) -> Generator[None, None, list[TextCall]]:
        """A call object, or one that wraps calls; disproved at the first thing that is neither."""
        source = self._source
        yield from source.expect("{")
        start = source.at - 1 if start is None else start
        seen: dict[str, object] = {}
        inner: list[TextCall] = []
        began = source.at - 1
        while True:
            key = yield from source.string(keys)
            if key in seen:
                raise Disproved
            yield from source.expect(":")
            seen[key] = None
            if key == "name":
                seen[key] = yield from source.string(self._tools)
            elif key == "type":
                yield from source.string(("function",))
            elif key == "id":
                seen[key] = yield from source.string()
            elif key == "function":
                yield from source.peek()
                inner = yield from self._read_object(_PLAIN_KEYS)
            elif key == "tool_calls":
                if len(seen) > 1:
                    raise Disproved
                yield from source.peek()
                inner = yield from self._read_list()
                keys = ()
            else:
                if (yield from source.peek()) not in '{"':
                    raise Disproved
                began_value, ended_value = yield from source.value()
                seen[key] = source.text[began_value:ended_value]
            if (yield from source.expect(",}")) == "}":
                break
        load(source.text[began : source.at])
        text = source.text[start : source.at]
        if "tool_calls" in seen:
            return [_moved(call, text if i == 0 else "") for i, call in enumerate(inner)]
        if "function" in seen:
            if set(seen) - _WRAPPED_KEYS:
                raise Disproved
            call = inner[0]
            return [TextCall(call.tool, call.raw_arguments, text, _id(seen) or call.upstream_id)]
        return [_call_of(seen, text)]

    def _read_list(self) -> Generator[None, None, list[TextCall]]:
        source = self._source
        yield from source.expect("[")
        calls: list[TextCall] = []
        while True:
            yield from source.peek()
            calls += yield from self._read_object(_PLAIN_KEYS | _WRAPPED_KEYS)
            if (yield from source.expect(",]")) == "]":
                return calls


def _call_of(seen: dict[str, object], source: str) -> TextCall:
    given = [key for key in _ARGUMENT_KEYS if key in seen]
    name = seen.get("name")
    if not isinstance(name, str) or len(given) != 1:
        raise Disproved
    raw = str(seen[given[0]])
    if raw.startswith('"'):
        # Arguments as text in text, the way of the API itself.
        raw = load(raw)
        if not isinstance(load(raw), dict):
            raise Disproved
    return TextCall(name, raw, source, _id(seen))


def _id(seen: dict[str, object]) -> str | None:
    value = seen.get("id")
    return value if isinstance(value, str) and value else None


def _moved(call: TextCall, source: str) -> TextCall:
    return TextCall(call.tool, call.raw_arguments, source, call.upstream_id)


def _with_tail(calls: list[TextCall], tail: str) -> list[TextCall]:
    return [*calls[:-1], _moved(calls[-1], calls[-1].source + tail)]
