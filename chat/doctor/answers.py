"""Probes of plain answers: whole and streamed, what limits them, and what comes beside the text."""

from __future__ import annotations

import asyncio
import time

from chat.doctor.findings import Finding
from chat.doctor.patient import Patient
from chat.doctor.reading import Reading
from chat.engine.messages import ChatMessage

HELLO = "Say hello in one short sentence."
COUNT = "Count from 1 to 100, with commas between the numbers."
LIMIT = 8
STREAM_TOKENS = 16
THOUGHT_TOKENS = 64
# A server that is this quick is asked about every name of the limit; a slow one as few as needed.
QUICK_SECONDS = 2.0
NAME_SECONDS = 7.5
LIMIT_FIELDS = ("max_tokens", "max_completion_tokens", "options.num_predict")
SYSTEM = (
    "You are a signpost at a crossing of three roads in the hills. Travellers ask you things, and "
    "you have only ever learned one word. Whatever anybody asks you, in whatever language, you "
    "answer with this single word and with nothing else, neither before it nor after it. The word "
    "is PETROL."
)
SYSTEM_TOKENS = 50
"""What the system message above has at the very least."""

_PARAMETERS = {
    "temperature": "the temperature",
    "stream_options": "the wish for token counts (stream_options)",
    "token_limit_fields": "the name of the token limit",
}


async def whole(patient: Patient) -> Finding:
    """An answer in one piece."""
    reply = (await patient.ask(HELLO, whole=True)).checked()
    facts = {"usage": reply.usage is not None, "whole_ms": reply.milliseconds}
    if not reply.text and not reply.reasoning:
        return Finding("unclear", "The server answered, but without any text.", facts)
    if patient.refused:
        names = " and ".join(_PARAMETERS[name] for name in patient.refused)
        return Finding("repaired", f"Answers once {names} is left out or renamed.", facts)
    return Finding("works", f"Answered: {_quoted(reply.text or reply.reasoning)}", facts)


async def stream(patient: Patient) -> Finding:
    """An answer in pieces."""
    refused_before = set(patient.refused)
    reply = (await patient.ask(COUNT, limit=STREAM_TOKENS)).checked()
    seconds = max(reply.milliseconds - (reply.first_token_ms or 0), 1) / 1000
    usage = reply.usage
    facts = {
        "pieces": reply.pieces,
        "reads": reply.reads,
        "first_token_ms": reply.first_token_ms,
        "usage": usage is not None,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "per_second": round((reply.pieces - 1) / seconds, 1) if reply.reads > 3 else None,
        "reasoning": reply.reasoning_place,
    }
    if not reply.pieces:
        return Finding("unclear", "The stream held no text.", facts)
    told = f"{reply.pieces} pieces in {reply.reads} reads."
    if reply.reads == 1 and reply.pieces > 3:
        return Finding(
            "fails",
            f"{told} Everything came at once, so something on the way holds the stream back. "
            "Look for a proxy that buffers.",
            facts,
        )
    if set(patient.refused) - refused_before:
        return Finding("repaired", f"{told} The server refused the wish for token counts.", facts)
    return Finding("works", told, facts)


async def usage(patient: Patient) -> Finding:
    """Token counts at the end of a stream; judged by the stream above, asked again where unsure."""
    streamed = patient.results.get("stream")
    facts = streamed.facts if streamed is not None else {}
    if "stream_options" in patient.refused:
        return Finding(
            "fails",
            "The server refuses a stream that asks for token counts (stream_options). Without the "
            "wish it streams, and its counts are missing.",
            {"stream_usage": False},
        )
    if "usage" not in facts:
        return Finding("unclear", "There was no stream to look for token counts in.")
    if not facts["usage"]:
        return Finding(
            "fails",
            "No token counts came in the stream, though they were asked for. Stages on this route "
            "show none.",
            {"stream_usage": True},
        )
    counted = facts["output_tokens"]
    told = f"The stream's end says {facts['input_tokens']} tokens in and {counted} out."
    if not counted or not facts["input_tokens"]:
        return Finding("unclear", f"{told} One of them cannot be true.", {"stream_usage": True})
    return Finding("works", told, {"stream_usage": True})


async def system(patient: Patient) -> Finding:
    """A system message, to which the answer should keep."""
    reply = await patient.ask(
        [ChatMessage("system", SYSTEM), ChatMessage("user", "Which road leads to the sea?")],
        limit=LIMIT,
    )
    if reply.error is not None and reply.status in ("400", "422", "500"):
        return Finding(
            "fails",
            f"The server refuses a system message. {reply.error.message}",
            {"system": False},
        )
    reply.checked()
    facts = {"system": True}
    if "petrol" in (reply.text + reply.reasoning).lower():
        return Finding("works", "The answer kept to the system message.", facts)
    if reply.usage is not None and reply.usage.input_tokens >= SYSTEM_TOKENS:
        return Finding(
            "works",
            f"The server read it ({reply.usage.input_tokens} tokens in). The answer did not keep "
            "to it; that is the model's doing.",
            facts,
        )
    return Finding(
        "unclear",
        "The server took it, but neither the answer nor the token counts show that the model "
        "read it.",
        facts,
    )


async def token_limit(patient: Patient) -> Finding:
    """Which name of the token limit is obeyed: each alone, with a limit of 8."""
    own = patient.route.token_limit_fields
    names = list(dict.fromkeys((*own, *LIMIT_FIELDS)))
    verdicts: dict[str, str] = {}
    for name in names:
        started = time.monotonic()
        verdicts[name] = await _limit_verdict(patient, name)
        slow = time.monotonic() - started > QUICK_SECONDS
        if slow and "obeyed" in verdicts.values() and set(own) <= set(verdicts):
            break
    obeyed = [name for name, verdict in verdicts.items() if verdict == "obeyed"]
    told = ", ".join(f"{name} {verdict}" for name, verdict in verdicts.items())
    facts = {"obeyed": obeyed, "verdicts": verdicts}
    good = [verdicts.get(name) for name in own]
    words = f"Asked for at most {LIMIT} tokens: {told}."
    if "refused" in good or (obeyed and not set(own) & set(obeyed)):
        other = f" Use {' and '.join(obeyed)} instead." if obeyed else ""
        return Finding("fails", f"{words} The route's own name does not work.{other}", facts)
    if "obeyed" in good:
        return Finding("works", words, facts)
    if "ignored" in good:
        return Finding("fails", f"{words} No name of the limit is obeyed.", facts)
    return Finding("unclear", f"{words} The model ended by itself, so nothing is known.", facts)


async def reasoning(patient: Patient) -> Finding:
    """Whether the model thinks aloud, and where its thoughts stand."""
    reply = (
        await patient.ask(
            "Think step by step: what is 17 + 25?",
            limit=THOUGHT_TOKENS,
            enough=lambda said: said.field_pieces > 3,
        )
    ).checked()
    place = reply.reasoning_place
    facts = {"place": place}
    if place == "unopened":
        return Finding(
            "repaired",
            "The thoughts end with a closing tag that nothing opened: the prompt template opens "
            "them. Only at the closing tag can they be told from the answer.",
            facts,
        )
    if place == "tags":
        return Finding("works", "The thoughts stand in the text between tags.", facts)
    if place:
        return Finding("works", f"The thoughts come in a field of their own, {place}.", facts)
    return Finding("works", "No thoughts were shown; the model answers at once.", facts)


def _beyond_limit(said: Reading) -> bool:
    return said.pieces > 3 * LIMIT


async def _limit_verdict(patient: Patient, name: str) -> str:
    try:
        async with asyncio.timeout(NAME_SECONDS):
            reply = await patient.ask_as_is(
                COUNT, limit=LIMIT, limit_field=name, enough=_beyond_limit
            )
    except TimeoutError:
        return "too slow to tell"
    if reply.error is not None:
        if reply.status in ("400", "422"):
            return "refused"
        raise reply.error
    said = max(reply.pieces, reply.usage.output_tokens if reply.usage else 0)
    if said > 2 * LIMIT:
        return "ignored"
    if reply.finish_reason == "length":
        return "obeyed"
    return "unclear"


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line}”" if len(line) <= 80 else f"“{line[:79].rstrip()}…”"
