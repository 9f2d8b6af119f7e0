"""What a person is told when a model server is the cause: what happened and what to do."""

from __future__ import annotations

from chat.engine.completions import RouteSettings
from chat.engine.errors import (
    UpstreamError,
    UpstreamFailed,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from chat.engine.redaction import redact
from chat.engine.wire.failures import Failure, body_kind, body_words

_ADVICE = {
    400: "Check the route's settings: this server may not know one of the parameters sent.",
    401: "An admin can enter a new API key on the route.",
    402: "Check the account's credit with the provider, or choose another route.",
    403: "The route's API key may not use this model. An admin can change the key or the model.",
    404: "Check the route's base URL and its model name.",
    413: "Begin a new conversation, or lower the route's context budget.",
    422: "Check the route's settings: this server may not know one of the parameters sent.",
}

TOO_LONG = "Shorten the prompt, choose fewer tools, or begin a new conversation."
# A gateway that gave up waiting for the model behind it (Cloudflare's is 524).
_TIMED_OUT = (408, 504, 524)
_KEPT = "What was said so far is kept. "


def place(route: RouteSettings) -> str:
    """The route and its host, as every message names them."""
    host = route.host.rsplit("@", 1)[-1]
    return f"Route {route.slug} at {host}"


def unreachable(route: RouteSettings, reason: str, tries: int) -> UpstreamUnreachable:
    """No connection could be made; `reason` is a clause without a full stop."""
    often = "" if tries < 2 else f" {tries} tries were made."
    return UpstreamUnreachable(
        f"The model server did not answer. {place(route)}: {reason}.{often} "
        "Check that the server runs, then try again or choose another route."
    )


def timed_out(
    route: RouteSettings, limit: str, seconds: float, *, begun: bool = False
) -> UpstreamTimeout:
    """One of the route's time limits passed; `limit` is its name in a person's words."""
    what = {
        "connect": "No connection to the model server was made in time.",
        "first token": "The model server sent no first token in time.",
        "between tokens": "The model server fell silent in the middle of its answer.",
        "total": "The answer took longer than the route allows.",
    }[limit]
    encrypted = limit == "connect" and route.base_url.startswith("https:")
    hint = "If the server speaks plain http, write http:// into its base URL. " if encrypted else ""
    return UpstreamTimeout(
        f"{what} {place(route)} has a {limit} limit of {seconds:g}\u2009s. "
        f"{_KEPT if begun else ''}{hint}Try again, or have an admin raise the limit of the route.",
        detail=f"limit={limit} seconds={seconds:g}",
    )


def refused(
    route: RouteSettings, status: int, body: bytes, wait: float | None = None
) -> UpstreamError:
    """The error for an HTTP status that is no success, with the upstream's own words.

    `wait` is how many seconds the server asks to wait, where it says so.
    """
    words, kind = redact(body_words(body), route.api_key), body_kind(body)
    said = f"{place(route)} said: {_sentence(words)}" if words else f"{place(route)}."
    detail = f"HTTP {status}"
    if status == 429 or (kind == "rate_limited" and status not in (401, 404)):
        return UpstreamRateLimited(
            f"The model server asks for fewer requests ({status}). {said} {_wait_words(wait)}",
            detail,
        )
    if kind == "too_long":
        return UpstreamRejected(
            f"The request is longer than the model server takes ({status}). {said} {TOO_LONG}",
            detail,
        )
    if status in _TIMED_OUT:
        return UpstreamTimeout(
            f"The model server gave up on the request, which took it too long ({status}). {said} "
            "Try again, or choose another route.",
            detail,
        )
    if status >= 500:
        return UpstreamFailed(
            f"The model server failed ({status}). {said} Try again, or choose another route.",
            detail,
        )
    if 300 <= status < 400:
        return UpstreamRejected(
            f"The model server points to another address ({status}). {place(route)} is not "
            "followed there. Write the server's final address into the route's base URL.",
            detail,
        )
    advice = _ADVICE.get(status, "Check the route's settings.")
    return UpstreamRejected(
        f"The model server refused the request ({status}). {said} {advice}", detail
    )


def reported(route: RouteSettings, failure: Failure, *, begun: bool = True) -> UpstreamError:
    """An error inside an answer with a status of success, by what it speaks of."""
    said = f"{place(route)} said: {_sentence(redact(failure.words, route.api_key))}"
    when = "while it answered" if begun else "where its answer belongs"
    kept = _KEPT if begun else ""
    detail = f"error in the answer: {failure.kind}"
    match failure.kind:
        case "rate_limited":
            return UpstreamRateLimited(
                f"The model server asked for fewer requests {when}. {said} {kept}"
                f"{_wait_words(None)}",
                detail,
            )
        case "too_long":
            return UpstreamRejected(
                f"The model server reported an error {when}. {said} {kept}{TOO_LONG}", detail
            )
        case "rejected":
            return UpstreamRejected(
                f"The model server refused the request {when}. {said} {kept}"
                "Check the route's settings.",
                detail,
            )
        case "failed":
            return UpstreamFailed(
                f"The model server reported an error {when}. {said} {kept}"
                "Try again, or choose another route.",
                detail,
            )


def broken_off(route: RouteSettings, reason: str) -> UpstreamFailed:
    """The answer ended before its end; `reason` is for the engineer."""
    return UpstreamFailed(
        f"The model server's answer broke off before its end. {place(route)} closed the "
        "connection. What was said so far is kept. Try again.",
        detail=reason,
    )


def malformed(
    route: RouteSettings, reason: str, excerpt: str = "", *, begun: bool = False
) -> UpstreamMalformed:
    """What came is no chat completion; `reason` is a whole sentence."""
    detail = redact(excerpt, route.api_key) or None
    advice = (
        f"{_KEPT}Try again, or choose another route."
        if begun
        else "Check that the route's base URL leads to an OpenAI-compatible server."
    )
    return UpstreamMalformed(
        "The model server's answer could not be read. "
        f"{place(route)}: {redact(reason, route.api_key)} {advice}",
        detail,
    )


def _wait_words(wait: float | None) -> str:
    if wait is None or not 1 <= wait < 7 * 86400:
        return "Wait a little, then try again."
    if wait < 120:
        return f"It asks to wait {wait:.0f} seconds. Then try again."
    if wait < 7200:
        return f"It asks to wait {wait / 60:.0f} minutes. Then try again."
    return f"It asks to wait {wait / 3600:.0f} hours. Choose another route meanwhile."


def _sentence(words: str) -> str:
    quoted = f"“{words}”"
    return quoted if words.endswith((".", "!", "?")) else f"{quoted}."
