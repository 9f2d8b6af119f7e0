"""The doctor on recorded servers: `python -m bench doctor [SERVER …]`, by default three of them.

Each question is answered with what the server really sent to one of its kind, so what is found is
what the recordings hold: a call has other arguments than were asked for, and no limit is obeyed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.corpus_files import CORPUS
from chat.doctor.findings import OUTCOME_WORDS, ProbeResult
from chat.doctor.patient import Patient
from chat.doctor.probes import BY_CODE, Probe
from chat.doctor.profile import build_profile
from chat.doctor.run import examine
from chat.engine.completions import RouteSettings
from tests.replay import ReplayServer, Request, Script, Send, Step, Wait, error, whole

SERVERS = ("ollama", "mistral", "groq")
MODEL = "recorded"
BETWEEN_EVENTS = 0.002
PRESENT: dict[str, Any] = {
    "token_limit_fields": ["max_tokens"],
    "tool_temperature": 0.0,
    "synthesis_temperature": 0.0,
    "stream_usage": True,
    "starts_inside_thinking": False,
    "text_dialect": "auto",
}


class Recorded:
    """A server that answers with recordings of one of its name."""

    def __init__(self, server: str) -> None:
        paths = sorted((CORPUS / "streams").glob(f"{server}__*.json"))
        self._recordings = [(p.stem, json.loads(p.read_text("utf-8"))) for p in paths]

    def __bool__(self) -> bool:
        return bool(self._recordings)

    def __call__(self, request: Request) -> Script:
        """The recording that fits the request best, in the name of the tool that was offered."""
        body = request.json
        if body["model"] != MODEL or not isinstance(body["messages"], list):
            return self._refusal()
        kinds = _kinds(body)
        found = next(
            (one for kind in kinds for name, one in self._recordings if kind in name), None
        )
        if found is None:
            return error(400)
        data = _wire(found)
        for call in found["expect"].get("tool_calls", ()):
            data = data.replace(f'"{call["name"]}"', f'"{_tool(body)}"')
        if "wire" not in found:
            return whole(data)
        return Script(steps=list(_paced(data)))

    def _refusal(self) -> Script:
        for name, one in self._recordings:
            if "__body_err" in name and one["status"] >= 400:
                return error(one["status"], _wire(one))
        return error(404)


def main() -> int:
    """Print a report of each server."""
    parser = argparse.ArgumentParser(prog="python -m bench doctor", description=__doc__)
    parser.add_argument("servers", nargs="*", default=SERVERS)
    missing = 0
    for server in parser.parse_args().servers:
        recorded = Recorded(server)
        if not recorded:
            print(f"There are no recordings of {server} in {CORPUS}.")
            missing = 1
            continue
        asyncio.run(report(server, recorded))
    return missing


async def report(server: str, recorded: Recorded) -> None:
    """Examine one and print what was found."""

    async def unheard(probe: Probe, result: ProbeResult | None) -> None:
        """Nobody waits for the next line."""

    async with ReplayServer(recorded, models=(MODEL,)) as replay:
        settings = RouteSettings(slug=server, base_url=replay.base_url, model=MODEL, api_key="")
        async with Patient(settings) as patient:
            results = await examine(patient, unheard)
            profile = build_profile(results, PRESENT, patient.refused)
    table = Table("Probe", "Outcome", "What was found", title=f"{server}, recorded")
    for result in results:
        word = OUTCOME_WORDS[result.outcome]
        table.add_row(BY_CODE[result.code].title, word, Text(result.words_and_repairs))
    console = Console()
    console.print(table)
    console.print(Text(profile.in_short, style="bold"))
    for one in profile.capabilities:
        console.print(Text(f"  {one.title}: {one.value}"))
    for wanted in profile.suggestions:
        console.print(Text(f"  Suggested: {wanted.field} = {wanted.suggested}. {wanted.why}"))


def _kinds(body: dict[str, Any]) -> tuple[str, ...]:
    """Kinds of recordings that answer such a request, the best first."""
    streams = bool(body.get("stream"))
    prompt = str(body["messages"][-1]["content"])
    wants_call = body.get("tools") and body["messages"][-1]["role"] != "tool"
    if wants_call and body.get("tool_choice") != "none":
        several = ("stream_parallel", "body_parallel") if "Tokyo" in prompt else ()
        return (*several, "stream_tools", "body_tools", "stream_parallel")
    if "step by step" in prompt:
        return ("stream_reason", "body_reason", "stream_text")
    return (
        ("stream_text", "stream_reason") if streams else ("body_text", "body_reason", "stream_text")
    )


def _tool(body: dict[str, Any]) -> str:
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        return str(choice["function"]["name"])
    return str(body["tools"][0]["function"]["name"]) if body.get("tools") else "none"


def _wire(recording: dict[str, Any]) -> str:
    wire = recording.get("wire")
    if isinstance(wire, list):
        return "".join(f"data: {payload}\n\n" for payload in wire)
    if isinstance(wire, str):
        return wire
    body = recording["non_stream_body"]
    return body if isinstance(body, str) else json.dumps(body)


def _paced(data: str) -> Iterator[Step]:
    """Event after event, as a server sends them."""
    for event in data.encode("utf-8", "surrogatepass").split(b"\n\n"):
        if event:
            yield Wait(BETWEEN_EVENTS)
            yield Send(event + b"\n\n")


if __name__ == "__main__":
    raise SystemExit(main())
