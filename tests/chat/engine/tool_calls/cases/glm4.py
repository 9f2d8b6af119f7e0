"""GLM 4.5 and 4.6: keys and values by turns, in lines."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "glm4"


def pairs(values: Mapping[str, str], between: str = "\n") -> str:
    return "".join(
        f"<arg_key>{key}</arg_key>{between}<arg_value>{value}</arg_value>{between}"
        for key, value in values.items()
    )


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"<tool_call>{tool}\n{pairs(values)}</tool_call>"


CASES = (
    *tagged(write),
    Case(
        "newlines written as in JSON",
        raw="<tool_call>water\\n<arg_key>plant</arg_key>\\n<arg_value>fern</arg_value>\\n</tool_call>",
        calls=(FERN,),
    ),
    Case(
        "a list written as in JSON",
        raw=write("water", {"places": '[\\"roof\\", \\"hall\\"]'}),
        calls=(("water", {"places": ["roof", "hall"]}),),
    ),
    Case(
        "blanks round a string are the string's",
        raw=write("look_up", {"query": "\n  ferns \n"}),
        calls=(("look_up", {"query": "\n  ferns \n"}),),
    ),
    Case(
        "its own marks inside a value",
        raw=write("look_up", {"query": "a </tool_call> b </arg_value> c <arg_key>d</arg_key>"}),
        calls=(("look_up", {"query": "a </tool_call> b </arg_value> c <arg_key>d</arg_key>"}),),
    ),
    Case(
        "no end of a value",
        raw="<tool_call>water\n<arg_key>plant</arg_key>\n<arg_value>fern\n"
        "<arg_key>times</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
        calls=(("water", {"plant": "fern\n", "times": 2}),),
    ),
    Case(
        "no end of the call",
        raw=f"<tool_call>water\n{pairs({'plant': 'fern'})}",
        calls=(FERN,),
    ),
    Case(
        "no end of the first of two calls",
        raw=f"<tool_call>list_plants\n{write('water', {'plant': 'fern'})}",
        calls=(("list_plants", {}), FERN),
    ),
    Case("JSON behind the name", raw='<tool_call>water>{"plant": "fern"}', calls=(FERN,)),
    Case(
        "JSON in a line of its own",
        raw='<tool_call>water\n{"plant": "fern"}\n</tool_call>',
        calls=(FERN,),
    ),
    Case(
        "a name that goes on is another tool's",
        raw="<tool_call>watering</tool_call>",
        text="<tool_call>watering</tool_call>",
    ),
    Case(
        "cut off behind the name, when it may go on",
        raw="So. <tool_call>water",
        text="So. <tool_call>water",
    ),
)
