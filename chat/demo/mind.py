"""From a request's messages and tools to the demo model's reply: pure, and always the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from chat.demo.answers import answer_to, reasoning_for
from chat.demo.places import Place
from chat.demo.reply import DemoCall, Reply
from chat.demo.results import ToolExchange, told
from chat.demo.wishes import OfferedTool, calls_for, forced_call, wished_tools

Message = Mapping[str, Any]
_CONTINUE = re.compile(r"^\s*continue your answer exactly where it stopped\b", re.I)


def think(
    messages: Sequence[Message],
    tools: Sequence[Mapping[str, Any]] = (),
    tool_choice: str | Mapping[str, Any] | None = None,
) -> Reply:
    """What to say or call next.

    A trailing assistant message, or the sentence “Continue your answer exactly where it stopped”
    after one, is gone on with at the very character where it ends.
    """
    offered = _offered(tools) if tool_choice != "none" else []
    partial = _partial_answer(messages)
    if partial is not None:
        before, text = partial
        return _continued(before, text, tools)
    at = max((i for i, m in enumerate(messages) if m.get("role") == "user"), default=-1)
    prompt = text_of(messages[at]) if at >= 0 else ""
    turn = messages[at + 1 :]
    exchanges = tool_exchanges(turn)
    calls = _calls(prompt, offered, tool_choice, exchanges)
    if calls:
        return Reply(calls=tuple(calls), reasoning=reasoning_for(prompt))
    if exchanges:
        return Reply(told(exchanges))
    earlier = [text_of(m) for m in messages[: max(at, 0)] if m.get("role") == "user"]
    text = answer_to(prompt, earlier, wished_tools(prompt), bool(offered))
    return Reply(text, reasoning=reasoning_for(prompt))


def text_of(message: Message) -> str:
    """A message's text, also where its content is a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, Mapping))
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


def tool_exchanges(messages: Sequence[Message]) -> list[ToolExchange]:
    """The calls of these messages with their results, in the order of the results."""
    asked: dict[str, Mapping[str, Any]] = {}
    exchanges: list[ToolExchange] = []
    for message in messages:
        for call in message.get("tool_calls") or ():
            if isinstance(call, Mapping) and isinstance(call.get("function"), Mapping):
                asked[str(call.get("id"))] = call["function"]
        if message.get("role") == "tool":
            function = asked.get(str(message.get("tool_call_id")), {})
            name = function.get("name") or message.get("name") or "the tool"
            arguments = _arguments(function.get("arguments"))
            exchanges.append(ToolExchange(str(name), arguments, text_of(message)))
    return exchanges


def _calls(
    prompt: str,
    offered: Sequence[OfferedTool],
    tool_choice: str | Mapping[str, Any] | None,
    exchanges: Sequence[ToolExchange],
) -> list[DemoCall]:
    if not offered:
        return []
    if isinstance(tool_choice, Mapping):
        name = (tool_choice.get("function") or {}).get("name")
        offered = [tool for tool in offered if tool.name == name]
    found: dict[str, Place] = {}
    for exchange in exchanges:
        if exchange.tool == "find_place" and (place := exchange.place()) is not None:
            found[place.name] = place
    made = {(e.tool, json.dumps(e.arguments, sort_keys=True)) for e in exchanges}
    calls = [
        call
        for call in calls_for(prompt, offered, found)
        if (call.tool, json.dumps(call.arguments, sort_keys=True)) not in made
    ]
    # After results only what find_place made possible is called: one prompt, one round else.
    if exchanges and not found:
        calls = []
    if not calls and offered and (tool_choice == "required" or isinstance(tool_choice, Mapping)):
        calls = [forced_call(prompt, offered[0])]
    return calls


def _partial_answer(messages: Sequence[Message]) -> tuple[Sequence[Message], str] | None:
    """The messages before an unfinished answer, and its text."""
    rest = list(messages)
    if rest and rest[-1].get("role") == "user" and _CONTINUE.match(text_of(rest[-1])):
        rest.pop()
    if rest and rest[-1].get("role") == "assistant" and not rest[-1].get("tool_calls"):
        return rest[:-1], text_of(rest[-1])
    return None


def _continued(
    before: Sequence[Message], partial: str, tools: Sequence[Mapping[str, Any]]
) -> Reply:
    # The answer may have been given with tools offered or, in a synthesis, without.
    for offered in ((), tools):
        whole = think(before, offered).text
        if whole.startswith(partial):
            return Reply(whole[len(partial) :])
    return Reply(
        "This is the demo model. It has no AI in it; it can only continue its own answers, and "
        "this was not one of them."
    )


def _offered(tools: Sequence[Mapping[str, Any]]) -> list[OfferedTool]:
    offered = []
    for tool in tools:
        function = tool.get("function")
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            schema = function.get("parameters")
            name = function["name"]
            offered.append(OfferedTool(name, schema if isinstance(schema, Mapping) else {}))
    return offered


def _arguments(raw: object) -> dict[str, Any]:
    try:
        arguments = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}
