"""How a demo model behaves: the plain one well, the others wrongly on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from chat.demo.reply import DemoCall, Reply

PIECES_PER_SECOND = 40.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a demo model does with a reply before it is said; the defaults are good manners."""

    first_token_seconds: float = 0.0
    pieces_per_second: float = PIECES_PER_SECOND
    # After so many pieces: an error object in the stream, or an end without finish reason.
    fails_after: int | None = None
    breaks_off_after: int | None = None
    calls_as_text: bool = False
    merges_indexes: bool = False
    never_ends: bool = False
    # Slips that are mended, each a repair of the stage.
    omits_indexes: bool = False
    repeats_names: bool = False
    writes_python: bool = False
    omits_done: bool = False

    def shape(self, reply: Reply) -> Reply:
        """The reply as this model words it."""
        if self.calls_as_text and reply.calls:
            return replace(reply, text=_calls_as_text(reply.calls), calls=())
        return reply

    def place(self, number: int, call_id: str) -> dict[str, Any]:
        """What says to which call a fragment of the `number`-th one belongs."""
        if self.omits_indexes:
            return {"id": call_id}
        return {"index": 0 if self.merges_indexes else number}

    def written(self, call: DemoCall) -> str:
        """The text of a call's arguments."""
        return repr(call.arguments) if self.writes_python else call.raw_arguments


def endless_lines() -> Iterator[str]:
    """Numbered lines for ever."""
    for number in count(1):
        yield f"\nLine {number} of an answer that never ends."


def _calls_as_text(calls: tuple[DemoCall, ...]) -> str:
    written = [{"name": call.tool, "arguments": call.arguments} for call in calls]
    value = written[0] if len(written) == 1 else written
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"
