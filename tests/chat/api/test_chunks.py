"""Events as frames: strict chunks, the same from any place, one line each."""

from __future__ import annotations

import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from chat.api.following import Followed
from chat.api.sse import SENT, SseEncoder
from chat.engine import events
from chat.frames import Frame
from chat.protocol import event_frame

STAGE = uuid.UUID("7a8b7f5e-6c1d-4e5f-9a0b-1c2d3e4f5a6b")
TS = "2026-11-21T10:00:00.123Z"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ROUNDS = st.integers(1, 4)
PHASES = st.sampled_from(["chat", "tools", "synthesis"])


def encoder(mode: str = "toolchain") -> SseEncoder:
    return SseEncoder(STAGE, Followed(1, "stage_started", {"mode": mode, "model": "m"}, TS))


def told(item: Followed, mode: str = "toolchain") -> tuple[str, str, dict[str, object]]:
    """Id, name and data of the frame of an event."""
    text = encoder(mode).frame(item).decode()
    head, name, data, *rest = text.split("\n")
    assert rest == ["", ""]
    return (
        head.removeprefix("id: "),
        name.removeprefix("event: "),
        orjson.loads(data.removeprefix("data: ")),
    )


chunks = st.one_of(
    st.builds(
        lambda phase, round, content, reasoning: events.ChatCompletionChunk(
            phase=phase, round=round, content=content, reasoning=reasoning
        ),
        PHASES,
        ROUNDS,
        st.none() | TEXTS,
        st.none() | TEXTS,
    ),
    st.builds(
        lambda round, index, tool, arguments: events.ToolCompletionChunk(
            round=round, index=index, call_id="c1", tool=tool, arguments=arguments
        ),
        ROUNDS,
        st.integers(0, 9),
        st.none() | st.just("calculate"),
        st.none() | TEXTS,
    ),
)


@given(chunk=chunks, number=st.integers(2, 10**6), mode=st.sampled_from(["chat", "toolchain"]))
def test_every_delta_is_a_strict_chunk_on_one_line(
    chunk: events.ChatCompletionChunk | events.ToolCompletionChunk, number: int, mode: str
) -> None:
    item = Followed(number, chunk.event, chunk.data(), TS)
    frame_id, name, data = told(item, mode)
    assert frame_id == f"{STAGE}-{number}"
    is_text = isinstance(chunk, events.ChatCompletionChunk)
    field = "chunk" if mode == "chat" and is_text else "tool_results"
    assert name == ("chat_completion_chunk" if field == "chunk" else "tool_completion_chunk")
    assert set(data) == {"stage_id", field}
    parsed = ChatCompletionChunk.model_validate(data[field], strict=True)
    delta = parsed.choices[0].delta
    if isinstance(chunk, events.ChatCompletionChunk):
        assert delta.content == chunk.content
        assert (delta.model_extra or {}).get("reasoning_content") == chunk.reasoning
        return
    assert delta.tool_calls is not None
    [call] = delta.tool_calls
    assert call.function is not None
    assert (call.index, call.function.name) == (chunk.index, chunk.tool)
    assert call.function.arguments == (chunk.arguments or "")
    assert (call.id, call.type) == (("c1", "function") if chunk.tool else (None, None))


@pytest.mark.parametrize(
    ("event", "data", "wanted"),
    [
        ("tool_summary", {"round": 1, "tool_summary": {"c": "4"}}, {"tool_summary": {"c": "4"}}),
        ("done", {"finish_reason": "stop", "content_length": 3}, {}),
        ("cancel", {"by": "user", "upstream_closed_ms": 1}, {}),
        (
            "error",
            {"code": "upstream_failed", "message": "No.", "retryable": True},
            {"error": "No.", "code": "upstream_failed"},
        ),
    ],
)
def test_the_other_events_carry_what_the_contract_says(
    event: str, data: dict[str, object], wanted: dict[str, object]
) -> None:
    for mode in ("chat", "toolchain"):
        assert told(Followed(7, event, data, TS), mode)[1:] == (
            event,
            {"stage_id": str(STAGE), **wanted},
        )


def test_events_that_the_origin_did_not_have_are_left_out() -> None:
    names = {model.model_fields["event"].default for model in events.Event.__args__[0].__args__}  # type: ignore[attr-defined]
    data = '{"phase":"chat","round":1,"content":"x"}'
    for name in names - SENT:
        frame = Frame(3, name, event_frame(str(STAGE), 3, TS, name, data))
        assert encoder().frames([frame]) == b""
    kept = Frame(3, "chat_completion_chunk", event_frame(str(STAGE), 3, TS, "x", data))
    assert encoder().frames([kept]).startswith(b"id: ")
