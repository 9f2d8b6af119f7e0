"""Tools for a model that is not offered any by its server: described in the prompt, called in text.

The words are those of the Hermes function-calling prompt, which most open models have seen
(NousResearch/Hermes-Function-Calling); calls are read from the text like any others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from chat.engine.messages import ChatMessage, RequestedCall, sendable_arguments

_PROMPT = """\
You can call functions. Their signatures are within <tools></tools>:
<tools>
{signatures}
</tools>
To call functions, answer with one JSON object within <tool_call></tool_call> for each call and \
nothing else:
<tool_call>
{{"name": "<function name>", "arguments": {{<arguments as an object>}}}}
</tool_call>
The results come back within <tool_response></tool_response>. Where no function is needed, answer \
in plain words."""


def tools_prompt(specs: Sequence[dict[str, Any]]) -> str:
    """The tools as part of a system prompt; empty where there are none."""
    if not specs:
        return ""
    signatures = "\n".join(json.dumps(spec, ensure_ascii=False) for spec in specs)
    return _PROMPT.format(signatures=signatures)


def as_text(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """A history with its calls and results written out; the results of a round are one message."""
    written: list[ChatMessage] = []
    after_tool = False
    for message in messages:
        if message.role == "tool":
            words = f"<tool_response>\n{message.content}\n</tool_response>"
            if after_tool:
                words = f"{written.pop().content}\n{words}"
            # The record names the last result; the calls of the round name the others.
            written.append(ChatMessage("user", words, ref=message.ref))
        elif message.tool_calls:
            parts = [message.content, *map(_call, message.tool_calls)]
            words = "\n".join(part for part in parts if part)
            written.append(ChatMessage(message.role, words, ref=message.ref))
        else:
            written.append(message)
        after_tool = message.role == "tool"
    return tuple(written)


def _call(call: RequestedCall) -> str:
    name = json.dumps(call.tool, ensure_ascii=False)
    return f'<tool_call>\n{{"name": {name}, "arguments": {sendable_arguments(call)}}}\n</tool_call>'
