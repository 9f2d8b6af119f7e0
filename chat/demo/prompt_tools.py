"""Tools that stand in the system prompt instead of the request, as Hermes models know them.

The demo model answers such a prompt as those models do: calls, and the results of earlier ones, are
text between tags.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chat.demo.mind import Message, text_of
from chat.demo.reply import Reply

_TOOLS = re.compile(r"<tools>\n(.*?)\n</tools>", re.DOTALL)
_CALL = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)
_RESULT = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)


def tools_in_prompt(messages: Sequence[Message]) -> list[Mapping[str, Any]]:
    """The tools that a system message describes, a line each; empty where none does."""
    found: list[Mapping[str, Any]] = []
    for message in messages:
        described = _TOOLS.search(text_of(message)) if message.get("role") == "system" else None
        for line in described[1].splitlines() if described else ():
            tool = _object(line)
            if tool:
                found.append(tool)
    return found


def with_calls(messages: Sequence[Message]) -> list[Message]:
    """The messages with the calls and results between their tags as the API has them."""
    read: list[Message] = []
    open_ids: list[str] = []
    for message in messages:
        role, text = message.get("role"), text_of(message)
        if role == "assistant" and (written := _CALL.findall(text)):
            calls = [_object(one) for one in written]
            open_ids = [f"{len(read)}.{at}" for at in range(len(calls))]
            read.append(
                {
                    "role": "assistant",
                    "content": _CALL.sub("", text).strip(),
                    "tool_calls": [
                        {"id": call_id, "function": call}
                        for call_id, call in zip(open_ids, calls, strict=True)
                    ],
                }
            )
        elif role == "user" and (results := _RESULT.findall(text)):
            for call_id, result in zip(open_ids, results, strict=False):
                read.append({"role": "tool", "tool_call_id": call_id, "content": result})
        else:
            read.append(message)
    return read


def written(reply: Reply) -> Reply:
    """The reply with its calls as text."""
    if not reply.calls:
        return reply
    calls = [
        json.dumps({"name": call.tool, "arguments": call.arguments}, ensure_ascii=False)
        for call in reply.calls
    ]
    tagged = "\n".join(f"<tool_call>\n{call}\n</tool_call>" for call in calls)
    return replace(reply, text="\n".join(filter(None, (reply.text, tagged))), calls=())


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
