"""Probes of tool calls: whether they are made, whether they arrive whole, and how they are written.

The prompts say exactly what to call, so that what is measured is the server and not a mind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chat.doctor.findings import Finding
from chat.doctor.patient import Patient
from chat.doctor.reading import Reply
from chat.engine.events import ToolCallEvent
from chat.engine.messages import ChatMessage, RequestedCall
from tools.base import Tool, Toolset

CALL_TOKENS = 64
LONG_TOKENS = 96
# Enough to see that no call begins.
WORDS_TOKENS = 24
TEXT_CALL = "text_tool_call:"


def _never_called() -> None:
    """These tools are offered and never run."""


def _tool(name: str, description: str, **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name, description, schema, _never_called, is_async=False)


WEATHER = _tool("get_weather", "The weather in a city now.", city={"type": "string"})
ALARMS = _tool("list_alarms", "The alarms that are set.")
NOTE = _tool("save_note", "Saves a note.", text={"type": "string"})
TABLE = _tool(
    "book_table",
    "Books a table.",
    guest={
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
    },
    dishes={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"dish": {"type": "string"}, "count": {"type": "integer"}},
            "required": ["dish", "count"],
        },
    },
)

IN_PARIS = "What is the weather in Paris? Call the tool."
NESTED: dict[str, Any] = {
    "guest": {"name": "Ada", "age": 36},
    "dishes": [{"dish": "soup", "count": 2}],
}
UNICODE = {"text": 'Zürich, 東京, 🌱, "quotes" and C:\\temp'}
LONG = {
    "text": "One line of text that goes on and on. It has no break anywhere, so that a reader that "
    "cuts long lines would show itself here."
}
CALL_ID = "doctor001"
"""Nine letters and digits: Mistral takes no other ids."""
RESULT = "21.5 degrees and light rain"


async def single(patient: Patient) -> Finding:
    """One call of the one tool that fits."""
    reply = (await patient.ask(IN_PARIS, tools=Toolset([WEATHER]), limit=CALL_TOKENS)).checked()
    if not reply.calls:
        return _no_call(reply)
    call = reply.calls[0]
    facts = _facts(reply)
    if "paris" not in str((call.arguments or {}).get("city", "")).lower():
        return Finding("unclear", f"A call came, with {_shown(call)}.", facts)
    how = "as text" if call.origin != "native" else "by the server"
    return Finding("works", f"One call with the right argument, read {how}.", facts)


async def parallel(patient: Patient) -> Finding:
    """Two calls in one answer."""
    reply = (
        await patient.ask(
            "What is the weather in Paris and in Tokyo? Call the tool once for each city.",
            tools=Toolset([WEATHER]),
            limit=2 * CALL_TOKENS,
        )
    ).checked()
    if not reply.calls:
        return _no_call(reply)
    facts = _facts(reply)
    if len(reply.calls) == 1:
        return Finding("unclear", "One call at a time: the second city was not asked for.", facts)
    shown = " and ".join(_shown(call) for call in reply.calls)
    return Finding("works", f"{len(reply.calls)} calls at once: {shown}.", facts)


async def no_arguments(patient: Patient) -> Finding:
    """A call of a tool without parameters."""
    reply = (
        await patient.ask(
            "Which alarms are set? Call the tool list_alarms.",
            tools=Toolset([ALARMS]),
            limit=CALL_TOKENS,
        )
    ).checked()
    if not reply.calls:
        return _no_call(reply)
    if reply.calls[0].arguments == {}:
        return Finding("works", "The call came with an empty object.", _facts(reply))
    return Finding("unclear", f"The call came with {_shown(reply.calls[0])}.", _facts(reply))


async def nested(patient: Patient) -> Finding:
    """Arguments that are objects and lists."""
    return await _exactly(patient, TABLE, NESTED, CALL_TOKENS)


async def unicode(patient: Patient) -> Finding:
    """Letters of other scripts, an emoji, quotes and a backslash in an argument."""
    return await _exactly(patient, NOTE, UNICODE, CALL_TOKENS)


async def long_line(patient: Patient) -> Finding:
    """A long argument, which many servers send as one line."""
    finding = await _exactly(patient, NOTE, LONG, LONG_TOKENS)
    longest = finding.facts.get("longest_line")
    if longest is None:
        return finding
    words = f"{finding.words} The answer's longest line had {longest:,} bytes."
    return Finding(finding.outcome, words, finding.facts)


async def choice_none(patient: Patient) -> Finding:
    """`tool_choice` none: tools are there, and none may be called."""
    reply = (
        await patient.ask(
            IN_PARIS,
            tools=Toolset([WEATHER]),
            limit=WORDS_TOKENS,
            changes={"tool_choice": "none"},
        )
    ).checked()
    if not reply.calls:
        single = patient.results.get("single")
        if single is None or not single.facts.get("calls"):
            return Finding("unclear", "No call was made, but none is made without it either.")
        return Finding("works", "No call was made.", {"obeyed": True})
    return Finding("fails", "The model called a tool all the same.", {"obeyed": False})


async def choice_required(patient: Patient) -> Finding:
    """`tool_choice` required: a call must come, whatever was said."""
    return _obeyed(await _with_choice(patient, "Say hello.", [WEATHER], "required"), "get_weather")


async def choice_named(patient: Patient) -> Finding:
    """`tool_choice` with a function's name: this one must be called."""
    named = {"type": "function", "function": {"name": "list_alarms"}}
    return _obeyed(
        await _with_choice(patient, "Say hello.", [WEATHER, ALARMS], named), "list_alarms"
    )


async def result(patient: Patient) -> Finding:
    """A call and its result in the history, from which the answer should be told."""
    call = RequestedCall(CALL_ID, "get_weather", '{"city": "Paris"}')
    history = [
        ChatMessage("user", "What is the weather in Paris?"),
        ChatMessage("assistant", "", tool_calls=(call,)),
        ChatMessage("tool", RESULT, tool_call_id=CALL_ID),
    ]
    reply = await patient.ask(
        history,
        tools=Toolset([WEATHER]),
        limit=CALL_TOKENS,
        enough=lambda said: _tells_result(said.given),
    )
    if reply.error is not None and reply.status:
        return Finding(
            "fails", f"The server refuses a tool's result. {reply.error.message}", {"taken": False}
        )
    reply.checked()
    facts = {"taken": True}
    if _tells_result(reply.text + reply.reasoning):
        return Finding("works", "The answer tells what the tool had found.", facts)
    if reply.calls:
        return Finding("unclear", "The server took it; the model called the tool again.", facts)
    return Finding("unclear", "The server took it; the answer does not tell the result.", facts)


async def text_dialect(patient: Patient) -> Finding:
    """How calls are written as text, seen in the probes before; asked only where none was made."""
    found = sorted({code for code in _all_repairs(patient) if code.startswith(TEXT_CALL)})
    native = any(r.facts.get("origin") == "native" for r in patient.results.values())
    if not found and not native:
        question = [
            ChatMessage(
                "system",
                "You can call this tool: "
                f"{json.dumps(WEATHER.spec())}\nTo call it, write the call and nothing else.",
            ),
            ChatMessage("user", IN_PARIS),
        ]
        reply = (
            await patient.ask(question, limit=CALL_TOKENS, read_tools=Toolset([WEATHER]))
        ).checked()
        found = [code for code in reply.repairs if code.startswith(TEXT_CALL)]
        if not found:
            return Finding("unclear", "No call was made in any way.", {"dialects": []})
    names = [code.removeprefix(TEXT_CALL) for code in found]
    facts = {"dialects": names, "native": native}
    if not names:
        return Finding("works", "Every call was read by the server; none came as text.", facts)
    ways = " and ".join(names)
    some = "Some calls" if native else "Calls"
    return Finding("repaired", f"{some} are written into the text ({ways}) and read there.", facts)


async def _exactly(
    patient: Patient, tool: Tool, arguments: Mapping[str, Any], limit: int
) -> Finding:
    """A call with exactly these arguments, told in the prompt."""
    text = json.dumps(arguments, ensure_ascii=False)
    name = tool.name
    reply = (
        await patient.ask(f"Call the tool: {name} {text}", tools=Toolset([tool]), limit=limit)
    ).checked()
    if not reply.calls:
        return _no_call(reply)
    facts = {**_facts(reply), "longest_line": reply.longest_line}
    given = reply.calls[0].arguments
    if given == arguments:
        return Finding("works", "The arguments arrived as they were asked for.", facts)
    if given is None:
        if reply.finish_reason == "length":
            return Finding("unclear", "The call was cut off by the token limit.", facts)
        return Finding(
            "fails", f"The arguments are no JSON object: {_shown(reply.calls[0])}.", facts
        )
    return Finding("unclear", f"A call came, with {_shown(reply.calls[0])}.", facts)


async def _with_choice(
    patient: Patient, question: str, tools: Sequence[Tool], choice: Any
) -> Reply:
    return await patient.ask(
        question, tools=Toolset(tools), limit=CALL_TOKENS, changes={"tool_choice": choice}
    )


def _obeyed(reply: Reply, name: str) -> Finding:
    if reply.error is not None and reply.status in ("400", "422"):
        return Finding("fails", f"The server refuses it. {reply.error.message}", {"obeyed": False})
    reply.checked()
    if any(call.tool == name for call in reply.calls):
        return Finding("works", f"{name} was called.", {**_facts(reply), "obeyed": True})
    if reply.calls:
        other = reply.calls[0].tool
        return Finding(
            "fails", f"{other} was called instead of {name}.", {**_facts(reply), "obeyed": False}
        )
    if reply.finish_reason == "length":
        return _no_call(reply)
    return Finding("fails", "It was ignored: no call was made.", {"obeyed": False})


def _tells_result(text: str) -> bool:
    return "21.5" in text or "21,5" in text


def _no_call(reply: Reply) -> Finding:
    if reply.finish_reason == "length":
        return Finding("unclear", "No call came before the token limit.", {"calls": 0})
    return Finding("unclear", "The model answered without a call.", {"calls": 0})


def _facts(reply: Reply) -> dict[str, Any]:
    return {"calls": len(reply.calls), "origin": reply.calls[0].origin}


def _all_repairs(patient: Patient) -> list[str]:
    return [code for result in patient.results.values() for code in result.repairs]


def _shown(call: ToolCallEvent) -> str:
    text = " ".join(call.raw_arguments.split())
    return f"{call.tool} {text if len(text) <= 120 else text[:119] + '…'}"
