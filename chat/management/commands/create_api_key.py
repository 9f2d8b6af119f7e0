"""`manage.py create_api_key`: an API key for a person, printed once."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chat.models import ModelRoute
from chat.policy import SCOPES
from chat.services import Refused
from chat.services.api_keys import end_of, make_key


class Command(BaseCommand):
    """Prints the key alone on standard output, so that a script can take it."""

    help = "Make an API key for a person. It is printed once and stored nowhere in the clear."

    def add_arguments(self, parser: CommandParser) -> None:
        """The person, and what the key is for."""
        parser.add_argument("user", metavar="USER", help="whose key it is, by user name")
        parser.add_argument("--name", required=True, help="what will use it")
        parser.add_argument(
            "--scopes",
            default="chat,tools",
            help=f"what it may do, separated by commas: {', '.join(SCOPES)} (default: chat,tools)",
        )
        parser.add_argument(
            "--routes",
            metavar="SLUGS",
            help="the routes it may use, separated by commas (default: all that the person may)",
        )
        parser.add_argument(
            "--expires", metavar="DATE", help="the last day on which it works, as 2027-01-31"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it; what there is to say about it goes to standard error."""
        owner = User.objects.filter(username=options["user"]).first()
        if owner is None:
            raise CommandError(f"There is no user “{options['user']}”.")
        try:
            made = make_key(
                None,
                owner,
                name=options["name"],
                scopes=_parts(options["scopes"]),
                routes=_routes(options["routes"]),
                expires_at=_expiry(options["expires"]),
            )
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        key = made.key
        routes = "all routes" if key.all_routes else options["routes"]
        until = (
            f"through {options['expires']} ({timezone.get_current_timezone_name()})"
            if key.expires_at
            else "until it is revoked"
        )
        self.stderr.write(
            f"A key of {owner.get_username()} for {', '.join(key.scopes)} on {routes}, good "
            f"{until}. It is not shown again:",
            style_func=str,
        )
        self.stdout.write(made.text)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _routes(text: str | None) -> list[ModelRoute] | None:
    if text is None:
        return None
    slugs = _parts(text)
    found = {route.slug: route for route in ModelRoute.objects.filter(slug__in=slugs)}
    for slug in slugs:
        if slug not in found:
            raise CommandError(f"There is no route “{slug}”.")
    return list(found.values())


def _expiry(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return end_of(date.fromisoformat(text))
    except ValueError:
        raise CommandError("Write the last day as 2027-01-31.") from None
