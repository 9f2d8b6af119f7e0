"""Builders of scripts: the answers that model servers give, true to life byte by byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tests.replay.flavours import Call, Flavour, openai_like
from tests.replay.script import Script, Send, Step, Wait, WaitFor, WaitUntil
from tests.replay.signals import Signal

if TYPE_CHECKING:
    from tests.replay.server import Request

Payload = str | bytes | Mapping[str, Any] | Step
JSON_HEADERS = {"content-type": "application/json"}
DONE = Send(b"data: [DONE]\n\n")


def frame(payload: str | bytes | Mapping[str, Any]) -> bytes:
    """One SSE frame: a mapping as JSON, text as the data line; bytes are taken as they stand."""
    if isinstance(payload, bytes):
        return payload
    if not isinstance(payload, str):
        payload = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + payload.encode() + b"\n\n"


def sse(*payloads: Payload, done: bool = True, head_at_once: bool = True) -> Script:
    """A stream of SSE frames; steps among the payloads are played in their place."""
    steps = list(_steps(payloads))
    return Script(steps=(*steps, DONE) if done else tuple(steps), head_at_once=head_at_once)


def chat_stream(
    text_pieces: Iterable[str | Step],
    *,
    reasoning: Iterable[str | Step] = (),
    finish: str | None = "stop",
    usage: Mapping[str, Any] | None = None,
    flavour: Flavour = openai_like,
    done: bool = True,
) -> Script:
    """A streamed text answer; steps among the pieces are played in their place."""
    payloads: list[Payload] = [*flavour.start()]
    payloads += [flavour.reasoning(p) if isinstance(p, str) else p for p in reasoning]
    payloads += [flavour.text(p) if isinstance(p, str) else p for p in text_pieces]
    return sse(*payloads, *_ending(flavour, finish, usage), done=done)


def tool_stream(
    calls: Sequence[Call | tuple[str, Mapping[str, Any] | str]],
    *,
    text_pieces: Iterable[str | Step] = (),
    before_finish: Sequence[Step] = (),
    interleaved: bool = False,
    finish: str | None = "tool_calls",
    usage: Mapping[str, Any] | None = None,
    flavour: Flavour = openai_like,
    done: bool = True,
) -> Script:
    """Streamed tool calls; `interleaved` mixes the fragments of parallel calls."""
    known = [call if isinstance(call, Call) else Call(*call) for call in calls]
    payloads: list[Payload] = [*flavour.start()]
    payloads += [flavour.text(p) if isinstance(p, str) else p for p in text_pieces]
    per_call = list(flavour.call_chunks(known))
    if interleaved:
        mixed = zip_longest(*per_call)
        payloads += [chunk for row in mixed for chunk in row if chunk is not None]
    else:
        payloads += [chunk for chunks in per_call for chunk in chunks]
    payloads += before_finish
    return sse(*payloads, *_ending(flavour, finish, usage), done=done)


def whole(body: Mapping[str, Any] | str | bytes, *, after: Sequence[Step] = ()) -> Script:
    """A whole answer with its length; `after` steps come before the first byte."""
    return Script(
        steps=(*after, Send(_body(body))),
        headers=JSON_HEADERS,
        framing="length",
        head_at_once=False,
    )


def whole_chat(
    text: str | None,
    calls: Sequence[Call | tuple[str, Mapping[str, Any] | str]] = (),
    *,
    reasoning: str = "",
    finish: str | None = None,
    usage: Mapping[str, Any] | None = None,
    flavour: Flavour = openai_like,
    after: Sequence[Step] = (),
) -> Script:
    """A whole chat.completion with text, calls or both."""
    known = [call if isinstance(call, Call) else Call(*call) for call in calls]
    body = flavour.whole(text, known, reasoning=reasoning, finish=finish, usage=usage)
    return whole(body, after=after)


def error(
    status: int,
    body: Mapping[str, Any] | str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Script:
    """A refusal; without a body, one in OpenAI's error shape."""
    if body is None:
        message = f"The replay server was told to answer {status}."
        kind = "server_error" if status >= 500 else "invalid_request_error"
        body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return replace(whole(body), status=status, headers={**JSON_HEADERS, **(headers or {})})


def paced(
    n_chunks: int,
    per_second: float,
    payload: str | Callable[[int], str] = "token ",
    *,
    flavour: Flavour = openai_like,
    usage: Mapping[str, Any] | None = None,
) -> Script:
    """A text answer at a steady pace (0: as fast as it goes) that does not drift."""
    pieces: list[str | Step] = []
    for number in range(n_chunks):
        if per_second:
            pieces.append(WaitUntil(number / per_second))
        pieces.append(payload if isinstance(payload, str) else payload(number))
    return chat_stream(pieces, flavour=flavour, usage=usage)


def never_answers(seconds: float | None = None) -> Script:
    """A server with no free slot: not even a status line, for `seconds` or for ever."""
    step: Step = WaitFor(Signal()) if seconds is None else Wait(seconds)
    return Script(steps=(step,), head_at_once=False)


def tool_chain(
    calls: Sequence[Call | tuple[str, Mapping[str, Any] | str]],
    text_pieces: Sequence[str],
    *,
    flavour: Flavour = openai_like,
    usage: Mapping[str, Any] | None = None,
) -> Callable[[Request], Script]:
    """Calls when tools are offered and no result is there yet, else text; streamed as asked."""

    def script_for(request: Request) -> Script:
        body = request.json
        messages = body.get("messages", [])
        asked = bool(body.get("tools")) and not any(m.get("role") == "tool" for m in messages)
        if not body.get("stream"):
            text = None if asked else "".join(text_pieces)
            return whole_chat(text, calls if asked else (), usage=usage, flavour=flavour)
        if asked:
            return tool_stream(calls, usage=usage, flavour=flavour)
        return chat_stream(text_pieces, usage=usage, flavour=flavour)

    return script_for


def _steps(payloads: Iterable[Payload]) -> Iterator[Step]:
    for payload in payloads:
        yield Send(frame(payload)) if isinstance(payload, str | bytes | Mapping) else payload


def _ending(
    flavour: Flavour, finish: str | None, usage: Mapping[str, Any] | None
) -> Iterator[Mapping[str, Any]]:
    if finish is not None:
        yield flavour.chunk(flavour.every_delta, finish)
    if usage is not None:
        yield flavour.usage_chunk(usage)


def _body(body: Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, ensure_ascii=False).encode()
