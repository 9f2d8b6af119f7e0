"""Proof 2: all six modes through the websocket, against real bytes and against the demo model.

`python -m bench.modes --rounds 3 [--cluster]`; several processes take turns in running the stages,
and the others follow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.layout import SINGLE, Layout, add_layout, chosen_layout
from bench.promises import faults_of
from bench.report import Report
from bench.rig import ROUTE, Rig
from bench.scripts import CALLS, FLAVOURS, REASONING, USAGE, calls_as_text, text_for
from bench.viewers import check_watchers, client_per_server, run_watched
from tests.replay import Request
from tests.sockets import Folded, SocketClient

MODES = (
    ("chat", False, True),
    ("chat", False, False),
    ("toolchain", False, True),
    ("toolchain", False, False),
    ("toolchain", True, True),
    ("toolchain", True, False),
)
DEMO_PROMPT = "What time is it in Paris and in Tokyo?"
TOOLS = ["current_time", "calculate"]


@dataclass(frozen=True)
class Case:
    """One stage to run: the script's name is the prompt's first word."""

    script: str
    flavour: str
    mode: str
    synthesis: bool
    stream: bool

    @property
    def prompt(self) -> str:
        """As bench.scripts reads it: 12 pieces, 200 a second."""
        return f"{self.script} 12 200 0 {self.flavour}"

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """The tool calls that the upstream makes."""
        if self.mode == "chat":
            return []
        return list(
            CALLS["parallel"][:2] if self.script == "astext" else CALLS.get(self.script, ())
        )

    @property
    def end(self) -> str:
        """The terminal event that is promised, with the code of an error."""
        if self.mode == "toolchain" and not self.synthesis:
            if not self.calls:
                return "error no_tool_calls"
            if self.script == "invalid":
                return "error invalid_tool_calls"
        return "done"

    def __str__(self) -> str:
        return f"{self.script}/{self.flavour} {name_of(self.mode, self.synthesis, self.stream)}"


def name_of(mode: str, synthesis: bool, stream: bool) -> str:
    """A mode in words."""
    what = "chat" if mode == "chat" else "tools + synthesis" if synthesis else "tools"
    return f"{what}, {'streamed' if stream else 'whole'}"


def cases(rounds: int, flavours: Sequence[str] = tuple(FLAVOURS)) -> Iterator[Case]:
    """Every mode with every script and handwriting."""
    for _ in range(rounds):
        for mode, synthesis, stream in MODES:
            scripts = ("text",) if mode == "chat" else ("text", *CALLS_TRIED)
            for script in scripts:
                for flavour in flavours:
                    yield Case(script, flavour, mode, synthesis, stream)


CALLS_TRIED = ("native", "parallel", "astext", "invalid")


def prove(
    rounds: int = 3, layout: Layout = SINGLE, flavours: Sequence[str] = tuple(FLAVOURS)
) -> Report:
    """Run everything once per round."""
    report = Report(f"Six modes through the websocket; {layout}")
    with Rig(layout=layout) as rig:
        rig.log_in()
        asyncio.run(_replayed(rig, cases(rounds, flavours), report))
        asyncio.run(_demo(rig, rounds, report))
        report.promise_none(rig.errors())
    return report


async def _replayed(rig: Rig, cases: Iterable[Case], report: Report) -> None:
    rows: dict[str, list[float]] = {}
    async with client_per_server(rig) as clients:
        for number, case in enumerate(cases):
            begin = time.monotonic()
            before = len(rig.replay.completions)
            client, *others = turned(clients, number)
            told, *elsewhere = await run_watched(
                client,
                others,
                case.prompt,
                model_route=ROUTE,
                mode=case.mode,
                synthesis=case.synthesis,
                stream=case.stream,
                **({"tools": TOOLS} if case.mode == "toolchain" else {}),
            )
            row = rows.setdefault(name_of(case.mode, case.synthesis, case.stream), [0, 0, 0])
            row[0] += 1
            row[1] += len(told.events)
            row[2] += time.monotonic() - begin
            asked = [exchange.request for exchange in rig.replay.completions[before:]]
            stored = rig.database.stage(told.events[0]["stage_id"])
            report.promise_none(faults_of(stored), str(case))
            report.promise_none(check_watchers(stored, (told, *elsewhere)), str(case))
            report.promise_none(_events(case, told), str(case))
            report.promise_none(_text(case, told), str(case))
            report.promise_none(_asked(case, told, asked), str(case))
            usage = json.loads(stored.row["usage"]).get("total_tokens")
            report.promise(
                usage == USAGE["total_tokens"] * len(asked), f"{case}: the row's usage is {usage}"
            )
    report.line("Replay server (OpenAI, vLLM and Ollama handwriting):")
    report.table(
        ("mode", "stages", "events", "ms each"),
        [(name, r[0], r[1], f"{r[2] / r[0] * 1000:.0f}") for name, r in rows.items()],
    )


def _events(case: Case, told: Folded) -> Iterator[str]:
    """The events that this mode promises."""
    first, last = told.events[0], told.terminal
    started = first["data"]
    asked = (started["mode"], started["synthesis"], started["stream"], started["model_route"])
    if first["event"] != "stage_started" or asked != (
        case.mode,
        case.synthesis,
        case.stream,
        ROUTE,
    ):
        yield f"stage_started says {started}"
    got = f"{last['event']} {last['data'].get('code', '')}".strip() if last else "no end"
    if got != case.end:
        yield f"ended {got} instead of {case.end}"
    calls = [e["data"] for e in told.events if e["event"] == "tool_call"]
    if [(c["tool"], c["arguments"]) for c in calls] != case.calls:
        yield f"told {[(c['tool'], c['arguments']) for c in calls]} as calls"
    if len({c["call_id"] for c in calls}) != len(calls):
        yield "two calls have one id"
    origin = "text:generic_json" if case.script == "astext" else "native"
    if any(c["origin"] != origin for c in calls):
        yield f"origins {[c['origin'] for c in calls]}"
    if any(c["valid"] == (case.script == "invalid") for c in calls):
        yield "validity is not what the schema says"
    wanted = "invalid" if case.script == "invalid" else "ok"
    results = [e["data"]["status"] for e in told.events if e["event"] == "tool_result"]
    if results != [wanted] * len(calls):
        yield f"results {results}"
    usages = [e["data"] for e in told.events if e["event"] == "usage"]
    if any(u["reasoning_tokens"] != 5 or u["total_tokens"] != 46 for u in usages):
        yield f"usage {usages}"
    deltas = "".join(
        e["data"].get("arguments", "") for e in told.events if e["event"] == "tool_completion_chunk"
    )
    called = case.script in ("native", "parallel", "invalid", "astext") and bool(calls)
    if case.stream and called and len(deltas) != sum(len(c["raw_arguments"]) for c in calls):
        yield f"argument deltas {deltas!r}"
    if not (case.stream and called) and deltas:
        yield "argument deltas where none belong"


def _text(case: Case, told: Folded) -> Iterator[str]:
    """The text and the reasoning, and in how many pieces they came."""
    answers = not case.calls or case.synthesis
    wanted = text_for(case.prompt) if answers else ""
    if told.text != wanted:
        yield f"its text is {told.text[:60]!r}, not {wanted[:60]!r}"
    chunks = [e["data"] for e in told.events if e["event"] == "chat_completion_chunk"]
    if "".join(c.get("reasoning", "") for c in chunks) != ("".join(REASONING) if answers else ""):
        yield "its reasoning is not what the model sent"
    phase = "chat" if case.mode == "chat" else "synthesis" if case.calls else "tools"
    if any(c["phase"] != phase for c in chunks):
        yield f"its text is in phases { ({c['phase'] for c in chunks}) }, not {phase}"
    pieces = sum(1 for c in chunks if c.get("content"))
    if not case.stream and pieces != bool(wanted):
        yield f"whole, and its text came in {pieces} chunks"
    if calls_as_text()[:9] in "".join(c.get("content", "") for c in chunks):
        yield "a call written as text was shown as text"


def _asked(case: Case, told: Folded, asked: list[Request]) -> Iterator[str]:
    """What the upstream was asked: tools once, then their results under the calls' ids."""
    if len(asked) != 1 + bool(case.calls and case.synthesis):
        yield f"{len(asked)} upstream requests"
        return
    bodies = [request.json for request in asked]
    if not all(body["stream"] is True for body in bodies):
        yield "an upstream request is not read as a stream"
    if bool(bodies[0].get("tools")) != (case.mode == "toolchain"):
        yield "tools are offered where they should not be, or the other way round"
    usages = sum(name == "usage" for name in told.names)
    if usages != len(asked):
        yield f"{usages} usage events for {len(asked)} requests"
    if len(bodies) == 2:
        if bodies[1].get("tools"):
            yield "tools are offered to the synthesis"
        given = [m["tool_call_id"] for m in bodies[1]["messages"] if m["role"] == "tool"]
        made = [e["data"]["call_id"] for e in told.events if e["event"] == "tool_call"]
        if given != made:
            yield f"the synthesis got results for {given}, not {made}"


async def _demo(rig: Rig, rounds: int, report: Report) -> None:
    rows = []
    async with client_per_server(rig) as clients:
        for number, (mode, synthesis, stream) in enumerate(MODES * rounds):
            name = f"demo {name_of(mode, synthesis, stream)}"
            begin = time.monotonic()
            client, *others = turned(clients, number)
            told, *elsewhere = await run_watched(
                client,
                others,
                DEMO_PROMPT,
                model_route="demo",
                mode=mode,
                synthesis=synthesis,
                stream=stream,
            )
            stored = rig.database.stage(told.events[0]["stage_id"])
            report.promise_none(faults_of(stored), name)
            report.promise_none(check_watchers(stored, (told, *elsewhere)), name)
            report.promise(told.names[-1] == "done", f"{name}: ended {told.names[-1]}")
            calls = [e["data"]["tool"] for e in told.events if e["event"] == "tool_call"]
            wanted = ["current_time"] * 2 if mode == "toolchain" else []
            report.promise(calls == wanted, f"{name}: called {calls}")
            results = [e["data"]["status"] for e in told.events if e["event"] == "tool_result"]
            report.promise(results == ["ok"] * len(wanted), f"{name}: results {results}")
            has_text = mode == "chat" or synthesis
            report.promise(bool(told.text) == has_text, f"{name}: text {told.text[:40]!r}")
            # It speaks for most of a second; what comes all at once may be merged to one chunk.
            pieces = sum(bool(e["data"].get("content")) for e in told.events)
            is_one = pieces < 2 and stream and has_text
            report.promise(not is_one, f"{name}: streamed, and its text came in {pieces} chunks")
            rows.append((name, len(told.events), f"{(time.monotonic() - begin) * 1000:.0f}"))
    report.line()
    report.table(("demo model", "events", "ms"), rows[: len(MODES)])


def turned(clients: list[SocketClient], number: int) -> list[SocketClient]:
    """The same clients, another one first each time."""
    at = number % len(clients)
    return clients[at:] + clients[:at]


def main() -> int:
    """Read the command line, prove, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    add_layout(parser)
    arguments = parser.parse_args()
    return prove(arguments.rounds, chosen_layout(arguments)).finish()


if __name__ == "__main__":
    raise SystemExit(main())
