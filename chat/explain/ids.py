"""Ids for calls that came without one, the same at every run."""

from __future__ import annotations

from chat.engine.tool_calls.calls import CallIds


class NumberedIds(CallIds):
    """Gives `call_1`, `call_2`, … where the running site gives random ids."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0

    def give(self, upstream_id: str | None) -> str:
        """The upstream's id where it is unused, else the next number."""
        while not upstream_id or upstream_id in self._used:
            self._number += 1
            upstream_id = f"call_{self._number}"
        return super().give(upstream_id)
