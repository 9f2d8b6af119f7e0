"""Finding: one thing that was expected of a trial, and whether it came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

STAGE = "STAGE_FAILED"
CALL_MISSING = "CALL_MISSING"
ARGUMENTS = "WRONG_ARGUMENTS"
COUNT = "CALL_COUNT"
ORDER = "CALL_ORDER"
PARALLEL = "NOT_PARALLEL"
CALLED = "UNWANTED_CALL"
ASKS = "NOT_ASKED"
TEXT = "TEXT"
JUDGE = "JUDGED_FAILED"
JUDGE_FAILED = "JUDGE_FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, in short words; `code` groups what went wrong and is empty where it is ok."""

    ok: bool
    what: str
    detail: str = ""
    code: str = ""
    turn: int | None = None
    """From 1, in cases of several turns."""
    stage_id: UUID | None = None
    """The judge's stage."""

    def as_json(self) -> dict[str, Any]:
        """As a trial stores it."""
        stored: dict[str, Any] = {"ok": self.ok, "what": self.what}
        if self.detail:
            stored["detail"] = self.detail
        if self.code:
            stored["code"] = self.code
        if self.turn is not None:
            stored["turn"] = self.turn
        if self.stage_id is not None:
            stored["stage_id"] = str(self.stage_id)
        return stored

    def __str__(self) -> str:
        turn = f"turn {self.turn}: " if self.turn is not None else ""
        return f"{turn}{self.what}{f' ({self.detail})' if self.detail else ''}"


def verdict(findings: Sequence[Finding]) -> tuple[bool, str, str]:
    """Whether all came true, else the first one's code and words."""
    for finding in findings:
        if not finding.ok:
            return False, finding.code, str(finding)
    return True, "", ""
