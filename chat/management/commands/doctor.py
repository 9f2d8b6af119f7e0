"""`manage.py doctor SLUG`: examine a route's server and tell what it can do."""

from __future__ import annotations

import asyncio
import difflib
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from chat.database import close_pool_connections
from chat.doctor.desk import Claim, carry_out, claim_now
from chat.doctor.findings import OUTCOME_WORDS, ProbeResult
from chat.doctor.probes import BY_CODE, PROBES, Probe
from chat.doctor.report import COST, Report, report_of, show_value
from chat.models import ModelRoute, RouteCheckup
from chat.services.checkups import forget_old_checkups, open_suggestions

UNUSABLE, UNKNOWN = 1, 2
STYLES = {
    "works": "green",
    "repaired": "yellow",
    "fails": "red",
    "unclear": "cyan",
    "skipped": "dim",
}


class Command(BaseCommand):
    """Examines a route as its page in the admin does, and stores the same."""

    help = f"Examine a route's model server. {COST}"

    def add_arguments(self, parser: CommandParser) -> None:
        """Which route, and in which form."""
        parser.add_argument("slug", help="the route's slug")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Examine; the exit status is 0 for usable, 1 for not, 2 for a slug that is unknown."""
        route = ModelRoute.objects.filter(slug=options["slug"]).first()
        if route is None:
            raise CommandError(_unknown(options["slug"]), returncode=UNKNOWN)
        claim = claim_now(route)
        if claim is None:
            raise CommandError(f"{route} is being examined already. Wait until that has ended.")
        as_json: bool = options["json"]
        try:
            asyncio.run(self._examine(claim, route, silent=as_json))
        finally:
            close_pool_connections()
        forget_old_checkups(route)
        report = report_of(RouteCheckup.objects.select_related("route").get(pk=claim.pk))
        if as_json:
            self.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        else:
            self._print(report, route)
        if report.profile is None or not report.profile.usable:
            sys.exit(UNUSABLE)

    async def _examine(self, claim: Claim, route: ModelRoute, *, silent: bool) -> None:
        console = Console(file=self.stderr, quiet=silent)  # type: ignore[arg-type]
        if not silent:
            console.print(Text(f"{route.slug}: {route.upstream_model} at {route.host}. {COST}"))
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=len(PROBES))

            async def heard(probe: Probe, result: ProbeResult | None) -> None:
                if result is None:
                    progress.update(task, description=probe.title)
                else:
                    progress.advance(task)

            await carry_out(claim, heard)

    def _print(self, report: Report, route: ModelRoute) -> None:
        console = Console(file=self.stdout, soft_wrap=False)  # type: ignore[arg-type]
        if report.checkup.problem:
            console.print(Text(report.checkup.problem))
        if report.results:
            console.print(_table(report))
        if report.not_asked:
            console.print(Text(report.not_asked))
        if report.profile is None:
            return
        console.print(Text(report.profile.in_short, style="bold"))
        for one in report.profile.capabilities:
            console.print(Text(f"  {one.title}: {one.value}"))
        if suggestions := open_suggestions(route, report.profile):
            console.print(Text("Proposed settings (apply them on the route's page):"))
        for suggestion in suggestions:
            to = f"{show_value(suggestion.present)} → {show_value(suggestion.suggested)}"
            console.print(Text(f"  {suggestion.field}: {to}. {suggestion.why}"))
        if report.changes is not None:
            told = "What changed since the last time:" if report.changes else "Nothing changed."
            console.print(Text(told))
        for change in report.changes or ():
            console.print(Text(f"  {change.title}: {change.before} → {change.after}"))


def _table(report: Report) -> Table:
    table = Table()
    table.add_column("Probe", no_wrap=True)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("What was found")
    table.add_column("ms", justify="right")
    for result in report.shown:
        title = BY_CODE[result.code].title if result.code in BY_CODE else result.code
        outcome = Text(OUTCOME_WORDS[result.outcome], style=STYLES[result.outcome])
        table.add_row(title, outcome, Text(result.words_and_repairs), f"{result.milliseconds:,}")
    return table


def _unknown(slug: str) -> str:
    slugs = sorted(ModelRoute.objects.values_list("slug", flat=True))
    near = difflib.get_close_matches(slug, slugs, 1)
    hint = f" The nearest is {near[0]}." if near else ""
    return f"There is no route “{slug}”. The routes are: {', '.join(slugs) or 'none'}.{hint}"
