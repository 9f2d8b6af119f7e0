"""The documents as JSON and YAML for programs, and as a page for people.

For those who are logged in or hold a key: the documents hold no secret and name no route, but
which version runs here is nobody else's business.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import lru_cache
from typing import Literal

import orjson
import yaml
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.api.callers import caller, endpoint
from chat.api.documents.asyncapi import asyncapi_document
from chat.api.documents.openapi import openapi_document
from chat.api.documents.reference import reference_html
from chat.api.documents.version import project_version

Name = Literal["openapi", "asyncapi"]
Form = Literal["json", "yaml"]

_TYPES = {"json": "application/json", "yaml": "application/yaml"}


@endpoint("GET")
async def document(request: HttpRequest, name: Name, form: Form) -> HttpResponseBase:
    """One of the documents; 304 where the client has it."""
    await caller(request)
    # Put together once, which takes a moment that streams need not wait for.
    text, etag = await asyncio.to_thread(
        _document_text, name, form, request.get_host(), request.is_secure()
    )
    answer = HttpResponse(text, content_type=_TYPES[form])
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "private, no-cache"
    conditional = get_conditional_response(request, etag=etag, response=answer)
    assert conditional is not None
    return conditional


@require_safe
@never_cache
@login_required
def reference(request: HttpRequest) -> HttpResponse:
    """The documents to read."""
    contents, page = reference_html(f"{request.scheme}://{request.get_host()}")
    return render(
        request,
        "api/page.html",
        {"contents": contents, "reference": page, "version": project_version()},
    )


@lru_cache(16)
def _document_text(name: Name, form: Form, host: str, is_secure: bool) -> tuple[bytes, str]:
    made = openapi_document() if name == "openapi" else asyncapi_document(host, is_secure=is_secure)
    text = orjson.dumps(made)
    if form == "yaml":
        # Read anew, so that parts used twice are written twice and not as anchors.
        text = yaml.safe_dump(orjson.loads(text), sort_keys=False, allow_unicode=True).encode()
    return text, quote_etag(hashlib.sha256(text).hexdigest()[:32])
