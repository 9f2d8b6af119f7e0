"""Every recorded exchange of the corpus, each field of it, whole and in pieces."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from bench.corpus_files import Recording
from bench.report import Report
from chat.explain.cuts import Cut
from chat.explain.line import Line
from chat.explain.wire_level import explain_wire_level
from chat.explain.wire_line import explain_wire

# What is absent in `expect` where it does not occur.
_ABSENT: dict[str, Any] = {"errors": [], "refusal": None, "content_object": None}
_FIELDS = ("text", "reasoning", "tool_calls", "finish_reason", "usage", *_ABSENT)


def prove(found: list[Recording], *, cuts: int) -> Report:
    """Compare every recording with what it expects, then every stream with itself in pieces."""
    report = Report(f"Recorded exchanges: {len(found)}")
    equal = Counter[str]()
    wrong: list[str] = []
    lines: dict[str, Line] = {}
    for recording in found:
        line = explain_wire_level(recording.capture, Cut())
        lines[line.id] = line
        differences = differences_of(recording.expect, line)
        differences += _seen_differences(recording)
        equal["stream" if recording.is_stream else "body"] += not differences
        wrong += [f"{line.id}: {difference}" for difference in differences]
    report.line(f"{equal.total()} of {len(found)} equal to `expect`, every field.")
    for kind, is_stream in (("stream", True), ("body", False)):
        count = sum(recording.is_stream is is_stream for recording in found)
        report.line(f"  {equal[kind]} of {count}: {'streams' if is_stream else 'whole bodies'}")
    report.promise_none(wrong)
    streams = [recording for recording in found if recording.is_stream]
    for words in ("bytes", *(f"random:{seed}" for seed in range(cuts))):
        faults = [
            f"{recording.capture.id} under {words}: {difference}"
            for recording in streams
            for difference in _cut_differences(recording, lines, Cut.named(words))
        ]
        same = len(streams) - len({fault.split(" ", 1)[0] for fault in faults})
        what = "one byte at a time" if words == "bytes" else f"cut at {words}"
        report.line(f"{same} of {len(streams)} streams the same {what}.")
        report.promise_none(faults)
    repairs = Counter(repair["code"] for line in lines.values() for repair in line.repairs)
    report.line("Repairs, by the number of answers they were made in:")
    report.lines += [f"  {count:4} {code}" for code, count in repairs.most_common()]
    return report


def differences_of(expect: dict[str, Any], line: Line) -> list[str]:
    """In which fields the line is not what is expected; empty where it is equal."""
    got = {**_ABSENT, **line.as_record()}
    wanted = {**_ABSENT, **expect}
    return [
        f"{field} is {_short(got[field])} instead of {_short(wanted[field])}"
        for field in _FIELDS
        if not _same(got[field], wanted[field])
    ]


def _seen_differences(recording: Recording) -> list[str]:
    """The two fields that tell what a person would see: thoughts in tags, and calls in the text."""
    expect, found = recording.expect, []
    if "think_tags" in expect or "calls_in_text" in expect:
        line = explain_wire(recording.capture, dialect="auto", cut=Cut())
        if tags := expect.get("think_tags"):
            if line.text.strip() != tags["outside"].strip():
                found.append(f"what is seen is {_short(line.text)} instead of {tags['outside']!r}")
            if line.reasoning.strip() != tags["inside"].strip():
                found.append(f"thought: {_short(line.reasoning)} instead of {tags['inside']!r}")
        if calls := expect.get("calls_in_text"):
            got = [{"name": c["name"], "arguments": c["arguments"]} for c in line.tool_calls]
            if not _same(got, calls):
                found.append(f"calls in the text: {_short(got)} instead of {_short(calls)}")
    return found


def _cut_differences(recording: Recording, lines: dict[str, Line], cut: Cut) -> list[str]:
    capture = recording.capture
    whole, pieces = lines[capture.id], explain_wire_level(capture, cut)
    return [
        f"{field} is {_short(getattr(pieces, field))} instead of {_short(getattr(whole, field))}"
        for field in (*_FIELDS, "repairs")
        if not _same(getattr(pieces, field), getattr(whole, field))
    ]


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 is neither true nor 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _short(value: Any, limit: int = 300) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "…"
