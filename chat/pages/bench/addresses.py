"""Where a run's page leads: what is chosen on it stands in its address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse

from chat.bench.summary import Target

VIEWS = ("passes", "time", "cost", "repairs")
"""What the cells of the grid can show; the first is what they show unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen on a run's page."""

    show: str = VIEWS[0]
    case: str = ""
    on: str = ""
    against: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> Chosen:
        """As an address says it; what it does not know is as if it were absent."""
        show = query.get("show", "")
        return cls(
            show=show if show in VIEWS else VIEWS[0],
            case=query.get("case", "")[:80],
            on=query.get("on", "")[:80],
            against=_run_id(query.get("against", "")),
        )

    def address(self, **changes: str) -> str:
        """The address with something else chosen, from where the page stands."""
        other = replace(self, **changes)
        given = {
            "show": other.show if other.show != VIEWS[0] else "",
            "against": other.against,
            "case": other.case,
            "on": other.on,
        }
        return f"?{urlencode({name: value for name, value in given.items() if value})}"

    def is_of(self, case_id: str, target: Target) -> bool:
        """Whether this cell is the chosen one."""
        return self.case == case_id and self.on == target_key(target)


def target_key(target: Target) -> str:
    """A target as it stands in addresses."""
    return target.route if target.tool_mode == "native" else f"{target.route},{target.tool_mode}"


def stage_address(conversation_id: UUID, stage_id: UUID) -> str:
    """A stage in its conversation, the branch through it shown."""
    page = reverse("chat:conversation", args=[conversation_id])
    return f"{page}?leaf={stage_id}#stage-{stage_id}"


def _run_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""
