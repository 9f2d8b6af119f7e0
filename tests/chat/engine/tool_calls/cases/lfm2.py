"""LFM2: a list of calls in Python's notation, or JSON, between special tokens."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "lfm2"
FERN = ("water", {"plant": "fern"})
BEGIN, END = "<|tool_call_start|>", "<|tool_call_end|>"
OBJECT = '{"name": "water", "arguments": {"plant": "fern"}}'

CASES = (
    Case("a call alone", raw=f'{BEGIN}[water(plant="fern")]{END}', calls=(FERN,)),
    Case(
        "words before and behind",
        raw=f"So: {BEGIN}[water(plant='fern')]{END}\nDone.",
        text="So: \nDone.",
        calls=(FERN,),
    ),
    Case(
        "words between, on the line of the first call, are left out",
        raw=f"{BEGIN}[list_plants()]{END} and {BEGIN}[water(plant='fern')]{END}",
        calls=(("list_plants", {}), FERN),
        auto="open",
    ),
    Case("no brackets", raw=f"{BEGIN}water(plant='fern'){END}", calls=(FERN,)),
    Case("JSON", raw=f"{BEGIN}{OBJECT}{END}", calls=(FERN,)),
    Case("a list of JSON", raw=f"{BEGIN}[{OBJECT}, {OBJECT}]{END}", calls=(FERN, FERN)),
    Case("no end", raw=f"{BEGIN}[water(plant='fern')]", calls=(FERN,)),
    Case("no marks", raw="[water(plant='fern')]", calls=(FERN,)),
    Case("cut off", raw=f"{BEGIN}[water(plant=", calls=(("water", '{"plant": '),)),
    Case("nothing between the marks", raw=f"{BEGIN}{END}", text=f"{BEGIN}{END}"),
    Case("an unknown tool", raw=f"{BEGIN}[fly()]{END}", text=f"{BEGIN}[fly()]{END}"),
    Case(
        "a name with dots, tools unknown",
        raw=f"{BEGIN}[garden.water(plant='fern')]{END}",
        calls=(("garden.water", {"plant": "fern"}),),
        tools=None,
    ),
    Case(
        "a call that is only thought about",
        raw=f"<think>{BEGIN}[list_plants()]{END}?</think>{BEGIN}[water(plant='fern')]{END}",
        reasoning=f"{BEGIN}[list_plants()]{END}?",
        calls=(FERN,),
    ),
)
