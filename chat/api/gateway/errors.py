"""What went wrong, in OpenAI's shape and with the status that makes its clients raise rightly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.http import HttpResponse
from pydantic import ValidationError

from chat.engine.upstream_words import TOO_LONG
from chat.services import Refused

INVALID = "invalid_request_error"
SERVER = "server_error"
UPSTREAM = "upstream_error"
RATE = "rate_limit_error"

GOING_DOWN_SECONDS = 5
BUSY_SECONDS = 2


@dataclass(frozen=True, slots=True)
class ApiError(Exception):
    """An error as a client of the OpenAI API reads it."""

    status: int
    message: str
    type: str = INVALID
    param: str | None = None
    code: str | None = None
    retry: bool | None = None
    """Whether the client is to try again by itself; None leaves it to the status."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, more: Mapping[str, Any] | None = None) -> bytes:
        """The JSON object; the same in an answer and inside a stream."""
        error = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
            **(more or {}),
        }
        return orjson.dumps({"error": error})

    def response(self, more: Mapping[str, str] | None = None) -> HttpResponse:
        """The whole answer."""
        headers = {**self.headers, **(more or {})}
        if self.retry is not None:
            # Official clients try 409, 429 and 5xx again unless this says otherwise.
            headers["X-Should-Retry"] = "true" if self.retry else "false"
        answer = HttpResponse(
            self.body(), status=self.status, content_type="application/json", headers=headers
        )
        # Django would log a 5xx of a model server as an error of its own.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer


def unauthorised() -> ApiError:
    """Nobody is known by what was sent."""
    return ApiError(
        401,
        "Send an API key of this Toolbench as “Authorization: Bearer tb_…”. The one sent is "
        "missing, unknown, expired or revoked.",
        code="invalid_api_key",
        headers={"WWW-Authenticate": "Bearer"},
    )


def rate_limited(seconds: float) -> ApiError:
    """The key, or its owner, asks too often."""
    wait = max(1, round(seconds + 0.5))
    return ApiError(
        429,
        f"Too many requests with this API key or of its owner. Wait {wait} s, then try again.",
        RATE,
        code="rate_limit_exceeded",
        headers={"Retry-After": str(wait)},
    )


def no_model(slug: str) -> ApiError:
    """A model that is not there for this key."""
    return ApiError(
        404,
        f"The model “{slug[:80]}” does not exist or is not open to this API key.",
        param="model",
        code="model_not_found",
    )


def of_refusal(refusal: Refused) -> ApiError:
    """A start that was refused; nothing was stored."""
    words = refusal.message
    match refusal.code:
        case "unknown_route" | "route_disabled":
            return ApiError(404, words, param="model", code="model_not_found")
        case "route_not_configured":
            return ApiError(400, words, param="model", code=refusal.code)
        case "unsupported_protocol":
            return ApiError(501, words, param="model", code=refusal.code, retry=False)
        case "invalid_request":
            return ApiError(400, words, code=refusal.code)
        case "not_found":
            return ApiError(404, words, code=refusal.code)
        case "forbidden":
            return ApiError(403, words, "permission_error", code=refusal.code)
        case "conversation_busy" | "request_id_reused":
            return ApiError(409, words, code=refusal.code, retry=False)
        case "too_many_stages":
            return ApiError(
                429, words, RATE, code=refusal.code, headers={"Retry-After": str(BUSY_SECONDS)}
            )
        case "rate_limited":
            return ApiError(
                429, words, RATE, code=refusal.code, headers={"Retry-After": str(BUSY_SECONDS)}
            )
        case "quota_exceeded":
            return ApiError(429, words, RATE, code="insufficient_quota", retry=False)
        case "going_down":
            wait = {"Retry-After": str(GOING_DOWN_SECONDS)}
            return ApiError(503, words, SERVER, code=refusal.code, headers=wait)


_STATUS_OF_DETAIL = re.compile(r"HTTP (\d{3})")
# What the route's own settings are to blame for, and no caller can change.
_OF_THE_ROUTE = frozenset({"401", "402", "403", "404", "405"})


def of_failure(data: Mapping[str, Any]) -> ApiError:
    """A stage that ended with `error`."""
    code, words, retry = data["code"], data["message"], bool(data["retryable"])
    match code:
        case "upstream_rejected":
            if words.endswith(TOO_LONG):
                return ApiError(400, words, param="messages", code="context_length_exceeded")
            found = _STATUS_OF_DETAIL.match(data.get("detail") or "")
            if found is not None and (found[1] in _OF_THE_ROUTE or found[1].startswith("3")):
                return ApiError(502, words, UPSTREAM, code=code, retry=False)
            return ApiError(400, words, code=code)
        case "upstream_rate_limited":
            return ApiError(429, words, RATE, code=code)
        case "upstream_timeout":
            return ApiError(504, words, UPSTREAM, code=code, retry=False)
        case "upstream_unreachable" | "upstream_failed" | "upstream_malformed":
            return ApiError(502, words, UPSTREAM, code=code, retry=retry)
        case "no_tool_calls" | "invalid_tool_calls" | "tool_rounds_exceeded":
            return ApiError(502, words, UPSTREAM, code=code, retry=False)
        case "interrupted":
            return ApiError(503, words, SERVER, code=code, retry=retry)
        case _:
            return ApiError(500, words, SERVER, code=code, retry=False)


def of_cancel(by: str) -> ApiError:
    """A stage that was stopped by somebody else than the caller."""
    if by == "shutdown":
        return ApiError(
            503,
            "Toolbench is being restarted, and the answer was stopped. Send this again in a few "
            "seconds.",
            SERVER,
            code="cancelled",
            headers={"Retry-After": str(GOING_DOWN_SECONDS)},
        )
    who = "an admin" if by == "admin" else "its owner"
    return ApiError(
        409, f"The answer was stopped by {who}.", SERVER, code="cancelled", retry=False
    )


def of_validation(error: ValidationError) -> ApiError:
    """A body that is not as it should be: the first fault, by its place."""
    fault = error.errors(include_url=False, include_input=False)[0]
    param = _param(fault["loc"])
    if fault["type"] == "extra_forbidden":
        return ApiError(
            400,
            f"Unknown parameter: “{param}”. This gateway takes no field that it would not heed; "
            "docs/gateway.md lists them.",
            param=param,
            code="unknown_parameter",
        )
    if fault["type"] == "missing":
        return ApiError(
            400, f"“{param}” is missing.", param=param, code="missing_required_parameter"
        )
    words = fault["msg"][:400].rstrip(".")
    where = f"“{param}”: " if param else ""
    code = "unsupported_parameter" if fault["type"] == "unsupported" else "invalid_value"
    return ApiError(400, f"{where}{words}.", param=param, code=code)


_UNION_TAGS = frozenset({"system", "developer", "user", "assistant", "tool"})


def _param(place: tuple[int | str, ...]) -> str | None:
    """A place as OpenAI names it: messages[0].content."""
    words = ""
    for number, part in enumerate(place):
        if isinstance(part, int):
            words += f"[{part}]"
        elif number == 2 and place[0] == "messages" and part in _UNION_TAGS:
            continue
        elif part.isidentifier():
            words += f".{part}" if words else part
        # What else stands there names a branch of a union, not a field.
    return words[:200] or None
