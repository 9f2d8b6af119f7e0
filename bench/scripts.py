"""What the replay server says in the proofs, chosen by the first word of the prompt.

"text 60 40" streams 60 pieces at 40 a second; "fast 200 30 4096" the same in pieces of 4096
characters; with tools offered, "native", "parallel", "astext", "weather", "blocking" and "invalid"
call first and then stream text as their numbers say. "headers" never sends a head, "silent" a head
and nothing more, "late" a whole answer that never comes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.replay import (
    Request,
    Script,
    Signal,
    Step,
    WaitFor,
    WaitUntil,
    chat_stream,
    never_answers,
    sse,
    tool_stream,
    whole,
)
from tests.replay.flavours import Call, Flavour, ollama_like, openai_like, vllm_like

USAGE: Mapping[str, Any] = {
    "prompt_tokens": 12,
    "completion_tokens": 34,
    "total_tokens": 46,
    "completion_tokens_details": {"reasoning_tokens": 5},
}
FLAVOURS: Mapping[str, Flavour] = {"ollama": ollama_like, "vllm": vllm_like, "openai": openai_like}
LINE = 20
"""Pieces to a paragraph."""
PARIS = {"time_zone": "Europe/Paris"}
TOKYO = {"time_zone": "Asia/Tokyo"}
SUM = {"expression": "6 * 7"}
OSLO = {"latitude": 59.9, "longitude": 10.7}
CALLS: Mapping[str, Sequence[tuple[str, Mapping[str, Any] | str]]] = {
    "native": [("current_time", PARIS)],
    "parallel": [("current_time", PARIS), ("current_time", TOKYO), ("calculate", SUM)],
    "weather": [("get_weather", OSLO), ("calculate", SUM)],
    "blocking": [("hold_a_thread", {"seconds": 3.0})],
    "invalid": [("current_time", {"no_such_field": 1})],
}
REASONING = ("Let me ", "think: ", "naïve → 🌱.\n")


def answer(request: Request) -> Script:
    """The script that the last prompt asks for."""
    body = request.json
    words = prompt_of(body).split()
    name = words[0]
    wants_calls = bool(body.get("tools")) and body["messages"][-1]["role"] != "tool"
    flavour = FLAVOURS.get(words[4] if len(words) > 4 else "", openai_like)
    if name == "headers":
        return never_answers()
    if name == "silent":
        return sse(WaitFor(Signal()))
    if name == "late":
        return whole({}, after=[WaitFor(Signal())])
    if wants_calls and name == "astext":
        return chat_stream([calls_as_text()], usage=USAGE, flavour=flavour)
    if wants_calls and name in CALLS:
        calls = [Call(*call) for call in CALLS[name]]
        return tool_stream(calls, interleaved=flavour is openai_like, usage=USAGE, flavour=flavour)
    return paced_text(words, flavour)


def prompt_of(body: Mapping[str, Any]) -> str:
    """The last message of the person."""
    said = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return str(said[-1])


def paced_text(words: Sequence[str], flavour: Flavour = openai_like) -> Script:
    """Reasoning, then numbered pieces at a steady pace (0: as fast as it goes)."""
    rate = float(words[2]) if len(words) > 2 else 0
    steps: list[str | Step] = []
    for number, piece in enumerate(pieces(words)):
        if rate:
            steps.append(WaitUntil(number / rate))
        steps.append(piece)
    return chat_stream(steps, reasoning=REASONING, usage=USAGE, flavour=flavour)


def pieces(words: Sequence[str]) -> list[str]:
    """The pieces of text that the words of a prompt ask for: numbered, not all of them ASCII."""
    count = int(words[1]) if len(words) > 1 else 10
    size = int(words[3]) if len(words) > 3 else 0
    return [
        f"{number}·é🌱 ".ljust(size, "x") + ("\n\n" if number % LINE == LINE - 1 else "")
        for number in range(count)
    ]


def text_for(prompt: str) -> str:
    """The whole text that an answer to the prompt has."""
    return "".join(pieces(prompt.split()))


def calls_as_text() -> str:
    """Two calls written as a JSON list in a fence, as small models do."""
    calls = [{"name": name, "arguments": asked} for name, asked in CALLS["parallel"][:2]]
    return f"```json\n{json.dumps(calls, indent=1)}\n```"
