"""DeepSeek V3: `function`, a separator, the name, and JSON in a fence."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "deepseek_v3"

BEGIN, END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
FERN = ("water", {"plant": "fern"})


def call(tool: str, arguments: str, fence: bool = True) -> str:
    body = f"\n```json\n{arguments}\n```" if fence else f"\n{arguments}"
    return f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{tool}{body}<｜tool▁call▁end｜>"


WATER = call("water", '{"plant": "fern"}')

CASES = (
    Case("a call alone", raw=BEGIN + WATER + END, calls=(FERN,)),
    Case(
        "text before", raw=f"Let me see.\n\n{BEGIN}{WATER}{END}", text="Let me see.", calls=(FERN,)
    ),
    Case(
        "text behind the section is left out, as nothing may follow it",
        raw=f"One. {BEGIN}{WATER}{END} The fern was watered.",
        text="One.",
        calls=(FERN,),
    ),
    Case(
        "two calls on two lines",
        raw=f"{BEGIN}{WATER}\n{call('list_plants', '{}')}{END}<｜end▁of▁sentence｜>",
        calls=(FERN, ("list_plants", {})),
    ),
    Case("two sections", raw=f"{BEGIN}{WATER}{END}\n{BEGIN}{WATER}{END}", calls=(FERN, FERN)),
    Case("no fence", raw=BEGIN + call("water", '{"plant": "fern"}', fence=False), calls=(FERN,)),
    Case("no outer tokens", raw=WATER, calls=(FERN,)),
    Case(
        "no token before the call",
        raw='<｜tool▁calls▁begin｜>function<｜tool▁sep｜>water\n```json\n{"plant": "fern"}\n```',
        calls=(FERN,),
    ),
    Case(
        "no token but the separator",
        raw='function<｜tool▁sep｜>water\n```json\n{"plant": "fern"}\n```<｜tool▁call▁end｜>',
        calls=(FERN,),
    ),
    Case(
        "nested and unicode arguments",
        raw=BEGIN + call("water", '{"plant": "Bärlauch 🌱", "options": {"a": [1, {"b": null}]}}'),
        calls=(("water", {"plant": "Bärlauch 🌱", "options": {"a": [1, {"b": None}]}}),),
    ),
    Case(
        "its own marks inside an argument",
        raw=BEGIN + call("look_up", '{"query": "```json <｜tool▁call▁end｜> \\" {"}') + END,
        calls=(("look_up", {"query": '```json <｜tool▁call▁end｜> " {'}),),
    ),
    Case(
        "broken JSON ends where its fence does",
        raw=BEGIN + call("look_up", '{"query": "moss"') + END,
        calls=(("look_up", '{"query": "moss"\n'),),
    ),
    Case(
        "cut off inside an argument",
        raw=f"{BEGIN}<｜tool▁call▁begin｜>function<｜tool▁sep｜>look_up\n```json\n"
        '{"query": "ferns',
        calls=(("look_up", '{"query": "ferns'),),
    ),
    Case(
        "cut off inside the name",
        raw=f"{BEGIN}<｜tool▁call▁begin｜>function<｜tool▁sep｜>loo",
        text=f"{BEGIN}<｜tool▁call▁begin｜>function<｜tool▁sep｜>loo",
    ),
    Case(
        "an unknown tool stays text",
        raw=BEGIN + call("fly", "{}") + END,
        text=BEGIN + call("fly", "{}") + END,
    ),
    Case(
        "the marks in prose",
        raw="A call begins with <｜tool▁call▁begin｜> and ends with <｜tool▁call▁end｜>.",
        text="A call begins with <｜tool▁call▁begin｜> and ends with <｜tool▁call▁end｜>.",
    ),
    Case(
        "an example in a code block",
        raw=f"So:\n~~~\n{BEGIN}{WATER}{END}\n~~~\nDone.",
        text=f"So:\n~~~\n{BEGIN}{WATER}{END}\n~~~\nDone.",
    ),
    Case(
        "a thought that was never closed before the call",
        raw=f"<think>The fern is dry.\n{BEGIN}{WATER}{END}",
        reasoning="The fern is dry.",
        calls=(FERN,),
    ),
    Case(
        "a thought that speaks of the mark",
        raw=f"<think>What is <｜tool▁call▁begin｜> for? I see.</think>Now. {BEGIN}{WATER}{END}",
        reasoning="What is <｜tool▁call▁begin｜> for? I see.",
        text="Now.",
        calls=(FERN,),
    ),
)
