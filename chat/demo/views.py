"""The demo model over HTTP, as any OpenAI-compatible server answers."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from functools import wraps
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chat.demo.catalogue import DEMO_MODELS, demo_model
from chat.demo.key import is_demo_key
from chat.demo.mind import text_of, think
from chat.demo.misbehaviour import PIECES_PER_SECOND, Behaviour
from chat.demo.prompt_tools import tools_in_prompt, with_calls, written
from chat.demo.reply import Reply
from chat.demo.speech import Frame, Timed, streamed, whole

View = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponseBase]]


class StreamOptions(BaseModel):
    """What a streamed completion carries besides."""

    model_config = ConfigDict(frozen=True)

    include_usage: bool = False


class CompletionBody(BaseModel):
    """The fields of a request that the demo model reads.

    Others are ignored, as OpenAI-compatible servers do: a client may send any of the API's.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    messages: list[dict[str, Any]] = Field(min_length=1)
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)

    @property
    def limit(self) -> int | None:
        """The most tokens the answer may have."""
        return self.max_completion_tokens or self.max_tokens


def for_key_holders(method: str) -> Callable[[View], View]:
    """Refuse, in OpenAI's error shape, other methods, a missing key, and a demo switched off."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        async def guarded(request: HttpRequest) -> HttpResponseBase:
            if not settings.TOOLBENCH_DEMO:
                return _refusal(404, "The demo model is switched off here.", "demo_off")
            scheme, _, key = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not is_demo_key(key.strip()):
                return _refusal(401, "The API key is missing or wrong.", "invalid_api_key")
            if request.method != method:
                response = _refusal(405, f"Only {method} is answered here.", "method_not_allowed")
                response.headers["Allow"] = method
                return response
            return await view(request)

        return guarded

    return decorate


@for_key_holders("GET")
async def models(request: HttpRequest) -> HttpResponse:
    """The list of demo models."""
    data = [
        {"id": model.upstream_model, "object": "model", "created": 0, "owned_by": "toolbench-demo"}
        for model in DEMO_MODELS
    ]
    return _json({"object": "list", "data": data})


@for_key_holders("POST")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """A completion, streamed or whole; a client that leaves ends it at its next pause."""
    try:
        body = CompletionBody.model_validate_json(request.body)
    except ValidationError as wrong:
        problem = wrong.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        told = f"{where}: {problem['msg']}" if where else problem["msg"]
        return _refusal(400, f"The request is not valid. {told}.", "invalid_request")
    model = demo_model(body.model)
    if model is None:
        return _refusal(404, f"There is no demo model “{body.model}”.", "model_not_found")
    reply = _reply(body)
    frame = Frame(
        completion_id=f"chatcmpl-demo-{secrets.token_hex(12)}",
        model=body.model,
        created=int(time.time()),
        prompt_tokens=_estimated_tokens(body),
        call_ids=[f"call_{secrets.token_hex(12)}" for _ in reply.calls],
    )
    behaviour = _paced(model.behaviour)
    include_usage = body.stream_options is not None and body.stream_options.include_usage
    chunks = streamed(
        reply,
        behaviour,
        frame,
        max_tokens=body.limit,
        include_usage=include_usage or not body.stream,
    )
    if body.stream:
        spoken = _spoken(chunks, says_done=not behaviour.omits_done)
        response = StreamingHttpResponse(spoken, content_type="text/event-stream")
        response.headers["Cache-Control"] = "no-cache"
        return response
    return await _whole_response(chunks, frame)


def _reply(body: CompletionBody) -> Reply:
    in_prompt = () if body.tools else tools_in_prompt(body.messages)
    # In a synthesis the tools are gone, and what came of them is still written out.
    messages = with_calls(body.messages)
    if in_prompt:
        return written(think(messages, in_prompt))
    return think(messages, body.tools or (), body.tool_choice)


async def _spoken(chunks: Iterator[Timed], *, says_done: bool) -> AsyncIterator[bytes]:
    """The chunks as SSE, each after its pause; being cancelled there ends everything."""
    ended = False
    for timed in chunks:
        if timed.seconds:
            await asyncio.sleep(timed.seconds)
        yield b"data: " + orjson.dumps(timed.payload) + b"\n\n"
        ended = ended or _ends(timed.payload)
    if ended and says_done:
        yield b"data: [DONE]\n\n"


async def _whole_response(chunks: Iterator[Timed], frame: Frame) -> HttpResponse:
    payloads = []
    for timed in chunks:
        if timed.seconds:
            await asyncio.sleep(timed.seconds)
        if "error" in timed.payload:
            return _json(timed.payload, 500)
        payloads.append(timed.payload)
    if not any(_ends(payload) for payload in payloads):
        return _refusal(502, "The demo model broke off on purpose.", "demo")
    return _json(whole(payloads, frame))


def _ends(payload: dict[str, Any]) -> bool:
    return any(choice["finish_reason"] for choice in payload.get("choices", ()))


def _paced(behaviour: Behaviour) -> Behaviour:
    """The behaviour at the pace of the settings; a slow model stays slow."""
    pace = getattr(settings, "TOOLBENCH_DEMO_PIECES_PER_SECOND", PIECES_PER_SECOND)
    if behaviour.pieces_per_second == PIECES_PER_SECOND:
        return replace(behaviour, pieces_per_second=pace)
    return behaviour


def _estimated_tokens(body: CompletionBody) -> int:
    """A quarter of the characters of all messages, and a few for each."""
    return sum(len(text_of(message)) // 4 + 4 for message in body.messages)


def _refusal(status: int, message: str, code: str) -> HttpResponse:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    return _json({"error": error}, status)


def _json(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(value), status=status, content_type="application/json")
