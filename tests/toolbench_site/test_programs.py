"""What programs call is served without the pages' middleware, and guarded all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from toolbench_site.programs import Guard, divided


async def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("answered")


async def test_a_response_has_the_headers_of_every_response() -> None:
    response = await Guard(view)(RequestFactory().get("/v1/models"))
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Referrer-Policy"] == "same-origin"


async def test_plain_http_is_sent_to_https_where_that_is_wanted(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = await Guard(view)(RequestFactory().get("/v1/models"))
    assert response.status_code == 301
    assert response.headers["Location"] == "https://testserver/v1/models"


async def asked(application: Any, path: str, host: str = "localhost", **more: Any) -> list[Any]:
    """What an application sends for a GET whose client stays."""
    sent: list[Any] = []
    received = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if received:
            return received.pop()
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", host.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    await application({**scope, **more}, receive, send)
    return sent


async def pages(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})


@pytest.mark.parametrize(
    ("path", "is_a_pages"),
    [("/", True), ("/v1", True), ("/c/v1/x", True), ("/v1/none", False), ("/stream/v1/x", False)],
)
async def test_addresses_are_divided(path: str, is_a_pages: bool) -> None:
    [start, *_] = await asked(divided(pages), path)
    assert (start["status"] == 299) is is_a_pages


async def test_a_host_that_is_not_ours_is_refused() -> None:
    [start, *_] = await asked(divided(pages), "/v1/models", host="elsewhere.example")
    assert start["status"] == 400


async def test_below_a_prefix_addresses_are_divided_just_so() -> None:
    [start, *_] = await asked(divided(pages), "/tools/v1/none", root_path="/tools")
    assert start["status"] != 299
