"""Llama 3.2 and 4: a list of calls in Python's notation."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "pythonic"
FERN = ("water", {"plant": "fern"})

CASES = (
    Case("a call alone", raw="[water(plant='fern')]", calls=(FERN,)),
    Case(
        "between its marks, and words",
        raw='So: <|python_start|>[water(plant="fern")]<|python_end|> Done.',
        text="So:  Done.",
        calls=(FERN,),
    ),
    Case("no end mark", raw="<|python_start|>[water(plant='fern')]", calls=(FERN,)),
    Case("no end of the list", raw="<|python_start|>[water(plant='fern')", calls=(FERN,)),
    Case("after words", raw="I do it: [water(plant='fern')]", text="I do it:", calls=(FERN,)),
    Case(
        "two calls, one without arguments",
        raw="[list_plants(), water(plant='fern')]",
        calls=(("list_plants", {}), FERN),
    ),
    Case("no arguments", raw="[list_plants()]", calls=(("list_plants", {}),)),
    Case(
        "values of every type",
        raw="[water(plant='it\\'s \"dry\"', litres=-1.5, times=0x10, misted=True, "
        "places=['roof', ('hall',), []], options={'a': {\"b\": None, 1: false}}, note=null)]",
        calls=(
            (
                "water",
                {
                    "plant": 'it\'s "dry"',
                    "litres": -1.5,
                    "times": 16,
                    "misted": True,
                    "places": ["roof", ["hall"], []],
                    "options": {"a": {"b": None, "1": False}},
                    "note": None,
                },
            ),
        ),
    ),
    Case(
        "strings of every kind",
        raw="[look_up(query=r'C:\\new' \" and \" '''it's\n\\u00e9\\x41\\U0001F331\\101\\q''')]",
        calls=(("look_up", {"query": "C:\\new and it's\néA🌱A\\q"}),),
    ),
    Case(
        "a set, and parentheses",
        raw="[water(places={'roof', 'hall'}, times=(2))]",
        calls=(("water", {"places": ["roof", "hall"], "times": 2}),),
    ),
    Case(
        "positional arguments go by the schema's order",
        raw="[water('fern', 2.5, times=3)]",
        calls=(("water", {"plant": "fern", "litres": 2.5, "times": 3}),),
    ),
    Case(
        "over several lines, with commas at the ends",
        raw="[\n  water(\n    plant='fern',\n  ),\n  list_plants(),\n]",
        calls=(FERN, ("list_plants", {})),
    ),
    Case(
        "brackets and quotes inside a string",
        raw="[look_up(query=')], [water(plant=\"x\")]')]",
        calls=(("look_up", {"query": ')], [water(plant="x")]'}),),
    ),
    Case(
        "tools are unknown",
        raw="[dig(depth=3, where='here')]",
        calls=(("dig", {"depth": 3, "where": "here"}),),
        tools=None,
    ),
    Case(
        "tools are unknown, and words go on",
        raw="[dig(depth=3)] is how I would write it.",
        text="[dig(depth=3)] is how I would write it.",
        tools=None,
    ),
    Case(
        "cut off within a value",
        raw="[water(plant='fe",
        calls=(("water", '{"plant": "fe'),),
    ),
    Case("cut off behind a key", raw="[water(plant=", calls=(("water", '{"plant": '),)),
    Case("cut off before the first key", raw="See [water(pla", text="See [water(pla"),
    Case(
        "a value that is no literal",
        raw="[water(plant=choose())]",
        calls=(("water", '{"plant": '),),
        text="())]",
    ),
    Case(
        "a link",
        raw="See [water](https://example.org) and [list_plants()](b).",
        text="See [water](https://example.org) and [list_plants()](b).",
    ),
    Case("a list", raw="a = [water, list_plants, 3]", text="a = [water, list_plants, 3]"),
    Case(
        "in inline code",
        raw="Write `[water(plant='fern')]`.",
        text="Write `[water(plant='fern')]`.",
    ),
    Case("an unknown tool", raw="[fly(height=3)]", text="[fly(height=3)]"),
    Case("nothing offered", raw="[water(plant='fern')]", text="[water(plant='fern')]", tools={}),
)
