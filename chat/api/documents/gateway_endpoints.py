"""The gateway's endpoints."""

from __future__ import annotations

from chat.api.documents import completions, examples
from chat.api.documents.parts import Endpoint, Parameter, Reply
from chat.api.documents.stage_endpoints import DISCONNECT
from chat.api.gateway.request import ChatCompletionRequest
from chat.api.sse import STAGE_HEADER

GATEWAY = "OpenAI-compatible"
_RETRY = ("Retry-After",)

_RETRIES = ("X-Should-Retry",)
# Errors of a stage name it.
_STAGE = (STAGE_HEADER,)


def _gateway_error(
    status: int, words: str, *codes: str, headers: tuple[str, ...] = (), example: bool = False
) -> Reply:
    return Reply(
        status=status,
        words=words,
        body=(completions.ErrorEnvelope,),
        codes=codes,
        headers=headers,
        examples={codes[0]: examples.ERROR_ENVELOPE} if example else {},
    )


_GATEWAY_COMMON = (
    _gateway_error(401, "No key, or one that is not good.", "invalid_api_key",
                   headers=("WWW-Authenticate",)),
    _gateway_error(405, "Another method.", "method_not_allowed", headers=("Allow",)),
    _gateway_error(429, "Too many requests.", "rate_limit_exceeded", headers=_RETRY),
    _gateway_error(500, "Toolbench met a fault of its own.", "internal"),
    _gateway_error(503, "The database does not answer.", "going_down", headers=_RETRY),
)  # fmt: skip

_COMPLETION_ERRORS = (
    _gateway_error(
        400,
        "The body is not what is taken here, the route is incomplete, or the model server did not "
        "take the request.",
        *("missing_required_parameter", "unknown_parameter", "unsupported_parameter"),
        *("invalid_value", "invalid_request", "route_not_configured", "upstream_rejected"),
        "context_length_exceeded",
        headers=_STAGE,
        example=True,
    ),
    _GATEWAY_COMMON[0],
    _gateway_error(403, "The key may not do this.", "forbidden"),
    _gateway_error(
        404, "There is no such model for this key, or the conversation was deleted meanwhile.",
        "model_not_found", "not_found",
        headers=_STAGE,
    ),
    _GATEWAY_COMMON[1],
    _gateway_error(409, "The answer was stopped by its owner or an admin.", "cancelled",
                   "request_id_reused", headers=_RETRIES + _STAGE),
    _gateway_error(413, "The body is too large.", "too_large"),
    _gateway_error(
        429, "Too many requests or stages, here or at the model server, or the quota is used up.",
        "rate_limit_exceeded", "too_many_stages", "insufficient_quota", "upstream_rate_limited",
        headers=_RETRY + _RETRIES + _STAGE,
    ),
    _gateway_error(500, "Toolbench met a fault of its own.", "internal", headers=_RETRIES + _STAGE),
    _gateway_error(501, "The route speaks a protocol that is not supported.",
                   "unsupported_protocol", headers=_RETRIES),
    _gateway_error(
        502, "The model server failed, could not be reached, or made no use of the tools.",
        "upstream_unreachable", "upstream_failed", "upstream_malformed", "upstream_rejected",
        "no_tool_calls", "invalid_tool_calls", "tool_rounds_exceeded", headers=_RETRIES + _STAGE,
    ),
    _gateway_error(
        503, "Toolbench is being restarted, or cannot store the answer.",
        "going_down", "cancelled", "unavailable", "interrupted", headers=_RETRY + _RETRIES + _STAGE,
    ),
    _gateway_error(504, "The model server took too long.", "upstream_timeout",
                   headers=_RETRIES + _STAGE),
)  # fmt: skip

_MODELS = Endpoint(
    method="get",
    path="/v1/models",
    name="list_models",
    tag=GATEWAY,
    summary="List the routes as models",
    words="Those that the key may start stages on.",
    replies=(
        Reply(
            status=200,
            words="The models, by slug.",
            body=(completions.ModelList,),
            examples={"models": examples.MODELS},
        ),
        *_GATEWAY_COMMON,
    ),
)
_MODEL = Endpoint(
    method="get",
    path="/v1/models/{slug}",
    name="read_model",
    tag=GATEWAY,
    summary="Read one of them",
    words="Where the key may not use it, there is none.",
    parameters=(
        Parameter(
            name="slug",
            place="path",
            words="The route's slug.",
            schema={"type": "string"},
            example=examples.ROUTE,
        ),
    ),
    replies=(
        Reply(
            status=200,
            words="The model.",
            body=(completions.ModelEntry,),
            examples={"model": examples.MODEL},
        ),
        *_GATEWAY_COMMON[:1],
        _gateway_error(404, "There is no such model for this key.", "model_not_found"),
        *_GATEWAY_COMMON[1:],
    ),
)
_COMPLETIONS = Endpoint(
    method="post",
    path="/v1/chat/completions",
    name="create_completion",
    tag=GATEWAY,
    summary="Answer a conversation, streamed or whole",
    words="With `tools`, calls are handed to you and never run here. With `toolbench`, Toolbench "
    "runs its own tools and sends the answer. What comes out is the strict contract, whatever the "
    "model server broke.",
    parameters=(DISCONNECT,),
    body=ChatCompletionRequest,
    body_examples={
        "whole": examples.COMPLETION_BODY,
        "own tools": examples.OWN_TOOLS_BODY,
        "tools run here": examples.OUR_TOOLS_BODY,
    },
    replies=(
        Reply(
            status=200,
            words="The answer. With `stream`: chunks as server-sent events without names, then "
            "`[DONE]`; an error that comes before the first word has a status of its own, a later "
            "one is the last chunk.",
            body=(completions.Completion,),
            headers=(STAGE_HEADER,),
            examples={"whole": examples.COMPLETION},
            events={"": (completions.CompletionChunk, completions.ErrorEnvelope)},
        ),
        *_COMPLETION_ERRORS,
    ),
)
GATEWAY_ENDPOINTS: tuple[Endpoint, ...] = (_MODELS, _MODEL, _COMPLETIONS)
