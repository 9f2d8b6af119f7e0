"""Olmo 3: calls in Python's notation, one to a line, between `<function_calls>` tags."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "olmo3_pythonic"
FERN = ("water", {"plant": "fern"})
BEGIN, END = "<function_calls>", "</function_calls>"

CASES = (
    Case("a call alone", raw=f"{BEGIN}water(plant='fern'){END}", calls=(FERN,)),
    Case(
        "lines, and words",
        raw=f"So:\n{BEGIN}\nwater(plant='fern')\nlist_plants()\n{END}\nDone.",
        text="So:\n\nDone.",
        calls=(FERN, ("list_plants", {})),
    ),
    Case("a list of calls", raw=f"{BEGIN}[water(plant='fern')]{END}", calls=(FERN,)),
    Case("no end", raw=f"{BEGIN}water(plant='fern')\n", calls=(FERN,)),
    Case(
        "JSON's words",
        raw=f"{BEGIN}water(note=null, misted=true){END}",
        calls=(("water", {"note": None, "misted": True}),),
    ),
    Case("cut off", raw=f"{BEGIN}water(plant='fe", calls=(("water", '{"plant": "fe'),)),
    Case("an unknown tool", raw=f"{BEGIN}fly(){END}", text=f"{BEGIN}fly(){END}"),
    Case(
        "tools are unknown",
        raw=f"{BEGIN}dig(depth=3){END}",
        calls=(("dig", {"depth": 3}),),
        tools=None,
    ),
)
