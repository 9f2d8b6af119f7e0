"""An examination as people and programs get it: results, profile, and what changed since."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chat.doctor.findings import OUTCOME_WORDS, OUTCOMES, ProbeResult
from chat.doctor.patient import THOUGHT_TOKENS
from chat.doctor.probes import BY_CODE, PROBES
from chat.doctor.profile import Change, Profile, counted, difference
from chat.doctor.run import TOTAL_SECONDS
from chat.models import ModelRoute, RouteCheckup

COST = (
    f"It asks the server {len(PROBES)} small things: about 30 requests of at most 128 tokens, some "
    f"5,000 tokens with the questions, and {TOTAL_SECONDS:g}\u2009s at the longest. A model that "
    f"thinks gets {THOUGHT_TOKENS} tokens more where a call is wanted. Two answers of 256 tokens "
    "are begun and closed at once."
)


@dataclass(frozen=True, slots=True)
class Report:
    """One examination; `changes` is None where there is none before to compare with."""

    checkup: RouteCheckup
    results: tuple[ProbeResult, ...]
    profile: Profile | None
    changes: tuple[Change, ...] | None

    @property
    def seconds(self) -> float | None:
        """How long it took, where it has ended."""
        started, ended = self.checkup.started_at, self.checkup.ended_at
        return (ended - started).total_seconds() if started and ended else None

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """How many probes had each outcome that occurs: its code, its word, the number."""
        counts = counted(self.results)
        return [(one, OUTCOME_WORDS[one], counts[one]) for one in OUTCOMES if one in counts]

    @property
    def not_asked(self) -> str:
        """One sentence for all that was not asked; empty where everything was."""
        skipped = [result for result in self.results if result.outcome == "skipped"]
        if not skipped:
            return ""
        titles = [BY_CODE[r.code].title if r.code in BY_CODE else r.code for r in skipped]
        return f"{skipped[-1].words} Left out: {', '.join(titles)}."

    @property
    def shown(self) -> tuple[ProbeResult, ...]:
        """What was asked."""
        return tuple(result for result in self.results if result.outcome != "skipped")

    @property
    def asked(self) -> int:
        """How many probes were really asked."""
        return len(self.shown)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        checkup = self.checkup
        return {
            "route": checkup.route.slug,
            "model": checkup.model,
            "host": checkup.host,
            "status": checkup.status,
            "problem": checkup.problem,
            "started_at": checkup.started_at.isoformat() if checkup.started_at else None,
            "seconds": self.seconds,
            "results": [result.as_json() for result in self.results],
            "profile": self.profile.as_json() if self.profile else None,
            "changes": None
            if self.changes is None
            else [asdict(change) for change in self.changes],
        }

    def as_text(self) -> str:
        """All of it but the raw bytes, to be put into a letter or an issue."""
        checkup = self.checkup
        when = f"{checkup.started_at:%Y-%m-%d %H:%M} UTC" if checkup.started_at else "not begun"
        lines = [f"{checkup.route.slug}: {checkup.model} at {checkup.host}, {when}"]
        if self.profile is not None:
            lines += ["", self.profile.in_short]
            lines += ["", *(f"{one.title}: {one.value}" for one in self.profile.capabilities)]
        lines.append("")
        for result in self.shown:
            title = BY_CODE[result.code].title if result.code in BY_CODE else result.code
            word = OUTCOME_WORDS[result.outcome]
            lines.append(f"[{word}] {title} ({result.milliseconds} ms): {result.words_and_repairs}")
        if self.not_asked:
            lines.append(self.not_asked)
        if self.profile is not None and self.profile.suggestions:
            lines.append("")
            for one in self.profile.suggestions:
                to = f"{show_value(one.present)} -> {show_value(one.suggested)}"
                lines.append(f"Suggested: {one.field}: {to} ({one.why})")
        return "\n".join(lines)


def report_of(checkup: RouteCheckup) -> Report:
    """The report of an examination, compared with the one before it that came to a profile."""
    results = tuple(map(ProbeResult.from_json, checkup.results))
    if checkup.status != RouteCheckup.Status.DONE:
        return Report(checkup, results, None, None)
    profile = Profile.from_json(checkup.profile)
    rows = RouteCheckup.objects.filter(route=checkup.route_id).ended_with_results()
    before = rows.filter(pk__lt=checkup.pk).first()
    changes = None
    if before is not None:
        earlier = tuple(map(ProbeResult.from_json, before.results))
        changes = tuple(
            difference((earlier, Profile.from_json(before.profile)), (results, profile))
        )
    return Report(checkup, results, profile, changes)


def shown_reports(route: ModelRoute) -> tuple[Report | None, Report | None]:
    """The examination under way or ended last, and the last one that came to a profile."""
    latest = route.checkups.select_related("route").first()
    if latest is None:
        return None, None
    report = report_of(latest)
    if report.profile is not None:
        return report, report
    done = route.checkups.select_related("route").ended_with_results().first()
    return report, report_of(done) if done is not None else None


def show_value(value: Any) -> str:
    """A setting's value for people."""
    if value is None:
        return "not sent"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
