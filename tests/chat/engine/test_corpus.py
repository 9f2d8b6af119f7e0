"""The reading of recorded exchanges, where the recordings are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chat.engine.completions import (
    FinishDelta,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from chat.engine.tool_calls.assembler import ToolCallAssembler
from chat.engine.tool_calls.calls import CallIds
from chat.engine.wire.reader import CompletionReader

CORPUS = Path(os.environ.get("TOOLBENCH_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
RECORDINGS = sorted((CORPUS / "streams").glob("*.json"))


@pytest.mark.skipif(not RECORDINGS, reason="the recorded exchanges are not here")
def test_recorded_exchanges_read_as_expected() -> None:
    wrong = {}
    for path in RECORDINGS:
        recording = json.loads(path.read_text("utf-8"))
        read, expected = reading_of(recording), expectation_of(recording["expect"])
        if read != expected:
            wrong[path.name] = {k: (read[k], expected[k]) for k in read if read[k] != expected[k]}
    assert not wrong, f"{len(wrong)} of {len(RECORDINGS)}: {json.dumps(wrong, default=str)[:4000]}"


def reading_of(recording: dict[str, Any]) -> dict[str, Any]:
    wire = recording.get("wire")
    if isinstance(wire, list):
        wire = "".join(f"data: {payload}\n\n" for payload in wire)
    if wire is None:
        body = recording["non_stream_body"]
        wire = body if isinstance(body, str) else json.dumps(body)
    reader = CompletionReader(whole="wire" not in recording)
    deltas = [*reader.feed(wire.encode("utf-8", "surrogatepass")), *reader.finish()]
    assembler = ToolCallAssembler(CallIds())
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            assembler.feed(delta)
    finishes = [delta.original for delta in deltas if isinstance(delta, FinishDelta)]
    usages = [delta for delta in deltas if isinstance(delta, UsageDelta)]
    return {
        "text": "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)),
        "reasoning": "".join(d.text for d in deltas if isinstance(d, ReasoningDelta)),
        "calls": [
            (call.upstream_id, call.tool, arguments_of(call.raw_arguments))
            for call in assembler.finish()
        ],
        "finish": finishes[-1] if finishes else None,
        "usage": (usages[-1].input_tokens, usages[-1].output_tokens) if usages else None,
        "failed": reader.failure is not None,
    }


def expectation_of(expect: dict[str, Any]) -> dict[str, Any]:
    usage = expect["usage"]
    text = expect["text"] + expect.get("refusal", "")
    if "content_object" in expect:
        text = json.dumps(expect["content_object"], ensure_ascii=False)
    return {
        "text": text,
        "reasoning": expect["reasoning"],
        "calls": [
            (call["id"] or None, call["name"], call.get("arguments_raw", call.get("arguments")))
            for call in expect["tool_calls"]
        ],
        "finish": expect["finish_reason"] or None,
        "usage": usage and (usage["prompt_tokens"], usage.get("completion_tokens") or 0),
        "failed": bool(expect.get("errors")),
    }


def arguments_of(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw
