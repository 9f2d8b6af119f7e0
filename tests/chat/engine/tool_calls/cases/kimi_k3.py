"""Kimi K3: elements between special tokens, arguments with their types."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "kimi_k3"

FERN = ("water", {"plant": "fern"})


def element(name: str, text: str, attributes: str = "") -> str:
    return f"<|open|>{name}{attributes}<|sep|>{text}<|close|>{name}<|sep|>"


def argument(key: str, kind: str, value: str) -> str:
    return element("argument", value, f' key="{key}" type="{kind}"')


def call(tool: str, *arguments: str) -> str:
    return element("call", "".join(arguments), f' tool="{tool}" index="1"')


WATER = call("water", argument("plant", "string", "fern"))

CASES = (
    Case("a call alone", raw=element("tools", WATER), calls=(FERN,)),
    Case(
        "a thought, an answer and two calls",
        raw=element("think", "It is dry.")
        + element("response", "Let me see.")
        + element("tools", WATER + call("list_plants")),
        reasoning="It is dry.",
        text="Let me see.",
        calls=(FERN, ("list_plants", {})),
    ),
    Case(
        "the prompt has opened the answer",
        raw="Let me see.<|close|>response<|sep|>" + element("tools", WATER),
        text="Let me see.",
        calls=(FERN,),
    ),
    Case(
        "every kind of value",
        raw=element(
            "tools",
            call(
                "water",
                argument("plant", "string", '<b>a "b"</b>\n'),
                argument("times", "number", "3"),
                argument("misted", "boolean", "true"),
                argument("options", "object", '{"a": [1]}'),
            ),
        ),
        calls=(
            (
                "water",
                {
                    "plant": '<b>a "b"</b>\n',
                    "times": 3,
                    "misted": True,
                    "options": {"a": [1]},
                },
            ),
        ),
    ),
    Case(
        "cut off inside an argument",
        raw='<|open|>tools<|sep|><|open|>call tool="look_up"<|sep|>'
        '<|open|>argument key="query" type="string"<|sep|>mo',
        calls=(("look_up", '{"query": "mo'),),
    ),
    Case(
        "an unknown tool stays text",
        raw=element("tools", call("fly")),
        text=element("tools", call("fly")),
    ),
    Case(
        "the marks in prose",
        raw="It writes <|open|> and <|close|>.",
        text="It writes <|open|> and <|close|>.",
    ),
)
