"""What each API key gets at every socket command and every address for programs, as a table.

`python -m tests.access_matrix` prints it beside that of people.
"""

from __future__ import annotations

KEYS = (
    "none",
    "wrong",
    "chat",
    "tools",
    "bench",
    "read",
    "all",
    "all, lab route",
    "all, colleague",
    "all, reviewer",
    "all, admin",
)
"""No key, a revoked one, the owner's by scope, one for a single route, and those of others."""

Answers = tuple[str, ...]
"""What each key gets, in the order of KEYS."""

CLOSED = "closed 4401"
MISSING = "not_found"


def of_everybody(answer: str) -> Answers:
    """All keys that work."""
    return (CLOSED, CLOSED, *(answer,) * 9)


def by_scope(chat: str, tools: str, bench: str, read: str, *, whole: str) -> Answers:
    """By the owner's scope; those for everything alike."""
    return (CLOSED, CLOSED, chat, tools, bench, read, *(whole,) * 5)


def of_readers(mine: str, theirs: str) -> Answers:
    """On what the owner did in the browser: keys with `read`, of those who may read it.

    `mine` is what the owner's get, `theirs` those of reviewers and admins.
    """
    unread = (MISSING,) * 3
    return (CLOSED, CLOSED, *unread, mine, mine, mine, MISSING, theirs, theirs)


def in_conversation() -> Answers:
    """Starting in the owner's conversation: only with `chat`, and with `read` to know of it."""
    return (
        *(CLOSED, CLOSED, MISSING, "forbidden", "forbidden", "forbidden"),
        *("accepted", "accepted", MISSING, MISSING, MISSING),
    )


COMMANDS: dict[str, Answers] = {
    "stage.start in mode chat": by_scope(
        "accepted", "forbidden", "forbidden", "forbidden", whole="accepted"
    ),
    "stage.start in mode toolchain": by_scope(
        "forbidden", "accepted", "forbidden", "forbidden", whole="accepted"
    ),
    "stage.start on the default route by name": (
        *(CLOSED, CLOSED, "accepted", "forbidden", "forbidden", "forbidden"),
        *("accepted", "unknown_route", "accepted", "accepted", "accepted"),
    ),
    "stage.start on a route of the group lab": (
        *(CLOSED, CLOSED, "accepted", "forbidden", "forbidden", "forbidden"),
        *("accepted", "accepted", "accepted", "unknown_route", "accepted"),
    ),
    "stage.start in the owner's conversation": in_conversation(),
    "stage.start with retry_of there": in_conversation(),
    "stage.subscribe to the owner's running stage": of_readers("subscribed", "subscribed"),
    "stage.subscribe to the owner's ended stage": of_readers("subscribed", "subscribed"),
    "conversation.subscribe to the owner's": of_readers("subscribed", "subscribed"),
    # Not with any key, an admin's neither: a key stops what it started itself.
    "stage.cancel of the owner's running stage": of_everybody(MISSING),
    "stage.subscribe to what the key started": by_scope(
        "subscribed", "subscribed", "nothing started", "nothing started", whole="subscribed"
    ),
    "stage.cancel of what the key started": by_scope(
        "accepted", "accepted", "nothing started", "nothing started", whole="accepted"
    ),
    "stage.unsubscribe": of_everybody("unsubscribed"),
    "ping": of_everybody("pong"),
}


def asked(chat: str, tools: str, bench: str, read: str, *, whole: str) -> Answers:
    """Over HTTP, by scope; without a key that works nobody is there."""
    return ("401", "401", chat, tools, bench, read, *(whole,) * 5)


# With the default route, except where the key is for another alone.
BY_NAME = ("401", "401", "200", "403", "403", "403", "200", "400", "200", "200", "200")
MODEL_BY_NAME = ("401", "401", "200", "403", "403", "403", "200", "404", "200", "200", "200")
READS = ("401", "401", "404", "404", "404", "200", "200", "200", "404", "200", "200")

ENDPOINTS: dict[str, Answers] = {
    "POST /stream/v1/chat": BY_NAME,
    "POST /completion/v1/chat": BY_NAME,
    "POST /stream/v1/toolchain": tuple(
        {2: "403", 3: "200"}.get(at, answer) for at, answer in enumerate(BY_NAME)
    ),
    "POST /completion/v1/toolchain": tuple(
        {2: "403", 3: "200"}.get(at, answer) for at, answer in enumerate(BY_NAME)
    ),
    "GET /stream/v1/stages/<the owner's>": READS,
    "GET /stream/v1/stages/<the key's own>": (
        *("nothing started",) * 2,
        *("200", "200", "nothing started", "nothing started"),
        *("200",) * 5,
    ),
    "GET /v1/models": asked("200", "200", "200", "200", whole="200"),
    "GET /v1/models/small": (*("401",) * 2, *("200",) * 5, "404", *("200",) * 3),
    "POST /v1/chat/completions": MODEL_BY_NAME,
    "POST /v1/chat/completions with the caller's tools": tuple(
        {2: "403", 3: "200"}.get(at, answer) for at, answer in enumerate(MODEL_BY_NAME)
    ),
    "POST /v1/chat/completions with ours": tuple(
        {2: "403", 3: "200"}.get(at, answer) for at, answer in enumerate(MODEL_BY_NAME)
    ),
    "GET /healthz": ("200",) * 11,
    # Pages take a browser's session and no key.
    "GET /": ("log in",) * 11,
    "GET /accounts/keys/": ("log in",) * 11,
    "GET /admin/": ("log in",) * 11,
    "GET /bench/": ("log in",) * 11,
}
