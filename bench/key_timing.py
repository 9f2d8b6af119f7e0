"""How long the answer to a wrong API key takes: not to be told apart by why it is wrong.

Real requests to a real server, one after another on a kept connection, the kinds in random order.
For each kind: the chance that one of its requests takes longer than one with an unknown prefix.
Half means that no number of requests tells the two apart.
"""

from __future__ import annotations

import argparse
import bisect
import http.client
import random
import statistics
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from bench.layout import SINGLE, Layout, add_layout, chosen_layout
from bench.report import Report
from bench.rig import OWNER, Rig
from chat.key_text import key_text_with, make_key_text

ENVIRONMENT = {
    "TOOLBENCH_KEY_FAILURES_PER_MINUTE": "100000000",
    "TOOLBENCH_KEY_REQUESTS_PER_MINUTE": "100000000",
    "TOOLBENCH_USER_REQUESTS_PER_MINUTE": "100000000",
}
PATH = "/v1/models"
STORED_KEYS = 300
WARM_UP = 200
TOLERANCE = 0.05
"""How far from one half the chance may be; with 2000 requests a kind chance alone makes 0.018."""

REFERENCE = "unknown prefix"
TYPO = "mistyped (checksum)"
GOOD = "right key"

_FURNISH = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from chat.models import ApiKey
from chat.services.api_keys import make_key, revoke_key
people = [User.objects.get(username={owner!r})]
people += [User.objects.create_user(f"person{{n}}") for n in range(10)]
for n in range({count}):
    make_key(None, people[n % 11], name="one of many", scopes=["chat"])
def key(owner, **more):
    made = make_key(None, owner, name="x", scopes=["chat"])
    ApiKey.objects.filter(pk=made.key.pk).update(**more)
    print(made.text)
now = timezone.now()
key(people[0], name="good")
key(people[0], revoked_at=now)
key(people[0], expires_at=now - timedelta(days=1))
key(people[1], name="of somebody inactive")
User.objects.filter(pk=people[1].pk).update(is_active=False)
"""


def prove(requests: int, layout: Layout = SINGLE, seed: int | None = None) -> Report:
    """Send so many requests of each kind, and compare."""
    report = Report(f"Time of wrong API keys ({layout}, {requests} requests of each kind)")
    with Rig(layout=layout, environment=ENVIRONMENT) as rig:
        code = _FURNISH.format(owner=OWNER, count=STORED_KEYS)
        printed = rig.server.manage("shell", "-v", "0", "-c", code).split()
        good, revoked, expired, inactive = printed
        prefix = good.split("_")[1]
        tokens = {
            REFERENCE: lambda: make_key_text().text,
            "wrong secret": lambda: key_text_with(prefix).text,
            "wrong secret of a revoked key": lambda: key_text_with(revoked.split("_")[1]).text,
            "revoked": lambda: revoked,
            "expired": lambda: expired,
            "owner inactive": lambda: inactive,
            TYPO: lambda: good[:-1] + ("a" if good[-1] != "a" else "b"),
            GOOD: lambda: good,
        }
        order = [kind for kind in tokens for _ in range(requests)]
        random.Random(seed).shuffle(order)
        times: dict[str, list[float]] = {kind: [] for kind in tokens}
        answers: dict[str, set[tuple[int, bytes]]] = {kind: set() for kind in tokens}
        connection = _connect(rig.url)
        for _ in range(WARM_UP):
            _ask(connection, make_key_text().text)
        for kind in order:
            status, body, seconds = _ask(connection, tokens[kind]())
            times[kind].append(seconds)
            answers[kind].add((status, body))
        connection.close()
    _tell(report, times)
    wrong = set().union(*(answers[kind] for kind in tokens if kind != GOOD))
    report.promise(len(wrong) == 1, f"{len(wrong)} different answers to wrong keys")
    report.promise({status for status, _ in wrong} == {401}, "a wrong key was not answered 401")
    report.promise({status for status, _ in answers[GOOD]} == {200}, "the right key was refused")
    return report


def _tell(report: Report, times: dict[str, list[float]]) -> None:
    reference = sorted(times[REFERENCE])
    median = statistics.median(reference)
    rows = []
    for kind, seconds in times.items():
        chance = chance_longer(seconds, reference)
        quartiles = statistics.quantiles(seconds, n=4)
        rows.append(
            (
                kind,
                f"{statistics.median(seconds) * 1e6:.0f} µs",
                f"{(statistics.median(seconds) - median) * 1e6:+.0f} µs",
                f"{(quartiles[2] - quartiles[0]) * 1e6:.0f} µs",
                f"{chance:.3f}",
            )
        )
        # A typo is told without asking the database: it says nothing of any key that there is.
        if kind not in (TYPO, GOOD):
            report.promise(
                abs(chance - 0.5) <= TOLERANCE,
                f"{kind}: longer than {REFERENCE} with a chance of {chance:.3f}",
            )
    report.table(("key", "median", "difference", "quartiles apart", "chance longer"), rows)


def chance_longer(these: Sequence[float], those: Sequence[float]) -> float:
    """The chance that one of these is longer than one of those, which are sorted."""
    below = sum(bisect.bisect_left(those, one) + bisect.bisect_right(those, one) for one in these)
    return below / 2 / len(these) / len(those)


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)


def _ask(connection: http.client.HTTPConnection, token: str) -> tuple[int, bytes, float]:
    headers = {"Authorization": f"Bearer {token}"}
    begin = time.perf_counter()
    connection.request("GET", PATH, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, body, time.perf_counter() - begin


def main() -> int:
    """Read the command line, prove, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000, help="of each kind (2000)")
    parser.add_argument("--seed", type=int, help="of their order")
    add_layout(parser)
    arguments = parser.parse_args()
    return prove(arguments.requests, chosen_layout(arguments), arguments.seed).finish()


if __name__ == "__main__":
    raise SystemExit(main())
