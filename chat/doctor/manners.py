"""Probes of a server's manners: its list of models, whether it notices a stop, its refusals."""

from __future__ import annotations

import re

from chat.doctor.answers import HELLO
from chat.doctor.findings import Finding
from chat.doctor.patient import Patient
from chat.doctor.reading import Reply

# Not asked before: a server that remembers a prompt answers it too soon to be stopped.
STORY = "Tell a long story of a lighthouse and its keeper."
NO_SUCH_MODEL = "toolbench-doctor-no-such-model"
LONG_TOKENS = 256
"""What a server that notices no stop goes on with."""
SLOWER_MS = 1500
"""How much longer than usual the next answer may take after a stop."""

_QUOTED = re.compile("“(.+)”", re.S)


async def models(patient: Patient) -> Finding:
    """The server's list of models, and whether the route's is in it."""
    listing = await patient.models()
    wanted = patient.route.model
    if listing.models is None:
        if listing.answers:
            return Finding("unclear", listing.problem)
        return Finding("fails", listing.problem)
    names = listing.models
    window = listing.windows.get(wanted)
    facts = {"models": list(names[:20]), "window": window}
    many = "1 model" if len(names) == 1 else f"{len(names)} models"
    if wanted in names or f"{wanted}:latest" in names:
        reads = f" It reads up to {window:,} tokens." if window else ""
        return Finding("works", f"{wanted} is there, of {many}.{reads}", facts)
    some = ", ".join(names[:5]) or "none"
    return Finding("unclear", f"{wanted} is not in the list of {many}: {some}.", facts)


async def stop_before(patient: Patient) -> Finding:
    """The connection is closed before the first token; the next question should not wait."""
    usual = _usual(patient)
    if usual is None:
        return Finding("unclear", "No answer came before, so there is no time to compare with.")
    wait = min(max(usual / 2, 5), 1000) / 1000
    left = await patient.leave(STORY, LONG_TOKENS, wait)
    if left is not None:
        left.checked()
        return Finding("unclear", "The first token came too soon for a stop before it.")
    return await _next_answer(patient, usual, f"Closed after {_seconds(round(wait * 1000))}.")


async def stop_after(patient: Patient) -> Finding:
    """The connection is closed at the first token; the next question should not wait."""
    usual = _usual(patient)
    left = (
        await patient.ask(STORY, limit=LONG_TOKENS, enough=lambda said: said.pieces > 0)
    ).checked()
    usual = usual or left.first_token_ms or 0
    return await _next_answer(patient, usual, "Closed at the first token.")


async def errors(patient: Patient) -> Finding:
    """What is said to a model that is not there, and to messages that are none."""
    unknown = await patient.ask_as_is(HELLO, limit=4, changes={"model": NO_SUCH_MODEL})
    broken = await patient.ask_as_is(HELLO, limit=4, changes={"messages": "hello"})
    facts = {"unknown_model": unknown.status or "answered", "no_messages": broken.status or "?"}
    told = f"A wrong model: {_told(unknown)} Wrong messages: {_told(broken)}"
    if unknown.error is None:
        return Finding(
            "unclear", f"{told} A mistyped model name would go unnoticed on this server.", facts
        )
    good = all(reply.status.startswith("4") and _quote(reply) for reply in (unknown, broken))
    if good:
        return Finding("works", told, facts)
    return Finding("unclear", f"{told} Refusals here say less than they could.", facts)


async def _next_answer(patient: Patient, usual: int, told: str) -> Finding:
    reply = await patient.ask(HELLO, limit=4, enough=lambda said: said.pieces > 0)
    if reply.error is not None:
        return Finding(
            "fails",
            f"{told} The question after it got no answer: {reply.error.message}",
            {"noticed": False},
        )
    took = reply.first_token_ms or reply.milliseconds
    told += f" The next answer began after {_seconds(took)}, usual are {_seconds(usual)}."
    if took <= 3 * usual + SLOWER_MS:
        return Finding("works", told, {"noticed": True})
    return Finding(
        "fails",
        f"{told} The server seems to go on with what was stopped.",
        {"noticed": False},
    )


def _usual(patient: Patient) -> int | None:
    """How long a first token takes on this server."""
    streamed = patient.results.get("stream")
    first: int | None = streamed.facts.get("first_token_ms") if streamed is not None else None
    return first or patient.quickest_ms


def _told(reply: Reply) -> str:
    if reply.error is None:
        return "answered as if nothing were wrong."
    words = _quote(reply)
    if not reply.status:
        return reply.error.message
    ended = "" if words.endswith((".", "!", "?")) else "."
    return f"{reply.status}: {words}{ended}" if words else f"{reply.status}, without words."


def _quote(reply: Reply) -> str:
    found = _QUOTED.search(reply.error.message) if reply.error is not None else None
    return found[1] if found else ""


def _seconds(milliseconds: int) -> str:
    if milliseconds < 1000:
        return f"{milliseconds}\u2009ms"
    return f"{milliseconds / 1000:.1f}\u2009s"
