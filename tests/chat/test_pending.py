"""What merges while it waits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.events import (
    ChatCompletionChunk,
    Event,
    RepairEvent,
    ToolCompletionChunk,
    UsageEvent,
)
from chat.pending import MERGE_LIMIT, Pending, merge_key


def said(content: str | None = "a", **more: object) -> ChatCompletionChunk:
    return ChatCompletionChunk(**{"phase": "chat", "round": 1, "content": content, **more})


def argued(arguments: str | None = "{", **more: object) -> ToolCompletionChunk:
    values = {"round": 1, "index": 0, "call_id": "c1", "arguments": arguments}
    return ToolCompletionChunk(**{**values, **more})


def absorbs(first: Event, second: Event) -> bool:
    key = merge_key(second)
    return key is not None and Pending(first).absorb(second, key)


def test_neighbours_of_one_kind_merge_into_one_row() -> None:
    pending = Pending(said("Hel"))
    key = merge_key(said("lo"))
    assert key is not None
    assert pending.absorb(said("lo"), key)
    row = pending.as_row(7)
    assert json.loads(row.data_json) == {"phase": "chat", "round": 1, "content": "Hello"}
    assert (row.number, row.event) == (7, "chat_completion_chunk")


@pytest.mark.parametrize(
    "other",
    [
        said(phase="synthesis"),
        said(round=2),
        said(None, reasoning="hm"),
        said("a", reasoning="hm"),
        argued(),
        RepairEvent(code="x", detail="y"),
    ],
)
def test_text_merges_with_nothing_else(other: Event) -> None:
    assert absorbs(said(), said())
    assert not absorbs(said(), other)
    assert not absorbs(other, said())


@pytest.mark.parametrize(
    "other",
    [argued(call_id="c2"), argued(round=2), argued(index=1), argued(tool="t"), argued(None)],
)
def test_two_tool_calls_never_merge(other: Event) -> None:
    assert absorbs(argued(), argued())
    assert not absorbs(argued(), other)
    assert not absorbs(other, argued())


def test_reasoning_merges_with_reasoning() -> None:
    assert absorbs(said(None, reasoning="a"), said(None, reasoning="b"))


def test_what_is_no_delta_never_merges() -> None:
    usage = UsageEvent(round=1, phase="chat", input_tokens=1, output_tokens=1, total_tokens=2)
    assert merge_key(usage) is None
    assert merge_key(said("a", reasoning="b")) is None


def test_a_row_grows_to_8_kib_and_not_beyond() -> None:
    pending = Pending(said("x" * (MERGE_LIMIT - 1)))
    key = merge_key(said())
    assert key is not None
    assert pending.absorb(said("y"), key)
    assert not pending.absorb(said("z"), key)
    assert len(json.loads(pending.as_row(1).data_json)["content"]) == MERGE_LIMIT == 8192


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3000), max_size=20))
def test_merging_keeps_the_concatenation_whatever_the_cuts(texts: list[str]) -> None:
    waiting: list[Pending] = []
    for text in texts:
        event = said(text)
        key = merge_key(event)
        assert key is not None
        if not (waiting and waiting[-1].absorb(event, key)):
            waiting.append(Pending(event))
    rows = [pending.as_row(number) for number, pending in enumerate(waiting, 1)]
    assert "".join(json.loads(row.data_json)["content"] for row in rows) == "".join(texts)
    assert all(pending.size <= max(MERGE_LIMIT, 3000) for pending in waiting)
