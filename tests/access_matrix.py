"""Who gets what at every address and socket command, as a table that tests hold the site to.

`python -m tests.access_matrix` prints what the site really answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.access_matrix_of_keys import KEYS

ROLES = ("logged out", "stranger", "colleague", "owner", "reviewer", "admin")
OUT = "ACCESS_MATRIX_OUT"

Answers = tuple[str, str, str, str, str, str]
"""What each role gets, in the order of ROLES.

A status; `log in` where the log-in page is what comes; `→ /path/` where another page comes.
"""


def all_get(answer: str) -> Answers:
    """The same for everybody."""
    return (answer,) * 6


def members(answer: str) -> Answers:
    """Everybody who is logged in."""
    return ("log in", *(answer,) * 5)


def readers(answer: str) -> Answers:
    """Owner, reviewer and admin; for the others it does not exist."""
    return ("log in", "404", "404", answer, answer, answer)


def only_owner(answer: str) -> Answers:
    """The owner; for the others there is nothing to write to."""
    return ("log in", "404", "404", answer, "404", "404")


def admins(answer: str) -> Answers:
    """Staff; others are refused, or asked to log in."""
    return ("log in", "403", "403", "403", "403", answer)


@dataclass(frozen=True)
class Rule:
    """What an address answers to GET, and to POST with a CSRF token where it takes one."""

    get: Answers
    post: Answers | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    csrf_exempt: bool = False
    is_live: bool = False
    """Whether only a serving process answers it, which sees what is committed."""


PAGES: dict[str, Rule] = {
    "": Rule(members("200")),
    "conversations/": Rule(members("200")),
    "c/<uuid:conversation_id>/": Rule(readers("200")),
    "c/<uuid:conversation_id>/turn/<uuid:stage_id>/": Rule(readers("200")),
    "c/<uuid:conversation_id>/rename/": Rule(
        all_get("405"), only_owner("→ /c/…/"), {"title": "Another title"}
    ),
    "c/<uuid:conversation_id>/delete/": Rule(all_get("405"), only_owner("→ /")),
    "accounts/": Rule(members("200")),
    "accounts/login/": Rule(("log in", *("→ /",) * 5)),
    "accounts/logout/": Rule(("log in", *("200",) * 5), all_get("log in")),
    "accounts/inactive/": Rule(all_get("200")),
    "accounts/reauthenticate/": Rule(members("200")),
    "accounts/password/change/": Rule(members("200")),
    "accounts/password/set/": Rule(members("→ /accounts/password/change/")),
    "accounts/keys/": Rule(members("200")),
    "accounts/keys/new/": Rule(members("200"), members("→ /accounts/keys/")),
    "accounts/keys/<int:key_id>/revoke/": Rule(only_owner("200"), only_owner("→ /accounts/keys/")),
    "healthz": Rule(all_get("200")),
    "setup/<str:token>/": Rule(all_get("404"), all_get("404")),
    "setup/<str:token>/found/": Rule(all_get("404")),
    # The demo model asks for its own key, not for a person.
    "demo/v1/models": Rule(all_get("401"), csrf_exempt=True),
    "demo/v1/chat/completions": Rule(all_get("401"), all_get("401"), csrf_exempt=True),
    # Programs start stages with a key; a session opens nothing here.
    "stream/v1/chat": Rule(all_get("405"), all_get("401"), csrf_exempt=True),
    "stream/v1/toolchain": Rule(all_get("405"), all_get("401"), csrf_exempt=True),
    "completion/v1/chat": Rule(all_get("405"), all_get("401"), csrf_exempt=True),
    "completion/v1/toolchain": Rule(all_get("405"), all_get("401"), csrf_exempt=True),
    "stream/v1/stages/<uuid:stage_id>": Rule(
        ("401", "404", "404", "200", "200", "200"), csrf_exempt=True, is_live=True
    ),
    "v1/models": Rule(all_get("401"), csrf_exempt=True),
    "v1/models/<str:slug>": Rule(all_get("401"), csrf_exempt=True),
    "v1/chat/completions": Rule(all_get("405"), all_get("401"), csrf_exempt=True),
    "v1/<path:rest>": Rule(all_get("401"), all_get("401"), csrf_exempt=True),
    # What runs here is told to those who may use it; a key opens the documents too.
    "api/": Rule(members("200")),
    **{
        f"api/{name}.{form}": Rule(("401", *("200",) * 5), csrf_exempt=True, is_live=True)
        for name in ("openapi", "asyncapi")
        for form in ("json", "yaml")
    },
    "admin/": Rule(admins("200")),
    "admin/login/": Rule(admins("→ /admin/")),
    "admin/logout/": Rule(admins("405")),
    "admin/password_change/": Rule(admins("200")),
    "admin/password_change/done/": Rule(admins("200")),
    "admin/autocomplete/": Rule(admins("403")),
    "admin/jsi18n/": Rule(admins("200")),
    "admin/r/<path:content_type_id>/<path:object_id>/": Rule(admins("404")),
    "admin/^(?P<app_label>auth|tools|chat)/$": Rule(admins("200")),
    "admin/(?P<url>.*)$": Rule(admins("404")),
    "admin/auth/user/<id>/password/": Rule(admins("200")),
    "admin/chat/modelroute/checks/": Rule(admins("200")),
    "admin/chat/modelroute/found/": Rule(admins("200")),
    "admin/chat/modelroute/<int:pk>/check/": Rule(admins("→ change/")),
    "admin/chat/modelroute/<int:pk>/doctor/": Rule(admins("200")),
}

_RUN = "bench/runs/<uuid:run_id>/"
_SUITE = "bench/suites/<int:suite_id>/"
_SHIPPED = "bench/shipped/<slug:name>/"
_TO_RUN, _TO_SUITE = "→ /bench/runs/…/", "→ /bench/suites/…/"
_START = {"route": "small", "tool_mode": "native", "tries": "1", "category": "simple"}
_CASE = "{id: one, prompt: Go.}"

PAGES |= {
    "bench/": Rule(members("200")),
    "bench/suites/new/": Rule(
        members("200"), members(_TO_SUITE), {"text": f"{{suite: new, cases: [{_CASE}]}}"}
    ),
    _SUITE: Rule(readers("200")),
    f"{_SUITE}edit/": Rule(
        only_owner("200"), only_owner(_TO_SUITE), {"text": f"{{suite: old, cases: [{_CASE}]}}"}
    ),
    f"{_SUITE}delete/": Rule(only_owner("200"), only_owner("→ /bench/")),
    f"{_SUITE}download/": Rule(readers("200")),
    f"{_SUITE}run/": Rule(all_get("405"), readers(_TO_RUN), _START),
    _SHIPPED: Rule(members("200")),
    f"{_SHIPPED}download/": Rule(members("200")),
    f"{_SHIPPED}run/": Rule(all_get("405"), members(_TO_RUN), _START),
    _RUN: Rule(readers("200")),
    f"{_RUN}export/<slug:form>/": Rule(readers("200")),
    f"{_RUN}stop/": Rule(all_get("405"), ("log in", "404", "404", _TO_RUN, "404", _TO_RUN)),
    f"{_RUN}resume/": Rule(all_get("405"), only_owner(_TO_RUN)),
    f"{_RUN}again/": Rule(all_get("405"), only_owner(_TO_RUN)),
    f"{_RUN}delete/": Rule(only_owner("200"), only_owner("→ /bench/")),
    "bench/from/<uuid:conversation_id>/": Rule(
        readers("200"), readers(_TO_SUITE), {"text": _CASE, "suite": "new", "name": "Made"}
    ),
}

WRITABLE = {"auth/group", "auth/user", "tools/toolsetting", "chat/modelroute", "chat/apikey"}
MODELS = (
    "auth/group",
    "auth/user",
    "tools/toolsetting",
    "chat/modelroute",
    "chat/apikey",
    "chat/conversation",
    "chat/message",
    "chat/stage",
    "chat/stageevent",
    "chat/toolrun",
)
# Tools come from the code; keys are revoked; routes and people that were used are never deleted.
NOT_ADDED = {"tools/toolsetting"}
NOT_DELETED = {"tools/toolsetting", "chat/apikey"}

for _model in MODELS:
    _base = f"admin/{_model}/"
    _row = f"{_base}<path:object_id>/"
    _may_add = _model in WRITABLE - NOT_ADDED
    _may_delete = _model in WRITABLE - NOT_DELETED
    PAGES |= {
        _base: Rule(admins("200")),
        f"{_base}add/": Rule(admins("200" if _may_add else "403")),
        f"{_row}history/": Rule(admins("200")),
        f"{_row}change/": Rule(admins("200")),
        f"{_row}delete/": Rule(admins("200" if _may_delete else "403")),
        _row: Rule(admins("→ change/")),
    }

CLOSED = "closed 4401"
COMMANDS: dict[str, Answers] = {
    "stage.start": (CLOSED, *("accepted",) * 5),
    "stage.start on a route of the group lab": (
        CLOSED,
        "unknown_route",
        "accepted",
        "accepted",
        "unknown_route",
        "accepted",
    ),
    "stage.start in the owner's conversation": (
        CLOSED,
        "not_found",
        "not_found",
        "accepted",
        "not_found",
        "not_found",
    ),
    "stage.start with retry_of the owner's stage": (
        CLOSED,
        "not_found",
        "not_found",
        "accepted",
        "not_found",
        "not_found",
    ),
    "stage.start with continue_of the owner's stage": (
        CLOSED,
        "invalid_request",
        "invalid_request",
        "accepted",
        "invalid_request",
        "invalid_request",
    ),
    "stage.start with parent_message_id of the owner's message": (
        CLOSED,
        "not_found",
        "not_found",
        "accepted",
        "not_found",
        "not_found",
    ),
    "stage.subscribe": (
        CLOSED,
        "not_found",
        "not_found",
        "subscribed",
        "subscribed",
        "subscribed",
    ),
    "stage.subscribe to an ended stage": (
        CLOSED,
        "not_found",
        "not_found",
        "subscribed",
        "subscribed",
        "subscribed",
    ),
    "conversation.subscribe": (
        CLOSED,
        "not_found",
        "not_found",
        "subscribed",
        "subscribed",
        "subscribed",
    ),
    "stage.unsubscribe": (CLOSED, *("unsubscribed",) * 5),
    "conversation.unsubscribe": (CLOSED, *("unsubscribed",) * 5),
    "tool_call.decide": (CLOSED, *("invalid_request",) * 5),
    "ping": (CLOSED, *("pong",) * 5),
    "stage.cancel of an ended stage": (
        CLOSED,
        "not_found",
        "not_found",
        "accepted",
        "not_found",
        "accepted",
    ),
    "stage.cancel": (CLOSED, "not_found", "not_found", "accepted", "not_found", "accepted"),
}


def patterns() -> Iterator[str]:
    """Every address that the site's resolver knows."""
    from django.urls import URLPattern, URLResolver, get_resolver

    def walk(entries: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for entry in entries:
            path = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, path)
            else:
                yield path

    return walk(get_resolver().url_patterns, "")


def note(kind: str, what: str, answers: Mapping[str, str]) -> None:
    """Write what was really answered where the table asks for it."""
    if path := os.environ.get(OUT):
        with open(path, "a") as out:
            out.write(json.dumps([kind, what, answers]) + "\n")


def main() -> None:
    """Ask the site and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "answers"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "tests/test_access_matrix.py",
                "tests/test_access_matrix_of_keys.py",
            ],
            env={**os.environ, OUT: str(out)},
            capture_output=True,
            text=True,
        )
        found = [json.loads(line) for line in out.read_text().splitlines()]
    width = max(len(what) for _, what, _ in found) + 2
    merged: dict[tuple[str, str], dict[str, str]] = {}
    for kind, what, answers in found:
        merged.setdefault((kind, what), {}).update(answers)
    for kind, rows in groupby(sorted(merged.items(), key=lambda row: row[0][0]), lambda r: r[0][0]):
        columns = KEYS if kind.endswith("by key") else ROLES
        print(f"\n{kind:{width}}" + "".join(f"{column:17}" for column in columns))
        for (_, what), answers in rows:
            print(f"{what:{width}}" + "".join(f"{answers.get(one, ''):17}" for one in columns))
    print("\n" + done.stdout.strip().splitlines()[-1])
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
