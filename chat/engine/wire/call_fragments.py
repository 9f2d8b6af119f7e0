"""Tool calls of a message or a delta as fragments, however a server nests and names their parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chat.engine.completions import ToolCallDelta
from chat.engine.redaction import redact
from chat.engine.repairs import RAW_LIMIT, RepairLog
from chat.engine.wire.text import TextMender, storable, storable_json

_ARGUMENT_FIELDS = ("arguments", "parameters", "args", "input")
# Every call has a mender; a server that counts without end gets none of its own any more.
_MENDERS_LIMIT = 256


class CallReader:
    """Reads the fragments of one answer's calls."""

    def __init__(self, log: RepairLog, secret: str = "") -> None:
        self._log = log
        self._secret = secret
        self._menders: dict[int | None, TextMender] = {}

    def read(self, message: dict[str, Any], *, streamed: bool) -> Iterator[ToolCallDelta]:
        """The fragments of one message. In a whole one each entry is a call of its own."""
        calls = message.get("tool_calls")
        if isinstance(calls, dict):
            self._log.note("tool_calls_object")
            calls = [calls]
        if isinstance(calls, list) and calls:
            for place, call in enumerate(calls):
                if isinstance(call, dict):
                    index = self._index(call) if streamed else place
                    yield self._fragment(call, index)
            return
        legacy = message.get("function_call")
        # Some servers fill the old field with empty texts.
        if isinstance(legacy, dict) and (legacy.get("name") or legacy.get("arguments")):
            self._log.note("function_call_legacy")
            yield self._fragment({"function": legacy}, 0)

    def finish(self) -> Iterator[ToolCallDelta]:
        """Halves of characters that found no other."""
        for index, mender in self._menders.items():
            if rest := mender.finish():
                yield ToolCallDelta(index, None, None, rest)

    def _index(self, call: dict[str, Any]) -> int | None:
        value = call.get("index")
        if type(value) is int:
            return value
        if isinstance(value, str) and value.isdecimal() and len(value) < 10:
            self._log.note("tool_index_text")
            return int(value)
        self._log.note("tool_index_missing")
        return None

    def _fragment(self, call: dict[str, Any], index: int | None) -> ToolCallDelta:
        function = call.get("function")
        if not isinstance(function, dict):
            function = call
            if call.get("name") or any(call.get(field) for field in _ARGUMENT_FIELDS):
                self._log.note("tool_call_flat")
        name, call_id = function.get("name"), call.get("id")
        if type(call_id) is int:
            call_id = str(call_id)
        return ToolCallDelta(
            index=index,
            id=storable(call_id) if isinstance(call_id, str) and call_id else None,
            name=storable(name) if isinstance(name, str) and name else None,
            arguments=self._arguments(function, index),
            raw=self._raw(),
        )

    def _arguments(self, function: dict[str, Any], index: int | None) -> Any:
        arguments = function.get("arguments")
        if arguments is None:
            for field in _ARGUMENT_FIELDS[1:]:
                if function.get(field) is not None:
                    arguments = function[field]
                    self._log.note("args_elsewhere", field=field)
                    break
        if not isinstance(arguments, str):
            return storable_json(arguments)
        mender = self._menders.get(index)
        if mender is None:
            if len(self._menders) >= _MENDERS_LIMIT:
                return storable(arguments)
            mender = self._menders[index] = TextMender(self._log)
        return mender.feed(arguments)

    def _raw(self) -> bytes:
        raw = self._log.raw
        if self._secret and self._secret.encode() in raw:
            return redact(raw.decode("utf-8", "replace"), self._secret).encode()
        return raw[: 4 * RAW_LIMIT]
