"""A complete tool call, however the model wrote it, and the ids that calls go by."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

ID_LIMIT = 128


@dataclass(frozen=True, slots=True)
class AssembledCall:
    """A call as the model made it: its argument text is raw, its id unique in the conversation."""

    call_id: str
    upstream_id: str | None
    tool: str
    raw_arguments: str
    origin: str = "native"
    repairs: tuple[str, ...] = ()
    arguments_sent: bool = True
    """False where no argument text came and `raw_arguments` stands for none."""
    complete: bool = True
    """False where a call written as text broke off or was cut."""
    closed: bool = True
    """False where only the end of the text ended a call written as text."""


class CallIds:
    """Gives out call ids: the upstream's own where it is unused, else one of ours."""

    def __init__(self, used: Iterable[str] = ()) -> None:
        self._used = set(used)

    def give(self, upstream_id: str | None) -> str:
        """An id that no other call of the conversation has."""
        call_id = upstream_id
        while not call_id or len(call_id) > ID_LIMIT or call_id in self._used:
            call_id = f"call_{secrets.token_hex(12)}"
        self._used.add(call_id)
        return call_id
