"""Cases that every dialect of JSON behind an opening mark has: what models do right, and slips."""

from __future__ import annotations

from typing import Any, Literal

from tests.chat.engine.tool_calls.cases import Case

FERN = ("water", {"plant": "fern"})
FERN_CALL = '{"name": "water", "arguments": {"plant": "fern"}}'
LIST_CALL = '{"name": "list_plants", "arguments": {}}'

Auto = Literal["same", "text", "open"]


def announced(
    opener: str, closer: str, *, is_list: bool = False, auto: Auto = "same"
) -> tuple[Case, ...]:
    """The cases of a dialect that writes one object, or a list of them, between two marks."""

    def mark(*calls: str) -> str:
        if is_list:
            return f"{opener}[{', '.join(calls)}]{closer}"
        return "\n".join(opener + call + closer for call in calls)

    def case(
        about: str, raw: str, *calls: tuple[str, dict[str, Any] | str], text: str = ""
    ) -> Case:
        return Case(about, raw=raw, text=text, calls=calls, auto=auto)

    fenced = f"{opener}\n```json\n{FERN_CALL}\n```\n{closer}"
    return (
        *([case("fenced", fenced, FERN)] if opener.endswith(">") else []),
        case("a call alone", mark(FERN_CALL), FERN),
        case("a call after words", f"Let me see.\n{mark(FERN_CALL)}", FERN, text="Let me see."),
        case("two calls", mark(FERN_CALL, LIST_CALL), FERN, ("list_plants", {})),
        case(
            "the other words for name and arguments",
            mark('{"tool_name": "water", "parameters": {"plant": "fern"}}'),
            FERN,
        ),
        case(
            "keys in another order, and more of them",
            mark('{"type": "function", "arguments": {"plant": "fern"}, "x": [1], "name": "water"}'),
            FERN,
        ),
        case(
            "nested and unicode arguments",
            mark(
                '{"name": "water", "arguments": {"plant": "B\\u00e4r 🌱", "options": {"a": [{}]}}}'
            ),
            ("water", {"plant": "Bär 🌱", "options": {"a": [{}]}}),
        ),
        case(
            "brackets, quotes and the marks inside an argument",
            mark('{"name": "look_up", "arguments": {"query": "}]{[ \\"' + closer + opener + '"}}'),
            ("look_up", {"query": '}]{[ "' + closer + opener}),
        ),
        case("no arguments", mark('{"name": "list_plants"}'), ("list_plants", {})),
        case(
            "null for arguments",
            mark('{"name":"list_plants","arguments":null}'),
            ("list_plants", {}),
        ),
        case(
            "arguments as text in text",
            mark('{"name": "look_up", "arguments": "{\\"query\\": \\"a\\\\nb \\ud83c\\udf31\\"}"}'),
            ("look_up", {"query": "a\nb 🌱"}),
        ),
        case(
            "quotes round the arguments, and none of them escaped",
            mark('{"name": "water", "arguments": "{"plant": "fern"}"}'),
            FERN,
        ),
        case(
            "the API's own shape",
            mark('{"type": "function", "function": ' + FERN_CALL + "}"),
            FERN,
        ),
        case("a comma too many", mark(FERN_CALL[:-1] + ",}"), FERN),
        case("a brace too many", mark(FERN_CALL + "}"), FERN),
        case("a brace too few", mark(FERN_CALL[:-1]), FERN),
        case(
            "single quotes",
            mark("{'name': 'water', 'arguments': {'plant': '}'}}"),
            ("water", "{'plant': '}'}"),
        ),
        case("a closing mark forgotten", mark(FERN_CALL).removesuffix(closer), FERN),
        case(
            "cut off within the arguments",
            mark('{"name": "look_up", "arguments": {"query": "ferns and m').partition(" m")[0],
            ("look_up", '{"query": "ferns and'),
        ),
        case(
            "cut off behind a backslash",
            mark('{"name": "look_up", "arguments": {"query": "a\\').partition("\\")[0] + "\\",
            ("look_up", '{"query": "a\\'),
        ),
        case(
            "an unknown tool stays text",
            mark('{"name": "fly", "arguments": {}}'),
            text=mark('{"name": "fly", "arguments": {}}'),
        ),
        case(
            "something else between the marks",
            f"{opener}none, thank you{closer}",
            text=f"{opener}none, thank you{closer}",
        ),
        case(
            "the opening mark in prose", f"It says {opener} first.", text=f"It says {opener} first."
        ),
        case(
            "an example in a code block",
            f"So:\n```\n{mark(FERN_CALL)}\n```\nEnd.",
            text=f"So:\n```\n{mark(FERN_CALL)}\n```\nEnd.",
        ),
        Case("nothing offered", raw=mark(FERN_CALL), text=mark(FERN_CALL), tools={}),
        Case(
            "tools unknown",
            raw=mark('{"name": "fly", "arguments": {"to": "moon"}}'),
            calls=(("fly", {"to": "moon"}),),
            tools=None,
            auto=auto,
        ),
        Case(
            "an id before the name",
            raw=mark('{"id": "c1", "name": "water", "arguments": {"plant": "fern"}}'),
            calls=(FERN,),
            ids=("c1",),
            auto=auto,
        ),
    )
