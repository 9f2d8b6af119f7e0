"""Functionary v3.2: `>>>` and a name on a line of its own."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import TOOLS, Case

DIALECT = "functionary_v32"

FERN = ("water", {"plant": "fern"})
CALL = '>>>water\n{"plant": "fern"}'

CASES = (
    Case("a call alone", raw=CALL, calls=(FERN,)),
    Case("two calls", raw=f"{CALL}\n{CALL}", calls=(FERN, FERN)),
    Case("text, then a call", raw=f">>>all\nLet me see.{CALL}", text="Let me see.", calls=(FERN,)),
    Case(
        "the prompt has written the first mark, then text and a call",
        raw=f"all\nLet me see.\n{CALL}",
        text="Let me see.",
        calls=(FERN,),
        auto="open",
    ),
    Case(
        "the prompt has written the first mark, then a call",
        raw='water\n{"plant": "fern"}\n',
        calls=(FERN,),
        auto="open",
    ),
    Case(
        "code that stands as it is",
        raw='>>>python\nprint("a" > "b")\n',
        calls=(("python", {"code": 'print("a" > "b")\n'}),),
        tools={**TOOLS, "python": {}},
    ),
    Case(
        "cut off inside an argument",
        raw='>>>look_up\n{"query": "mo',
        calls=(("look_up", '{"query": "mo'),),
    ),
    Case("an unknown tool stays text", raw=">>>fly\n{}", text=">>>fly\n{}"),
    Case(
        "Python's prompt",
        raw="Type:\n>>> water('fern')\n>>>water('fern')\nTrue",
        text="Type:\n>>> water('fern')\n>>>water('fern')\nTrue",
    ),
    Case("text that begins like a header", raw="all of it is wet", text="all of it is wet"),
)
