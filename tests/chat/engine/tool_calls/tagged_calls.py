"""Cases that every dialect with arguments between tags shares, written in its own notation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.chat.engine.tool_calls.cases import Case

Notation = Callable[[str, Mapping[str, str]], str]
"""Writes a call of a tool, marks and all, from the texts of its arguments."""

FERN = ("water", {"plant": "fern"})


def tagged(write: Notation, *, has_code_quotes: bool = True) -> tuple[Case, ...]:
    """The shared cases; `has_code_quotes`: the notation itself may be quoted in a code block."""
    fern = write("water", {"plant": "fern"})
    unknown = write("fly", {"height": "high"})
    quoted = f"Write it so:\n```xml\n{fern}\n```\nThen wait."
    cut = fern[: fern.index("fern") + 2]
    return (
        Case("a call alone", raw=fern, calls=(FERN,)),
        Case("words before", raw=f"Let me see.\n{fern}", text="Let me see.", calls=(FERN,)),
        Case("words behind", raw=f"{fern}\nThat is all.", text="That is all.", calls=(FERN,)),
        Case(
            "words before, between and behind",
            raw=f"One. {fern} Two. {fern} Three.",
            text="One.  Two.  Three.",
            calls=(FERN, FERN),
        ),
        Case("two calls", raw=f"{fern}\n{fern}", calls=(FERN, FERN)),
        Case("no arguments", raw=write("list_plants", {}), calls=(("list_plants", {}),)),
        Case(
            "values of every type",
            raw=write(
                "water",
                {
                    "plant": "7",
                    "litres": "1.50",
                    "times": "-3",
                    "misted": "True",
                    "places": '["roof", "hall"]',
                    "options": '{"deep": {"a": [1, null]}}',
                    "note": "null",
                },
            ),
            calls=(
                (
                    "water",
                    {
                        "plant": "7",
                        "litres": 1.5,
                        "times": -3,
                        "misted": True,
                        "places": ["roof", "hall"],
                        "options": {"deep": {"a": [1, None]}},
                        "note": None,
                    },
                ),
            ),
        ),
        Case(
            "values that do not fit their types stay what they are",
            raw=write("water", {"plant": '{"a": 1}', "times": "often", "note": "nullify 3"}),
            calls=(("water", {"plant": '{"a": 1}', "times": "often", "note": "nullify 3"}),),
        ),
        Case(
            "Python's notation of lists and objects",
            raw=write("water", {"places": "['roof', \"hall\"]", "options": "{'on': True}"}),
            calls=(("water", {"places": ["roof", "hall"], "options": {"on": True}}),),
        ),
        Case(
            "a string of several lines, quotes and other people's tags",
            raw=write("look_up", {"query": 'if a < b:\n  "x"\\n </b> <i>&amp;</i>\n\n<tool_call'}),
            calls=(("look_up", {"query": 'if a < b:\n  "x"\\n </b> <i>&amp;</i>\n\n<tool_call'}),),
        ),
        Case(
            "unicode",
            raw=write("look_up", {"query": "Bärlauch 🌱 植物"}),
            calls=(("look_up", {"query": "Bärlauch 🌱 植物"}),),
        ),
        Case(
            "an empty value",
            raw=write("look_up", {"query": ""}),
            calls=(("look_up", {"query": ""}),),
        ),
        Case(
            "tools are unknown",
            raw=write("dig", {"depth": "3", "where": "here", "how": '{"deep": true}'}),
            calls=(("dig", {"depth": 3, "where": "here", "how": {"deep": True}}),),
            tools=None,
        ),
        Case("cut off within a value", raw=cut, calls=(("water", '{"plant": "fe'),)),
        Case("an unknown tool stays text", raw=unknown, text=unknown),
        Case("nothing offered, nothing called", raw=fern, text=fern, tools={}),
        *(
            (Case("an example in a code block", raw=quoted, text=quoted),)
            if has_code_quotes
            else ()
        ),
        Case(
            "a thought before the call",
            raw=f"<think>The fern is dry.</think>\n\n{fern}",
            reasoning="The fern is dry.",
            calls=(FERN,),
        ),
        Case(
            "a call that is only thought about",
            raw=f"<think>I could write {fern} here.</think>No.",
            reasoning=f"I could write {fern} here.",
            text="No.",
        ),
    )
