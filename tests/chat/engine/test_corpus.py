"""The reading of recorded exchanges, where the recordings are at hand: every field, however cut."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from bench.corpus_files import CORPUS
from chat.engine.wire.answer import WireAnswer, read_answer

RECORDINGS = sorted((CORPUS / "streams").glob("*.json"))


@pytest.mark.skipif(not RECORDINGS, reason="the recorded exchanges are not here")
@pytest.mark.parametrize("cut", ["whole", "single bytes", "seed 1", "seed 2", "seed 3"])
def test_recorded_exchanges_read_as_expected_however_they_are_cut(cut: str) -> None:
    wrong = {}
    for path in RECORDINGS:
        recording = json.loads(path.read_text("utf-8"))
        data, whole = bytes_of(recording), "wire" not in recording
        answer = read_answer(cut_as(cut, data), whole=whole)
        read, expected = fields_of(answer), expectation_of(recording["expect"])
        if read != expected:
            wrong[path.name] = {k: (read[k], expected[k]) for k in read if read[k] != expected[k]}
    assert not wrong, f"{len(wrong)} of {len(RECORDINGS)}: {json.dumps(wrong, default=str)[:4000]}"


@pytest.mark.skipif(not RECORDINGS, reason="the recorded exchanges are not here")
def test_repairs_do_not_depend_on_the_cuts() -> None:
    for path in RECORDINGS[::4]:
        recording = json.loads(path.read_text("utf-8"))
        data, whole = bytes_of(recording), "wire" not in recording
        told = {
            cut: [(r.code, r.raw) for r in read_answer(cut_as(cut, data), whole=whole).repairs]
            for cut in ("whole", "seed 4")
        }
        assert told["whole"] == told["seed 4"], path.name


def bytes_of(recording: dict[str, Any]) -> bytes:
    wire = recording.get("wire")
    if isinstance(wire, list):
        wire = "".join(f"data: {payload}\n\n" for payload in wire)
    if wire is None:
        body = recording["non_stream_body"]
        wire = body if isinstance(body, str) else json.dumps(body)
    encoded: bytes = wire.encode("utf-8", "surrogatepass")
    return encoded


def cut_as(cut: str, data: bytes) -> Iterator[bytes]:
    if cut == "whole":
        yield data
        return
    sizes = random.Random(cut)
    at = 0
    while at < len(data):
        size = 1 if cut == "single bytes" else sizes.choice((1, 2, 3, 7, 40, 400, 3000))
        yield data[at : at + size]
        at += size


def fields_of(answer: WireAnswer) -> dict[str, Any]:
    return {
        "text": answer.text,
        "reasoning": answer.reasoning,
        "tool_calls": [call.as_record() for call in answer.tool_calls],
        "finish_reason": answer.finish_reason,
        "usage": answer.usage,
        "errors": list(answer.errors),
        "refusal": answer.refusal,
        "content_object": answer.content_object,
        "broken": answer.broken,
    }


def expectation_of(expect: dict[str, Any]) -> dict[str, Any]:
    fields = ("text", "reasoning", "tool_calls", "finish_reason", "usage")
    return {
        **{field: expect[field] for field in fields},
        "errors": expect.get("errors", []),
        "refusal": expect.get("refusal"),
        "content_object": expect.get("content_object"),
        "broken": None,
    }
