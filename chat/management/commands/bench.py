"""`manage.py bench CASES`: try cases on routes, in this process or over HTTP, and tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError
from rich.console import Console
from rich.text import Text

from chat.bench.cases import BadSuite, Suite
from chat.bench.stage_runner.case_files import TestCases, find_case_file, read_case_file
from chat.bench.stage_runner.console import Told, print_report
from chat.bench.stage_runner.files import report_json, write_files
from chat.bench.stage_runner.listing import choose_cases, print_cases, print_known
from chat.bench.stage_runner.options import BadOption, Options, add_arguments
from chat.bench.stage_runner.panels import print_panels
from chat.bench.stage_runner.screen import make_console
from chat.bench.stage_runner.sessions import COULD_NOT, STOPPED, USAGE, Ended, Session
from chat.database import close_pool_connections

PASSED, FAILED = 0, 1


class Command(BaseCommand):
    """Runs cases, and ends with a status that a pipeline can go by."""

    help = (
        "Try cases on model routes. Ends with 0 if all passed (or --min-rate was reached), 1 if "
        "not, 2 for a wrong argument or file, 3 if nothing could be tried, 130 if interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """As chat.bench.stage_runner.options has them."""
        add_arguments(parser)

    def handle(self, *args: Any, **given: Any) -> None:
        """Try, tell, and end with the status."""
        out, progress = make_console(self.stdout), make_console(self.stderr)
        try:
            options = Options.read(given)
            told = self._tell(options, out, progress)
        except (BadOption, BadSuite) as error:
            raise CommandError(str(error), returncode=USAGE) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=STOPPED) from None
        except (OperationalError, ProgrammingError) as error:
            words = f"The database does not answer, or does not fit this version ({error})."
            raise CommandError(words, returncode=COULD_NOT) from None
        except Ended as ended:
            raise CommandError(str(ended), returncode=ended.status) from None
        finally:
            close_pool_connections()
        if told is not None and not reaches(told, options.min_rate):
            sys.exit(FAILED)

    def _tell(self, options: Options, out: Console, progress: Console) -> Told | None:
        if options.list_only and not options.cases:
            print_known(out, Path(settings.DATA_DIR) / "bench")
            return None
        cases, name = _read(options)
        if options.list_only:
            print_cases(out, cases)
            return None
        if options.endpoints.shows_its_key:
            progress.print(Text("The key travels unencrypted: the endpoint's address is http."))
        session = Session(options, progress)
        if cases is None or (isinstance(cases, Suite) and not options.endpoint):
            told = session.try_suite_here(cases)
        else:
            told = session.try_ledger(cases, name)
        if options.show == "json":
            self.stdout.write(report_json(told))
        else:
            if options.show == "panels":
                print_panels(out, told)
            print_report(out, told)
        write_files(told, junit=options.junit, json=options.json, csv=options.csv)
        return told


def reaches(told: Told, min_rate: float) -> bool:
    """Whether every route passed the share of its trials that was asked for."""
    targets = told.summary.targets
    return bool(targets) and all(
        figures.tally.ended == figures.total and (figures.tally.rate or 0.0) >= min_rate
        for figures in targets
    )


def _read(options: Options) -> tuple[Suite | TestCases | None, str]:
    """The cases that were asked for and what they are called; none where a run is named."""
    if not options.cases:
        if options.resume is None or options.endpoint:
            raise BadOption("Name a file of cases, or starter for the shipped suite.")
        return None, ""
    path = find_case_file(options.cases)
    cases = choose_cases(read_case_file(path), options.only)
    return cases, cases.name if isinstance(cases, Suite) else path.stem
