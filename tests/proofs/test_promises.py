"""The checks of the proofs find what is wrong: a good stage has no faults, a spoiled one has."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from bench.promises import faults_of, lost_or_changed
from bench.stored import StoredStage

STAGE = "7ef801b1-b321-40e9-b8ba-2825ebb25f03"
MESSAGE = "3ab4e69b-734f-4eda-9eca-0374e66ee15b"
TEXT = "Six·7 = 42 🌱"


def good_stage() -> StoredStage:
    """A tool stage with synthesis that ended well."""
    arguments = {"expression": "6*7"}
    call = {"round": 1, "call_id": "a", "tool": "calculate", "raw_arguments": '{"x":1}'}
    told: list[tuple[str, dict[str, Any]]] = [
        ("stage_started", {}),
        ("tool_call", {**call, "arguments": arguments, "valid": True}),
        ("tool_result", {"round": 1, "call_id": "a", "status": "ok", "content": "42"}),
        ("tool_summary", {"round": 1, "tool_summary": {"a": "42"}}),
        ("chat_completion_chunk", {"phase": "synthesis", "round": 1, "content": TEXT}),
        (
            "done",
            {
                "message_id": MESSAGE,
                "content_length": len(TEXT),
                "content_sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
            },
        ),
    ]
    events = [
        {
            "type": "event",
            "v": 1,
            "stage_id": STAGE,
            "sequence_number": number,
            "ts": "2026-11-21T02:23:06.202Z",
            "event": name,
            "data": data,
        }
        for number, (name, data) in enumerate(told, start=1)
    ]
    row = {"stage_id": STAGE, "status": "done", "ended_at": "2026-11-21", "lease_owner": ""}
    message = {"id": MESSAGE.replace("-", ""), "content": TEXT}
    run = {
        "status": "ok",
        "result": "42",
        "tool": "calculate",
        "raw_arguments": '{"x":1}',
        "arguments": '{"expression": "6*7"}',
    }
    return StoredStage(row, events, message, {"a": run})


def spoil_message(stage: StoredStage) -> None:
    assert stage.message is not None
    stage.message["content"] += "!"


SPOILS: dict[str, Callable[[StoredStage], object]] = {
    "a gap": lambda stage: stage.events.pop(4),
    "no end": lambda stage: stage.events.pop(),
    "two ends": lambda stage: stage.events.append(
        {**stage.events[-1], "sequence_number": len(stage.events) + 1}
    ),
    "something after the end": lambda stage: stage.events.append(
        {**stage.events[4], "sequence_number": len(stage.events) + 1}
    ),
    "a call without result": lambda stage: stage.events[2].update(event="repair"),
    "a result of no call": lambda stage: stage.events[1].update(event="repair"),
    "a call told twice": lambda stage: stage.events[3].update(stage.events[1], sequence_number=4),
    "no summary": lambda stage: stage.events[3].update(event="repair"),
    "another summary": lambda stage: stage.events[3]["data"].update(tool_summary={"a": "41"}),
    "other text than stored": spoil_message,
    "a wrong length": lambda stage: stage.events[-1]["data"].update(content_length=1),
    "a wrong digest": lambda stage: stage.events[-1]["data"].update(content_sha256="0" * 64),
    "another message": lambda stage: stage.events[-1]["data"].update(message_id=STAGE),
    "a row still running": lambda stage: stage.row.update(status="running"),
    "a row with a lease": lambda stage: stage.row.update(lease_owner="somebody"),
    "a run with another result": lambda stage: stage.runs["a"].update(result="41"),
    "a run with other arguments": lambda stage: stage.runs["a"].update(arguments="{}"),
    "no run": lambda stage: stage.runs.clear(),
}


def test_a_good_stage_has_no_faults() -> None:
    stage = good_stage()
    assert faults_of(stage) == []
    assert lost_or_changed(stage, stage.events) == []


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_a_spoiled_stage_is_found(spoil: Callable[[StoredStage], object]) -> None:
    stage = good_stage()
    spoil(stage)
    assert faults_of(stage)


def test_a_lost_event_and_a_changed_one_are_found() -> None:
    stage = good_stage()
    seen = copy.deepcopy(stage.events)
    del stage.events[2]
    seen[4]["data"]["content"] = "something else"
    told = lost_or_changed(stage, seen)
    assert [text.split(": ")[1] for text in told] == [
        "event 3 was seen and is lost",
        "event 5 was seen otherwise than stored",
    ]
