"""`/v1/models` and `/v1/chat/completions`, for API keys."""

from __future__ import annotations

import time

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from pydantic import ValidationError

from chat.access import Visitor
from chat.api.bodies import json_object
from chat.api.callers import endpoint, key_holder
from chat.api.gateway.answers import Answering, streamed, whole
from chat.api.gateway.chunks import Head
from chat.api.gateway.errors import no_address, no_model, of_validation, tell
from chat.api.gateway.progress import Progress
from chat.api.gateway.request import ChatCompletionRequest
from chat.api.gateway.routes import listed_routes
from chat.api.gateway.start import as_start
from chat.api.starting import start_held
from chat.database import run_in_pool
from chat.models import Conversation

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
BODY_LIMIT = 8 * 1024 * 1024
"""Bytes: a history of a long context, in JSON."""


@endpoint("POST", tell=tell)
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Answer a conversation, streamed or whole."""
    visitor = await key_holder(request)
    try:
        asked = ChatCompletionRequest.model_validate(json_object(request, BODY_LIMIT))
    except ValidationError as error:
        raise of_validation(error) from None
    command, extras = as_start(asked)
    source = Conversation.Source.GATEWAY
    held = await start_held(request, visitor, command, source, extras)
    answering = Answering(
        held=held,
        head=Head(held.stage_id, int(time.time()), asked.model),
        progress=Progress(hands_over=bool(extras.caller_tools)),
        has_extension=asked.toolbench is not None,
    )
    if asked.stream:
        return await streamed(request, answering, wants_usage=asked.wants_usage)
    return await whole(answering)


@endpoint("GET", tell=tell)
async def models(request: HttpRequest) -> HttpResponse:
    """The routes that the key may use, as models."""
    found = await _models(await key_holder(request))
    return _json({"object": "list", "data": found})


@endpoint("GET", tell=tell)
async def model(request: HttpRequest, slug: str) -> HttpResponse:
    """One of them."""
    visitor = await key_holder(request)
    found = next((one for one in await _models(visitor) if one["id"] == slug), None)
    if found is None:
        raise no_model(slug)
    return _json(found)


@endpoint(*METHODS, tell=tell)
async def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    """What else OpenAI's API has; said to whoever has a key."""
    await key_holder(request)
    raise no_address(request.path)


async def _models(visitor: Visitor) -> list[dict[str, object]]:
    return await run_in_pool(listed_routes, visitor.user_id, visitor.grant)


def _json(body: object) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
