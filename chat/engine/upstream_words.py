"""What a person is told when a model server is the cause: what happened and what to do."""

from __future__ import annotations

import re

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
from chat.engine.wire.failures import body_words, redact

_ADVICE = {
    400: "Check the route's settings: this server may not know one of the parameters sent.",
    401: "An admin can enter a new API key on the route.",
    402: "Check the account's credit with the provider, or choose another route.",
    403: "The route's API key may not use this model. An admin can change the key or the model.",
    404: "Check the route's base URL and its model name.",
    413: "Begin a new conversation, or lower the route's context budget.",
    422: "Check the route's settings: this server may not know one of the parameters sent.",
}

_TOO_LONG = "Shorten the prompt, choose fewer tools, or begin a new conversation."
# "exceeds the available context size" (llama.cpp), "maximum context length" (OpenAI, vLLM).
_CONTEXT = re.compile(r"context[ _-]?(size|length|window)", re.IGNORECASE)
_EXCESS = re.compile(
    r"exceed|maximum|too (long|large|many)|longer|greater|not enough", re.IGNORECASE
)


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


def timed_out(route: RouteSettings, limit: str, seconds: float) -> UpstreamTimeout:
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
        f"{hint}Try again, or have an admin raise the limit of the route.",
        detail=f"limit={limit} seconds={seconds:g}",
    )


def refused(route: RouteSettings, status: int, body: bytes) -> UpstreamError:
    """The error for an HTTP status that is no success, with the upstream's own words."""
    words = redact(body_words(body), route.api_key)
    said = f"{place(route)} said: {_sentence(words)}" if words else f"{place(route)}."
    detail = f"HTTP {status}"
    if status == 429:
        return UpstreamRateLimited(
            f"The model server asks for fewer requests (429). {said} "
            "Wait a little, then try again.",
            detail,
        )
    if _is_too_long(words):
        return UpstreamRejected(
            f"The request is longer than the model server takes ({status}). {said} {_TOO_LONG}",
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


def reported(route: RouteSettings, words: str) -> UpstreamFailed:
    """An error inside an answer that had begun well."""
    advice = _TOO_LONG if _is_too_long(words) else "Try again, or choose another route."
    return UpstreamFailed(
        "The model server reported an error while it answered. "
        f"{place(route)} said: {_sentence(redact(words, route.api_key))} "
        f"What was said so far is kept. {advice}"
    )


def broken_off(route: RouteSettings, reason: str) -> UpstreamFailed:
    """The answer ended before its end; `reason` is for the engineer."""
    return UpstreamFailed(
        f"The model server's answer broke off before its end. {place(route)} closed the "
        "connection. What was said so far is kept. Try again.",
        detail=reason,
    )


def malformed(route: RouteSettings, reason: str, excerpt: str = "") -> UpstreamMalformed:
    """What came is no chat completion; `reason` is a whole sentence."""
    detail = redact(excerpt, route.api_key) or None
    return UpstreamMalformed(
        f"The model server's answer could not be read. {place(route)}: {reason} "
        "Check that the route's base URL leads to an OpenAI-compatible server.",
        detail,
    )


def _is_too_long(words: str) -> bool:
    return bool(_CONTEXT.search(words) and _EXCESS.search(words))


def _sentence(words: str) -> str:
    quoted = f"“{words}”"
    return quoted if words.endswith((".", "!", "?")) else f"{quoted}."
