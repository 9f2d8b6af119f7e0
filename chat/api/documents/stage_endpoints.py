"""The origin's endpoints, and a stage's events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from chat.api.bodies import StageBody
from chat.api.documents import answers, examples
from chat.api.documents.parts import Endpoint, Model, Parameter, Reply
from chat.api.origin import RECOVERED_HEADER
from chat.api.sse import STAGE_HEADER
from chat.api.starting import CONTINUE, ON_DISCONNECT
from chat.api.statuses import STATUS_OF, UPSTREAM_STATUS
from chat.protocol import RefusalCode

STAGES = "Stages"

DISCONNECT = Parameter(
    name=ON_DISCONNECT,
    place="header",
    words=f"`{CONTINUE}`: the stage goes on when you go away. Without it the stage is stopped.",
    schema={"type": "string", "enum": [CONTINUE]},
)


def _problem(status: int, words: str, *codes: str, headers: tuple[str, ...] = ()) -> Reply:
    body = examples.PROBLEMS.get(status)
    return Reply(
        status=status,
        words=words,
        body=(answers.ProblemBody,),
        codes=codes,
        headers=headers,
        examples={codes[0]: body} if body is not None else {},
    )


def _refused(status: int) -> tuple[str, ...]:
    """The refusals of a start that have this status."""
    never: tuple[RefusalCode, ...] = ("conversation_busy",)
    return tuple(code for code, told in STATUS_OF.items() if told == status and code not in never)


_RETRY = ("Retry-After",)
_NO_KEY = _problem(
    401, "No key, or one that is not good.", "unauthenticated", headers=("WWW-Authenticate",)
)
_METHOD = _problem(405, "Another method.", "method_not_allowed", headers=("Allow",))
_BUG = _problem(500, "Toolbench met a fault of its own.", "internal")
_DOWN = _problem(
    503,
    "Toolbench is being restarted, or its database does not answer.",
    "going_down",
    headers=_RETRY,
)
_START_PROBLEMS = (
    _problem(
        400, "The route is unknown, switched off or incomplete; the message lists those there are.",
        *_refused(400),
    ),
    _NO_KEY,
    _problem(403, "The key may not do this.", *_refused(403)),
    _problem(404, "The account is gone.", *_refused(404)),
    _METHOD,
    _problem(409, "This stage_id was used before.", *_refused(409)),
    _problem(413, "The body is too large.", "too_large"),
    _problem(422, "The body is not JSON, does not validate, or contradicts itself.",
             *_refused(422)),
    _problem(429, "Too many requests or stages, or the quota is used up.", *_refused(429),
             headers=_RETRY),
    _BUG,
    _problem(501, "The route speaks a protocol that is not supported.", *_refused(501)),
    _DOWN,
)  # fmt: skip


def _frame(event: str, number: int, data: Mapping[str, Any]) -> str:
    return f"id: {examples.STAGE}-{number}\nevent: {event}\ndata: {orjson.dumps(data).decode()}\n\n"


_ENDS: dict[str, tuple[Model, ...]] = {
    "done": (answers.SseEnd,),
    "cancel": (answers.SseEnd,),
    "error": (answers.SseError,),
}
_CHAT_EVENTS: dict[str, tuple[Model, ...]] = {"chat_completion_chunk": (answers.SseText,), **_ENDS}
_TOOL_EVENTS: dict[str, tuple[Model, ...]] = {
    "tool_completion_chunk": (answers.SseToolText,),
    "tool_summary": (answers.SseSummary,),
    **_ENDS,
}
_CHAT_STREAM = _frame("chat_completion_chunk", 2, examples.SSE_TEXT) + _frame(
    "done", 4, examples.SSE_END
)
_TOOL_STREAM = (
    _frame("tool_completion_chunk", 2, examples.SSE_TOOL_TEXT)
    + _frame("tool_summary", 5, examples.SSE_SUMMARY)
    + _frame("done", 9, examples.SSE_END)
)
_STREAM_WORDS = (
    "Headers are sent at once; what fails afterwards is an `error` event. Each frame has an id, "
    "`{stage_id}-{sequence_number}`, to come back with. While the model thinks, comments keep the "
    "connection alive. The stream ends after `done`, `cancel` or `error`."
)


def _stream_start(mode: Literal["chat", "toolchain"], words: str) -> Endpoint:
    is_chat = mode == "chat"
    body = examples.CHAT_BODY if is_chat else examples.TOOLCHAIN_BODY
    return Endpoint(
        method="post",
        path=f"/stream/v1/{mode}",
        name=f"stream_{mode}",
        tag=STAGES,
        summary=f"Start a stage in mode {mode}, streamed",
        words=words,
        parameters=(DISCONNECT,),
        body=StageBody,
        body_examples={mode: body},
        replies=(
            Reply(
                status=200,
                words=_STREAM_WORDS,
                headers=(STAGE_HEADER,),
                events=_CHAT_EVENTS if is_chat else _TOOL_EVENTS,
                stream_example=_CHAT_STREAM if is_chat else _TOOL_STREAM,
            ),
            *_START_PROBLEMS,
        ),
    )


def _whole_start(mode: Literal["chat", "toolchain"], words: str) -> Endpoint:
    is_chat = mode == "chat"
    kinds: tuple[Model, ...] = (answers.TextAnswer, answers.FailureAnswer)
    shown: dict[str, Mapping[str, Any]] = {"text": examples.TEXT_ANSWER}
    if not is_chat:
        kinds = (answers.TextAnswer, answers.ToolResultsAnswer, answers.FailureAnswer)
        shown["tool_results"] = examples.TOOL_RESULTS_ANSWER
    return Endpoint(
        method="post",
        path=f"/completion/v1/{mode}",
        name=f"complete_{mode}",
        tag=STAGES,
        summary=f"Start a stage in mode {mode}, answered whole",
        words=words,
        parameters=(DISCONNECT,),
        body=StageBody,
        body_examples={mode: examples.CHAT_BODY if is_chat else examples.TOOLCHAIN_BODY},
        replies=(
            Reply(
                status=200,
                words="The stage has ended. A failure that is not the model server's is told here "
                "too, with `type` `error`.",
                body=kinds,
                examples=shown,
            ),
            *_START_PROBLEMS,
            *(
                Reply(
                    status=status,
                    words=said,
                    body=(answers.FailureAnswer,),
                    codes=tuple(code for code, told in UPSTREAM_STATUS.items() if told == status),
                    examples={"upstream_timeout": examples.FAILURE_ANSWER} if status == 504 else {},
                )
                for status, said in (
                    (502, "The model server failed, or could not be reached."),
                    (504, "The model server took too long."),
                )
            ),
        ),
    )


_STAGE_EVENTS = Endpoint(
    method="get",
    path="/stream/v1/stages/{stage_id}",
    name="stage_events",
    tag=STAGES,
    summary="Read a stage's events, from any place on",
    words="Stored events first, live ones after, none twice and none missing, to the stage's end. "
    "Going away stops nothing here.",
    security="key or session",
    parameters=(
        Parameter(
            name="stage_id",
            place="path",
            words="The stage.",
            schema={"type": "string", "format": "uuid"},
            example=examples.STAGE,
        ),
        Parameter(
            name="Last-Event-ID",
            place="header",
            words="The id of the last frame you have: what came after it is sent.",
            schema={"type": "string"},
            example=f"{examples.STAGE}-17",
        ),
        Parameter(
            name="after",
            place="query",
            words="The same as a number, where the header cannot be set. The header wins.",
            schema={"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
            example=17,
        ),
    ),
    replies=(
        Reply(
            status=200,
            words=_STREAM_WORDS + f" `{RECOVERED_HEADER}: false` says that the stage has no such "
            "number, so that all its events come.",
            headers=(STAGE_HEADER, RECOVERED_HEADER),
            events={**_CHAT_EVENTS, **_TOOL_EVENTS},
            stream_example=_CHAT_STREAM,
        ),
        _problem(400, "The place is none of this stage's.", "invalid_request"),
        _NO_KEY,
        _problem(404, "There is no such stage, or it is not yours to see.", "not_found"),
        _METHOD,
        _problem(429, "Too many requests.", "rate_limited", headers=_RETRY),
        _BUG,
        _DOWN,
    ),
)  # fmt: skip


STAGE_ENDPOINTS: tuple[Endpoint, ...] = (
    _stream_start("chat", "The model answers, its text comes as it is written."),
    _stream_start(
        "toolchain",
        "The model may call tools, which are run here. Without `synthesis` the stage ends with "
        "their results; with it the model answers from them.",
    ),
    _whole_start("chat", "The model answers; its text comes at the end."),
    _whole_start(
        "toolchain",
        "The model may call tools, which are run here. Without `synthesis` the answer is what "
        "they gave; with it, what the model makes of that.",
    ),
    _STAGE_EVENTS,
)
