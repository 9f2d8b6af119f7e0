"""The contract's promises about a stage that has ended, held against what is stored of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.stored import StoredStage
from tests.sockets import TERMINAL, Folded

Event = Mapping[str, Any]


def faults_of(stage: StoredStage) -> list[str]:
    """Every promise that a stage's rows break, in words; none for a good one."""
    found = [*_numbering(stage), *_calls(stage.events), *_rows(stage), *_end(stage)]
    return [f"stage {stage.stage_id}: {fault}" for fault in found]


def lost_or_changed(stage: StoredStage, seen: Sequence[Event]) -> list[str]:
    """Events that a client had seen and that are not stored, or not as they were."""
    stored = {event["sequence_number"]: event for event in stage.events}
    found = []
    for event in seen:
        number = event["sequence_number"]
        if number not in stored:
            found.append(f"stage {stage.stage_id}: event {number} was seen and is lost")
        elif stored[number] != event:
            found.append(f"stage {stage.stage_id}: event {number} was seen otherwise than stored")
    return found


def _numbering(stage: StoredStage) -> Iterator[str]:
    numbers = [event["sequence_number"] for event in stage.events]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"its numbers are not dense: {numbers[:5]} … {numbers[-5:]}"
    if not numbers or stage.names[0] != "stage_started":
        yield "it does not begin with stage_started"
    if stage.names.count("stage_started") > 1:
        yield "it has started twice"
    ends = [name for name in stage.names if name in TERMINAL]
    if len(ends) != 1:
        yield f"it has {len(ends)} terminal events"
    elif stage.names[-1] not in TERMINAL:
        yield "something follows its terminal event"


def _calls(events: Sequence[Event]) -> Iterator[str]:
    """tool_call, then its tool_result, then one tool_summary per round, then the end."""
    open_calls: dict[str, int] = {}
    rounds: Counter[int] = Counter()
    results: dict[int, dict[str, str]] = {}
    for event in events:
        data = event["data"]
        match event["event"]:
            case "tool_call":
                if data["call_id"] in open_calls or data["call_id"] in _known(results):
                    yield f"call {data['call_id']} was told twice"
                open_calls[data["call_id"]] = data["round"]
            case "tool_result":
                if open_calls.pop(data["call_id"], None) != data["round"]:
                    yield f"call {data['call_id']} has a result without an open call"
                results.setdefault(data["round"], {})[data["call_id"]] = data["content"]
            case "tool_summary":
                rounds[data["round"]] += 1
                if data["round"] in open_calls.values():
                    yield f"round {data['round']} was summed up before its last result"
                if data["tool_summary"] != results.get(data["round"]):
                    yield f"the summary of round {data['round']} is not its results"
            case "done" | "cancel" | "error":
                if open_calls:
                    yield f"{len(open_calls)} calls have no result before the end"
    if any(count > 1 for count in rounds.values()):
        yield "a round was summed up twice"
    if events and events[-1]["event"] == "done" and set(results) != set(rounds):
        yield "a round has results and no summary"


def _known(results: Mapping[int, Mapping[str, str]]) -> set[str]:
    return {call_id for told in results.values() for call_id in told}


def _rows(stage: StoredStage) -> Iterator[str]:
    """The fold of the events equals the rows."""
    last = stage.events[-1] if stage.events else None
    if last is None or last["event"] != stage.status:
        yield f"its row says {stage.status}, its last event {last and last['event']}"
    if stage.row["ended_at"] is None or stage.row["lease_owner"]:
        yield "its row does not say that it has ended"
    told = Folded(list(stage.events))
    content = stage.message["content"] if stage.message else ""
    if content != told.text:
        yield f"its message has {len(content)} characters, its events {len(told.text)}"
    asked = {e["data"]["call_id"]: e["data"] for e in stage.events if e["event"] == "tool_call"}
    answered = {
        e["data"]["call_id"]: e["data"] for e in stage.events if e["event"] == "tool_result"
    }
    if set(stage.runs) != set(asked):
        yield "its tool runs are not its tool calls"
    for call_id, run in stage.runs.items():
        result = answered.get(call_id, {})
        same = (
            run["status"] == result.get("status")
            and run["result"] == result.get("content")
            and run["tool"] == asked.get(call_id, {}).get("tool")
            and run["raw_arguments"] == asked.get(call_id, {}).get("raw_arguments")
            and json.loads(run["arguments"] or "null") == asked.get(call_id, {}).get("arguments")
        )
        if not same:
            yield f"the row of tool run {call_id} is not its events"


def _end(stage: StoredStage) -> Iterator[str]:
    if not stage.events or stage.names[-1] != "done":
        return
    data = stage.events[-1]["data"]
    text = stage.text
    if data["content_length"] != len(text):
        yield f"done says {data['content_length']} characters, its events have {len(text)}"
    if data["content_sha256"] != hashlib.sha256(text.encode()).hexdigest():
        yield "the digest in done is not that of the text"
    if stage.message is None or stage.message["id"] != data["message_id"].replace("-", ""):
        yield "the message that done names is not there"
