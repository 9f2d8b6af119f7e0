"""What went wrong, in OpenAI's shape and with the status that makes its clients raise rightly.

Its clients raise by status (openai-python, `_make_status_error`), and try 408, 409, 429 and 5xx
again by themselves unless `x-should-retry` says otherwise. Inside a stream they raise APIError for
a chunk that has an `error` field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chat.api.statuses import RETRY_SECONDS, Problem
from chat.engine.upstream_words import TOO_LONG

INVALID = "invalid_request_error"
SERVER = "server_error"
UPSTREAM = "upstream_error"
RATE = "rate_limit_error"
RIGHTS = "permission_error"

RETRY_HEADER = "X-Should-Retry"
_AGAIN = {RETRY_HEADER: "true"}
_NOT_AGAIN = {RETRY_HEADER: "false"}
_AGAIN_SOON = {"Retry-After": str(RETRY_SECONDS)}


class ApiProblem(Problem):
    """A problem with what OpenAI's errors have besides: a type and the parameter at fault."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        type: str = INVALID,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, headers=headers)
        self.type = type
        self.param = param

    def body(self) -> bytes:
        """The JSON object; the same in an answer and inside a stream."""
        error = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return orjson.dumps({"error": error})


def tell(problem: Problem) -> HttpResponse:
    """A problem as the answer to its request."""
    problem = as_api_problem(problem)
    response = HttpResponse(
        problem.body(),
        status=problem.status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **problem.headers},
    )
    # Django would log every 5xx as an error, and these are meant.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


# Refusals and the like by their code: status, type, code, parameter, further headers.
_TOLD: Mapping[str, tuple[int, str, str, str | None, Mapping[str, str]]] = {
    "unauthenticated": (401, INVALID, "invalid_api_key", None, {}),
    "unknown_route": (404, INVALID, "model_not_found", "model", {}),
    "route_disabled": (404, INVALID, "model_not_found", "model", {}),
    "route_not_configured": (400, INVALID, "route_not_configured", "model", {}),
    "unsupported_protocol": (501, SERVER, "unsupported_protocol", "model", _NOT_AGAIN),
    "invalid_request": (400, INVALID, "invalid_request", None, {}),
    "forbidden": (403, RIGHTS, "forbidden", None, {}),
    "rate_limited": (429, RATE, "rate_limit_exceeded", None, {}),
    "quota_exceeded": (429, RATE, "insufficient_quota", None, _NOT_AGAIN),
    "too_many_stages": (429, RATE, "too_many_stages", None, {}),
    "request_id_reused": (409, INVALID, "request_id_reused", None, _NOT_AGAIN),
    "conversation_busy": (409, INVALID, "conversation_busy", None, _NOT_AGAIN),
}


def as_api_problem(problem: Problem) -> ApiProblem:
    """Any problem in OpenAI's words."""
    if isinstance(problem, ApiProblem):
        return problem
    kind = INVALID if problem.status < 500 else SERVER
    status, type, code, param, headers = _TOLD.get(
        problem.code, (problem.status, kind, problem.code, None, {})
    )
    return ApiProblem(
        status,
        code,
        problem.message,
        type=type,
        param=param,
        headers={**problem.headers, **headers},
    )


def no_model(slug: str) -> ApiProblem:
    """A model that is not there for this key."""
    return ApiProblem(
        404,
        "model_not_found",
        f"There is no model “{slug[:80]}”, or it is not open to this API key.",
        param="model",
    )


def no_address(path: str) -> ApiProblem:
    """A part of OpenAI's API that is not here."""
    return ApiProblem(
        404,
        "unknown_url",
        f"There is nothing at {path[:200]}. The gateway has /v1/models, /v1/models/{{id}} and "
        "/v1/chat/completions.",
    )


_STATUS_IN_DETAIL = re.compile(r"HTTP (\d{3})")
# What only the route's own settings are to blame for.
_OF_THE_ROUTE = ("3", "401", "402", "403", "404", "405")


def of_failure(data: Mapping[str, Any]) -> ApiProblem:
    """A stage that ended with `error`."""
    code, words = data["code"], data["message"]
    again = _AGAIN if data["retryable"] else _NOT_AGAIN
    match code:
        case "upstream_rejected":
            if words.endswith(TOO_LONG):
                return ApiProblem(400, "context_length_exceeded", words, param="messages")
            status = _STATUS_IN_DETAIL.match(data.get("detail") or "")
            if status is not None and status[1].startswith(_OF_THE_ROUTE):
                return ApiProblem(502, code, words, type=UPSTREAM, headers=_NOT_AGAIN)
            return ApiProblem(400, code, words)
        case "upstream_rate_limited":
            return ApiProblem(429, code, words, type=RATE)
        case "upstream_timeout":
            # What took too long once would be waited for as long again.
            return ApiProblem(504, code, words, type=UPSTREAM, headers=_NOT_AGAIN)
        case "upstream_unreachable" | "upstream_failed" | "upstream_malformed":
            return ApiProblem(502, code, words, type=UPSTREAM, headers=again)
        case "no_tool_calls" | "invalid_tool_calls" | "tool_rounds_exceeded":
            return ApiProblem(502, code, words, type=UPSTREAM, headers=_NOT_AGAIN)
        case "interrupted":
            return ApiProblem(503, code, words, type=SERVER, headers=again)
    return ApiProblem(500, code, words, type=SERVER, headers=_NOT_AGAIN)


def of_cancel(by: str) -> ApiProblem:
    """A stage that somebody else than its client stopped."""
    if by == "shutdown":
        words = "Toolbench is being restarted, which stopped the answer. Send this again soon."
        return ApiProblem(503, "cancelled", words, type=SERVER, headers=_AGAIN_SOON)
    who = "an admin" if by == "admin" else "its owner"
    return ApiProblem(
        409, "cancelled", f"The answer was stopped by {who}.", type=SERVER, headers=_NOT_AGAIN
    )


def not_stored(words: str) -> ApiProblem:
    """A stage whose events cannot be stored, so that it was stopped."""
    return ApiProblem(503, "unavailable", words, type=SERVER, headers=_AGAIN_SOON)


def of_validation(error: ValidationError) -> ApiProblem:
    """A body that is not as it should be: its first fault, by its place."""
    fault = error.errors(include_url=False, include_input=False)[0]
    param = _param(fault)
    match fault["type"]:
        case "extra_forbidden":
            return ApiProblem(
                400,
                "unknown_parameter",
                f"Unknown parameter: “{param}”. Leave it out: nothing here would heed it.",
                param=param,
            )
        case "missing":
            return ApiProblem(
                400, "missing_required_parameter", f"“{param}” is missing.", param=param
            )
        case kind:
            words = fault["msg"][:400].rstrip(".")
            code = "unsupported_parameter" if kind == "unsupported" else "invalid_value"
            return ApiProblem(400, code, f"“{param or 'body'}”: {words}.", param=param)


_ROLES = ("system", "developer", "user", "assistant", "tool")


def _param(fault: ErrorDetails) -> str | None:
    """Where a fault is, as OpenAI names it: messages[0].content."""
    given = fault.get("ctx", {}).get("param")
    if given is not None:
        return str(given)
    place, words = fault["loc"], ""
    for number, part in enumerate(place):
        if isinstance(part, int):
            words += f"[{part}]"
        elif number == 2 and place[0] == "messages" and part in _ROLES:
            continue
        elif _is_field(part) or fault["type"] == "extra_forbidden":
            words += f".{part}" if words else part
    return words[:200] or None


def _is_field(part: str) -> bool:
    """Whether a part of a place is a field's name; others name a branch of a union."""
    return part.isidentifier() and part.islower() and part != "str"
