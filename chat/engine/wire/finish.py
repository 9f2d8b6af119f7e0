"""The reasons servers give for ending, as the few words of the Chat Completions format."""

from __future__ import annotations

from chat.engine.completions import FinishDelta
from chat.engine.repairs import RepairLog
from chat.engine.wire.text import storable

_NORMAL = {
    "stop": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "end": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "completed": "stop",
    "finished": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "max_length": "length",
    "max_new_tokens": "length",
    "model_length": "length",
    "token_limit": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "function_calls": "tool_calls",
    "content_filter": "content_filter",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "refusal": "content_filter",
}
# The words of the format itself; `function_call` belongs to its old form.
_OWN = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))


def normalise_finish(original: str) -> str:
    """The normal word for a finish reason; an unknown one stays itself, lower-cased and bounded."""
    word = original.strip().lower()
    return _NORMAL.get(word, word[:64])


class FinishReader:
    """Reads the finish reasons of one answer; the last one counts."""

    def __init__(self, log: RepairLog) -> None:
        self.sent: str | None = None
        """The reason as it was sent; an empty text only where nothing else came."""
        self._log = log

    def read(self, original: object) -> FinishDelta | None:
        """The reason of one choice, None where it has none."""
        if not isinstance(original, str):
            return None
        if not original:
            self.sent = self.sent or ""
            return None
        original = storable(original)
        reason = normalise_finish(original)
        if self.sent and self.sent != original:
            self._log.note("finish_reason_changed")
        self.sent = original
        if original not in _OWN:
            self._log.note("finish_reason_foreign", original=original[:64], reason=reason)
        return FinishDelta(reason, original)
