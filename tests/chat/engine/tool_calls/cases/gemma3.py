"""Gemma 3: Python in a fence of `tool_code`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "gemma3"

FERN = ("water", {"plant": "fern"})

CASES = (
    Case("a call alone", raw='```tool_code\nwater(plant="fern")\n```', calls=(FERN,)),
    Case(
        "printed, with text round it",
        raw="Let me see.\n```tool_code\nprint(water(plant='fern'))\n```\nDone.",
        text="Let me see.\n\nDone.",
        calls=(FERN,),
    ),
    Case(
        "assigned, and the rest of the code is left out",
        raw='```tool_code\nresult = default_api.water(plant="fern")\nprint(result)\n```',
        calls=(FERN,),
    ),
    Case(
        "two calls",
        raw='```tool_code\nwater(plant="fern")\nlist_plants()\n```',
        calls=(FERN, ("list_plants", {})),
    ),
    Case(
        "no closing fence",
        raw='```tool_code\nwater(plant="fern")',
        calls=(FERN,),
    ),
    Case(
        "cut off inside an argument",
        raw='```tool_code\nlook_up(query="mo',
        calls=(("look_up", '{"query": "mo'),),
    ),
    Case(
        "code that calls no tool stays text",
        raw="```tool_code\nprint(2 - 5)\n```",
        text="```tool_code\nprint(2 - 5)\n```",
    ),
    Case(
        "another fence stays text",
        raw='```python\nwater(plant="fern")\n```',
        text='```python\nwater(plant="fern")\n```',
    ),
)
