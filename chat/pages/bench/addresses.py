"""Where a run's page leads: what is chosen on it stands in its address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict

VIEWS = ("passes", "time", "cost", "repairs")
"""What the cells of the grid can show; the first is what they show unless told otherwise."""

NO_RUN = "none"


@dataclass(frozen=True, slots=True)
class Target:
    """A route and how it is given tools."""

    route: str
    tool_mode: str

    @property
    def key(self) -> str:
        """As it stands in addresses."""
        return self.route if self.tool_mode == "native" else f"{self.route},{self.tool_mode}"


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


def _run_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""
