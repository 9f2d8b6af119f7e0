"""What a probe found: an outcome, words for a person, and the first bytes that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Outcome = Literal["works", "repaired", "fails", "unclear", "skipped"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

OUTCOME_WORDS: dict[Outcome, str] = {
    "works": "fine",
    "repaired": "mended",
    "fails": "broken",
    "unclear": "unclear",
    "skipped": "not asked",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe makes of the answers it got; `facts` are what the profile is built from."""

    outcome: Outcome
    words: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A probe's finding with what was mended on the way, how long it took, and the raw answer."""

    code: str
    outcome: Outcome
    words: str
    repairs: tuple[str, ...] = ()
    milliseconds: int = 0
    raw: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether it works, mended or not."""
        return self.outcome in ("works", "repaired")

    @property
    def words_and_repairs(self) -> str:
        """The words with the codes of what was mended, where those do not stand beside."""
        return f"{self.words} Mended: {', '.join(self.repairs)}." if self.repairs else self.words

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {**asdict(self), "repairs": list(self.repairs)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ProbeResult:
        """As it was stored; what a newer version stored beside is left out."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        return cls(**{**known, "repairs": tuple(known.get("repairs", ()))})
