"""A bare list of objects with name and parameters."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "json_array"
CALL = '{"name": "water", "parameters": {"plant": "fern"}}'

CASES = (
    Case("one", raw=f"[{CALL}]", calls=(FERN,)),
    Case("two", raw=f"[\n  {CALL},\n  {CALL}\n]\n", calls=(FERN, FERN)),
    Case("a bracket forgotten", raw=f" \n [{CALL}", calls=(FERN,)),
    Case("a comma at the end", raw=f"[{CALL}, ]", calls=(FERN,)),
    Case(
        "cut off in the second",
        raw=f'[{CALL}, {{"name": "look_up", "parameters": {{"query": "mo',
        calls=(FERN, ("look_up", '{"query": "mo')),
    ),
    Case("words", raw='["water", "fern"]', text='["water", "fern"]'),
    Case(
        "a list of tools",
        raw='[{"name": "water", "description": "Waters."}, {"name": "look_up"}]',
        text='[{"name": "water", "description": "Waters."}, {"name": "look_up"}]',
    ),
    Case("nothing", raw="", text=""),
)
