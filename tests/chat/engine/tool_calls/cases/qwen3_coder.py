"""Qwen3-Coder: `<function=…>` and `<parameter=…>`, mostly between `<tool_call>` tags."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import TOOLS, Case
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "qwen3_coder"


def bare(tool: str, values: Mapping[str, str]) -> str:
    inner = "".join(f"<parameter={k}>\n{v}\n</parameter>\n" for k, v in values.items())
    return f"<function={tool}>\n{inner}</function>"


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"<tool_call>\n{bare(tool, values)}\n</tool_call>"


WATER = write("water", {"plant": "fern"})
NEEDY = {"look_up": {**TOOLS["look_up"], "required": ["query", "where"]}}

CASES = (
    *tagged(write),
    Case("no section round it", raw=bare("water", {"plant": "fern"}), calls=(FERN,)),
    Case(
        "only the section's end",
        raw=f"So: {bare('water', {'plant': 'fern'})}\n</tool_call>",
        text="So:",
        calls=(FERN,),
    ),
    Case(
        "no newlines",
        raw="<tool_call><function=water><parameter=plant>fern</parameter></function></tool_call>",
        calls=(FERN,),
    ),
    Case(
        "two calls in one section",
        raw=f"<tool_call>{bare('list_plants', {})}{bare('water', {'plant': 'fern'})}</tool_call>",
        calls=(("list_plants", {}), FERN),
    ),
    Case(
        "no end of the first parameter",
        raw="<function=water>\n<parameter=plant>\nfern\n<parameter=times>\n2\n</parameter>\n"
        "</function>",
        calls=(("water", {"plant": "fern", "times": 2}),),
    ),
    Case(
        "no end of the last parameter",
        raw="<tool_call><function=look_up>\n<parameter=query>\nferns\n</function>\n</tool_call>"
        " So.",
        text="So.",
        calls=(("look_up", {"query": "ferns"}),),
    ),
    Case(
        "no end of the function",
        raw="<tool_call><function=look_up><parameter=query>ferns</parameter></tool_call>",
        calls=(("look_up", {"query": "ferns"}),),
    ),
    Case(
        "no ends at all behind the parameter",
        raw="<tool_call>\n<function=look_up>\n<parameter=query>\nferns\n</parameter>\n",
        calls=(("look_up", {"query": "ferns"}),),
    ),
    Case(
        "no ends, and a required parameter is missing",
        raw="<tool_call>\n<function=look_up>\n<parameter=query>\nferns\n</parameter>\n",
        calls=(("look_up", '{"query": "ferns"'),),
        tools=NEEDY,
    ),
    Case(
        "its own marks inside a value",
        raw=write(
            "look_up",
            {"query": "a </tool_call> b </function> c <function=water> d </parameter> e"},
        ),
        calls=(
            (
                "look_up",
                {"query": "a </tool_call> b </function> c <function=water> d </parameter> e"},
            ),
        ),
    ),
    Case(
        "an unknown key's tag inside a value",
        raw=write("look_up", {"query": "write\n<parameter=colour>\nred"}),
        calls=(("look_up", {"query": "write\n<parameter=colour>\nred"}),),
    ),
    Case(
        "only one newline on each side is the template's",
        raw=write("look_up", {"query": "\n  ferns\n"}),
        calls=(("look_up", {"query": "\n  ferns\n"}),),
    ),
    Case(
        "a JSON object instead of parameters",
        raw='<function=water>{"plant": "fern"}</function>',
        calls=(FERN,),
    ),
    Case(
        "a JSON object and no end of the tag",
        raw='<function=water{"plant": "fern"}</function>',
        calls=(FERN,),
    ),
    Case(
        "an integer written as a fraction, a list within a string, a list escaped",
        raw=write("water", {"times": "2.0", "places": '[\\"roof\\"]', "litres": '"3"'}),
        calls=(("water", {"times": 2, "places": ["roof"], "litres": 3}),),
    ),
    Case(
        "cut off behind a key",
        raw="<tool_call>\n<function=water>\n<parameter=plant>",
        calls=(("water", '{"plant": '),),
    ),
    Case(
        "cut off within a number, which is not shown before it is whole",
        raw="<tool_call><function=water><parameter=times>1",
        calls=(("water", '{"times": '),),
    ),
    Case("half of an opening mark", raw="It is small: <func", text="It is small: <func"),
    Case(
        "a mention of the tool's tag",
        raw="Use <function=water> for that.",
        text="Use <function=water> for that.",
    ),
    Case(
        "a thought that the prompt had opened goes over into a call",
        raw=f"The fern is dry.\n{WATER}",
        reasoning="The fern is dry.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
    Case(
        "a thought that the prompt had opened speaks of a call within a line",
        raw=f"I could write {WATER} here.\n</think>No.",
        reasoning=f"I could write {WATER} here.",
        text="No.",
        starts_inside_thinking=True,
    ),
)
