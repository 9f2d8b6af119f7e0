"""Every refusal and every failure of a stage has a status, a type and a code of OpenAI's kind."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from chat.api.gateway.errors import as_api_problem, of_failure, tell
from chat.api.statuses import Problem, problem_of
from chat.engine.events import ErrorCode
from chat.protocol import RefusalCode
from chat.services import Refused

STATUSES = {
    "unknown_route": 404,
    "route_disabled": 404,
    "route_not_configured": 400,
    "unsupported_protocol": 501,
    "invalid_request": 400,
    "quota_exceeded": 429,
    "not_found": 404,
    "forbidden": 403,
    "conversation_busy": 409,
    "too_many_stages": 429,
    "request_id_reused": 409,
    "rate_limited": 429,
    "going_down": 503,
}


@pytest.mark.parametrize("code", get_args(RefusalCode))
def test_every_refusal_has_its_status(code: RefusalCode) -> None:
    response = tell(problem_of(Refused(code, "These are the words.")))
    assert response.status_code == STATUSES[code]
    error = json.loads(response.content)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"] == "These are the words."
    if response.status_code == 503:
        assert int(response.headers["Retry-After"]) > 0


def test_who_comes_too_often_is_told_when_to_come_again() -> None:
    told = as_api_problem(Problem(429, "rate_limited", "Wait.", headers={"Retry-After": "7"}))
    assert (told.status, told.code, told.type) == (429, "rate_limit_exceeded", "rate_limit_error")
    assert told.headers == {"Retry-After": "7"}


@pytest.mark.parametrize("code", get_args(ErrorCode))
@pytest.mark.parametrize("retryable", [True, False])
def test_every_failure_has_a_status_that_clients_know(code: ErrorCode, retryable: bool) -> None:
    told = of_failure({"code": code, "message": "It failed.", "retryable": retryable})
    assert told.status in (400, 429, 500, 502, 503, 504)
    assert told.code == code
    # What another try cannot help is not tried again.
    if told.status >= 500 and not retryable:
        assert told.headers["X-Should-Retry"] == "false"
