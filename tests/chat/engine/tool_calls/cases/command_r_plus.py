"""Command R+: the word `Action:` and a fenced list."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN, FERN_CALL
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "command_r_plus"
CALL = 'Action:\n```json\n[{"tool_name": "water", "parameters": {"plant": "fern"}}]\n```'

CASES = (
    Case("a call", raw=CALL, calls=(FERN,)),
    Case(
        "a plan before", raw=f"Plan: I water it.\n{CALL}", text="Plan: I water it.", calls=(FERN,)
    ),
    Case(
        "two calls",
        raw='Action: ```json\n[\n    {"tool_name": "list_plants", "parameters": {}},\n    '
        + FERN_CALL
        + "\n]\n```\n",
        calls=(("list_plants", {}), FERN),
    ),
    Case("one object", raw=f"Action:\n```\n{FERN_CALL}\n```", calls=(FERN,)),
    Case(
        "a fence within an argument",
        raw='Action:\n```json\n[{"tool_name": "look_up", "parameters": {"query": "```"}}]\n```',
        calls=(("look_up", {"query": "```"}),),
    ),
    Case("a word", raw="Action: water it.", text="Action: water it."),
    Case(
        "code that is no call",
        raw="Action:\n```python\nwater()\n```",
        text="Action:\n```python\nwater()\n```",
    ),
    Case(
        "an unknown tool",
        raw='Action:\n```json\n[{"tool_name": "fly", "parameters": {}}]\n```',
        text='Action:\n```json\n[{"tool_name": "fly", "parameters": {}}]\n```',
    ),
    Case(
        "cut off",
        raw='Action:\n```json\n[{"tool_name": "water", "parameters": {"plant": "f',
        calls=(("water", '{"plant": "f'),),
    ),
)
