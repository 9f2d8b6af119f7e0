"""Gemma 4: bare keys, strings between tokens, thoughts in a channel."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "gemma4"

Q = '<|"|>'
WATER = f"<|tool_call>call:water{{plant:{Q}fern{Q}}}<tool_call|>"
FERN = ("water", {"plant": "fern"})

CASES = (
    Case("a call alone", raw=WATER, calls=(FERN,)),
    Case(
        "text before, between and after",
        raw=f"One. {WATER} Two. {WATER} Three.",
        text="One.  Two.  Three.",
        calls=(FERN, FERN),
    ),
    Case(
        "no arguments",
        raw="<|tool_call>call:list_plants{}<tool_call|>",
        calls=(("list_plants", {}),),
    ),
    Case(
        "every kind of value",
        raw=f'<|tool_call>call:water{{plant:{Q}a {{b}}, c:d "e"\n{Q},litres:1.5,times:-2,'
        f"misted:true,places:[{Q}x{Q},{Q}y{Q}],options:{{deep:{{none:null,list:[1,[]]}}}},note:null}}<tool_call|>",
        calls=(
            (
                "water",
                {
                    "plant": 'a {b}, c:d "e"\n',
                    "litres": 1.5,
                    "times": -2,
                    "misted": True,
                    "places": ["x", "y"],
                    "options": {"deep": {"none": None, "list": [1, []]}},
                    "note": None,
                },
            ),
        ),
    ),
    Case(
        "strings without their tokens, JSON's quotes, blanks",
        raw='<|tool_call>call:water{ plant: red fern , "note": "a \\"b\\"" }<tool_call|>',
        calls=(("water", {"plant": "red fern", "note": 'a "b"'}),),
    ),
    Case(
        "its own marks inside a string",
        raw=f"<|tool_call>call:look_up{{query:{Q}<tool_call|> and }}{Q}}}<tool_call|>",
        calls=(("look_up", {"query": "<tool_call|> and }"}),),
    ),
    Case(
        "a thought before the call, and the end of turn instead of the call's",
        raw="<|channel>thought\nThe fern is dry.\n<channel|>"
        + WATER.replace("<tool_call|>", "<turn|>"),
        reasoning="The fern is dry.",
        calls=(FERN,),
    ),
    Case(
        "the call's opening token is missing",
        raw=f"<|channel>thought\nDry.<channel|>call:water{{plant:{Q}fern{Q}}}",
        reasoning="Dry.",
        calls=(FERN,),
    ),
    Case(
        "only a fragment of the opening token is left",
        raw=f"<call>water{{plant:{Q}fern{Q}}}",
        calls=(FERN,),
    ),
    Case(
        "a thought that was never closed before the call",
        raw=f"<|channel>thought\nDry.{WATER}",
        reasoning="Dry.",
        calls=(FERN,),
    ),
    Case(
        "thoughts that stay in the text",
        raw="<|channel>thought\nDry.<channel|>Hello.",
        text="<|channel>thought\nDry.<channel|>Hello.",
        thoughts=False,
    ),
    Case(
        "a thought that the prompt had opened",
        raw=f"Dry.<channel|>{WATER}",
        reasoning="Dry.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
    Case(
        "cut off inside a string",
        raw=f"<|tool_call>call:look_up{{query:{Q}ferns and <|",
        calls=(("look_up", '{"query": "ferns and <|'),),
    ),
    Case(
        "braces that were forgotten",
        raw="<|tool_call>call:water{times:3<tool_call|> So.",
        calls=(("water", '{"times": 3'),),
        text="So.",
    ),
    Case(
        "an unknown tool stays text",
        raw=f"<|tool_call>call:fly{{to:{Q}moon{Q}}}<tool_call|>",
        text=f"<|tool_call>call:fly{{to:{Q}moon{Q}}}<tool_call|>",
    ),
    Case(
        "a word that is no mark",
        raw="Conference\ncall: water the fern at 9.\ncall:water is how I call it.",
        text="Conference\ncall: water the fern at 9.\ncall:water is how I call it.",
    ),
    Case("an example in inline code", raw=f"Write `{WATER}`.", text=f"Write `{WATER}`."),
)
