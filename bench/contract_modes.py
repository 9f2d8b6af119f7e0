"""The six modes over HTTP: what each answers, field by field."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openai.types.chat import ChatCompletionChunk

from bench.contract_client import Answer, Told
from bench.contract_ground import HttpGround, body
from bench.modes import DEMO_PROMPT, MODES, name_of
from bench.report import Report
from bench.scripts import CALLS, REASONING, text_for

SCRIPTS = ("text", "native", "parallel", "astext", "invalid")
FLAVOURS = ("openai", "ollama", "vllm")
SENT = {
    "chat": {"chat_completion_chunk", "done", "cancel", "error"},
    "toolchain": {"tool_completion_chunk", "tool_summary", "done", "cancel", "error"},
}
PAYLOAD = {
    "chat_completion_chunk": "chunk",
    "tool_completion_chunk": "tool_results",
    "tool_summary": "tool_summary",
}


@dataclass(frozen=True)
class ModeCase:
    """One request."""

    script: str
    flavour: str
    mode: str
    synthesis: bool
    stream: bool

    @property
    def path(self) -> str:
        """The endpoint, which decides streaming."""
        return f"/{'stream' if self.stream else 'completion'}/v1/{self.mode}"

    @property
    def prompt(self) -> str:
        """As bench.scripts reads it."""
        return f"{self.script} 12 200 0 {self.flavour}"

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """What the model calls."""
        if self.mode == "chat":
            return []
        return list(
            CALLS["parallel"][:2] if self.script == "astext" else CALLS.get(self.script, ())
        )

    @property
    def error(self) -> str:
        """The code of the error that it ends with, where it does."""
        if self.mode == "chat" or self.synthesis:
            return ""
        return {"text": "no_tool_calls", "invalid": "invalid_tool_calls"}.get(self.script, "")

    @property
    def text(self) -> str:
        """What the model says."""
        return text_for(self.prompt) if not self.calls or self.synthesis else ""

    def __str__(self) -> str:
        return f"{self.script}/{self.flavour} {name_of(self.mode, self.synthesis, self.stream)}"


def cases() -> Iterator[ModeCase]:
    """Every mode, script and handwriting."""
    for mode, synthesis, stream in MODES:
        for script in ("text",) if mode == "chat" else SCRIPTS:
            for flavour in FLAVOURS:
                yield ModeCase(script, flavour, mode, synthesis, stream)


async def prove_modes(ground: HttpGround, report: Report) -> None:
    """Send each case and look at what comes."""
    rows: dict[str, list[float]] = {}
    for case in cases():
        client, other = ground.turned()
        begin = time.monotonic()
        row = rows.setdefault(name_of(case.mode, case.synthesis, case.stream), [0, 0, 0])
        asked = body(case.prompt, synthesis=case.synthesis)
        if case.stream:
            told = await client.stream("POST", case.path, asked)
            row[2] += time.monotonic() - begin
            row[1] += len(told.frames)
            report.promise_none(stream_faults(case, told), str(case))
            if told.frames:
                stage = told.frames[0].json["stage_id"]
                again = await other.stream("GET", f"/stream/v1/stages/{stage}")
                same = again.frames == told.frames
                report.promise(same, f"{case}: read again, its frames are others")
        else:
            answer = await client.ask("POST", case.path, asked)
            row[2] += time.monotonic() - begin
            row[1] += 1
            report.promise_none(answer_faults(case, answer), str(case))
        row[0] += 1
    report.line("Six modes; replay server in OpenAI's, Ollama's and vLLM's handwriting:")
    report.table(
        ("mode", "requests", "frames", "ms each"),
        [(name, int(r[0]), int(r[1]), f"{r[2] / r[0] * 1000:.0f}") for name, r in rows.items()],
    )


def stream_faults(case: ModeCase, told: Told) -> Iterator[str]:
    """What a stream breaks of the contract."""
    if told.status != 200 or not told.headers["content-type"].startswith("text/event-stream"):
        yield f"answered {told.status} {told.headers.get('content-type')}"
        return
    yield from frame_faults(case.mode, told)
    end = told.end
    got = "" if end is None else end.json.get("code", "")
    if end is None or end.event != ("error" if case.error else "done") or got != case.error:
        yield f"ended {end and (end.event, got)}"
    if told.text != case.text:
        yield f"its text is {told.text[:60]!r}"
    if told.reasoning != ("".join(REASONING) if case.text else ""):
        yield f"its reasoning is {told.reasoning[:60]!r}"
    made = [(name, json.loads(arguments)) for _, name, arguments in told.calls]
    if made != case.calls:
        yield f"its calls are {made}"
    if list(told.summaries) != [call_id for call_id, _, _ in told.calls]:
        yield f"results for {list(told.summaries)}, calls {[call[0] for call in told.calls]}"


def frame_faults(mode: str, told: Told) -> Iterator[str]:
    """What is wrong with frames, whatever they tell."""
    last = 0
    stages = {frame.json.get("stage_id") for frame in told.frames}
    if len(stages) != 1:
        yield f"its frames name the stages {stages}"
    for frame in told.frames:
        stage, _, number = frame.id.rpartition("-")
        if stage not in stages or not number.isdigit() or int(number) <= last:
            yield f"a frame's id is {frame.id} after number {last}"
        last = int(number) if number.isdigit() else last
        if frame.event not in SENT[mode]:
            yield f"sent a {frame.event}"
        keys = {"stage_id"}
        if frame.event in PAYLOAD:
            keys.add(PAYLOAD[frame.event])
        elif frame.event == "error":
            keys |= {"error", "code"}
        if set(frame.json) != keys:
            yield f"a {frame.event} has the fields {sorted(frame.json)}"
        chunk = frame.json.get("chunk") or frame.json.get("tool_results")
        if chunk is not None:
            ChatCompletionChunk.model_validate(chunk)
    ends = [frame for frame in told.frames if frame.event in ("done", "cancel", "error")]
    if len(ends) != 1 or told.end is None:
        yield f"{len(ends)} terminal frames"


def answer_faults(case: ModeCase, answer: Answer) -> Iterator[str]:
    """What a whole answer breaks of the contract."""
    if answer.status != 200 or answer.headers["content-type"] != "application/json":
        yield f"answered {answer.status} {answer.headers.get('content-type')}"
    got = answer.json
    if case.error:
        kind, more = "error", {"code", "message"}
    elif case.mode == "toolchain" and not case.synthesis:
        kind, more = "tool_results", {"tool_results"}
    else:
        kind, more = "text", {"text"}
    if got.get("type") != kind or set(got) != {"stage_id", "type"} | more:
        yield f"answered {got}"
        return
    if kind == "error" and got["code"] != case.error:
        yield f"its code is {got['code']}"
    if kind == "text" and got["text"] != case.text:
        yield f"its text is {got['text'][:60]!r}"
    if kind == "tool_results":
        results = got["tool_results"]
        texts = all(isinstance(text, str) and text for text in results.values())
        if len(results) != len(case.calls) or not texts:
            yield f"its results are {results}"


async def prove_demo(ground: HttpGround, report: Report) -> None:
    """The built-in model in the six modes."""
    rows = []
    for mode, synthesis, stream in MODES:
        client, _ = ground.turned()
        case = ModeCase("demo", "demo", mode, synthesis, stream)
        begin = time.monotonic()
        asked = body(DEMO_PROMPT, "demo", synthesis=synthesis)
        if stream:
            told = await client.stream("POST", case.path, asked)
            report.promise_none(frame_faults(mode, told), str(case))
            got = told.end.event if told.end else "no end"
            has_text, results = bool(told.text), len(told.summaries)
            report.promise(got == "done", f"{case}: ended {got}")
        else:
            answer = (await client.ask("POST", case.path, asked)).json
            has_text = bool(answer.get("text"))
            results = len(answer.get("tool_results", {}))
            got = answer["type"]
        wants_text = mode == "chat" or synthesis
        wants_results = 2 if mode == "toolchain" and (stream or not synthesis) else 0
        report.promise(has_text == wants_text, f"{case}: text is there: {has_text}")
        report.promise(results == wants_results, f"{case}: {results} results")
        ms = (time.monotonic() - begin) * 1000
        rows.append((name_of(mode, synthesis, stream), got, f"{ms:.0f}"))
    report.line()
    report.table(("demo model", "answer", "ms"), rows)
