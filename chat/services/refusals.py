"""Refused: what a service says when it will not do what was asked."""

from __future__ import annotations

from typing import Any

from chat.protocol import RefusalCode


class Refused(Exception):
    """A command is refused and nothing was changed; `message` is in a person's words."""

    def __init__(self, code: RefusalCode, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.more = more


def not_found(what: str) -> Refused:
    """The refusal for what does not exist, or does not exist for this person."""
    return Refused("not_found", f"There is no such {what}, or it is not yours to see.")
