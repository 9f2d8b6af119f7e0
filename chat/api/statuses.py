"""What a request is refused with: refusals and failures as HTTP statuses and JSON bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse

from chat.protocol import RefusalCode
from chat.services import Refused

RETRY_SECONDS = 5
"""What a client is told to wait where nobody knows how long it takes."""

STATUS_OF: Mapping[RefusalCode, int] = {
    "unknown_route": 400,
    "route_disabled": 400,
    "route_not_configured": 400,
    "unsupported_protocol": 501,
    "invalid_request": 422,
    "quota_exceeded": 429,
    "not_found": 404,
    "forbidden": 403,
    "conversation_busy": 409,
    "too_many_stages": 429,
    "request_id_reused": 409,
    "rate_limited": 429,
    "going_down": 503,
}

UPSTREAM_STATUS: Mapping[str, int] = {
    "upstream_unreachable": 502,
    "upstream_timeout": 504,
    "upstream_rejected": 502,
    "upstream_rate_limited": 502,
    "upstream_failed": 502,
    "upstream_malformed": 502,
}
"""What a JSON answer's status is where the stage ended with one of these; 200 for all others."""


class Problem(Exception):
    """A request that gets no stage: status, code and words; `more` goes into the body."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.more = more


def problem_of(refusal: Refused) -> Problem:
    """A service's refusal."""
    status = STATUS_OF[refusal.code]
    wait = str(refusal.more.pop("retry_after", RETRY_SECONDS))
    headers = {"Retry-After": wait} if status in (429, 503) else {}
    return Problem(status, refusal.code, refusal.message, headers=headers, **refusal.more)


def problem_response(problem: Problem) -> HttpResponse:
    """A problem as the answer to its request."""
    body = {"type": "error", "code": problem.code, "message": problem.message, **problem.more}
    if problem.errors:
        body["errors"] = problem.errors
    response = json_response(body, problem.status)
    for name, value in problem.headers.items():
        response.headers[name] = value
    # Django would log every 5xx as an error, and these are meant.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def json_response(body: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """A JSON answer that nobody keeps."""
    response = HttpResponse(orjson.dumps(body), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def with_stage(problem: Problem, stage_id: UUID) -> Problem:
    """The same problem, naming the stage that it is about."""
    problem.more["stage_id"] = str(stage_id)
    return problem
