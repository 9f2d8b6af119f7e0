"""Calls written as JSON in the text: found whole, held back no longer than needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.tool_calls.dialect import TextCall
from chat.engine.tool_calls.dialects import choose_dialect
from chat.engine.tool_calls.json_text import JsonText
from tests.chat.engine.cuts import CUTS, pieces_of

TOOLS = ("get_weather", "get_time")
WEATHER = '{"name": "get_weather", "arguments": {"city": "Köln"}}'
TIME = '{"name": "get_time", "parameters": {}}'

WEATHER_CALL = ("get_weather", '{"city": "Köln"}')
TIME_CALL = ("get_time", "{}")


def read(*pieces: str) -> tuple[str, list[TextCall]]:
    dialect = JsonText(TOOLS)
    text = "".join(dialect.feed(piece) for piece in pieces)
    rest, calls = dialect.finish()
    return text + rest, list(calls)


def brief(calls: list[TextCall]) -> list[tuple[str, str]]:
    return [(call.tool, call.raw_arguments) for call in calls]


CASES = {
    "an object": (WEATHER, "", [WEATHER_CALL]),
    "blanks around": (f"\n  {WEATHER} \n", "", [WEATHER_CALL]),
    "an array": (f"[{WEATHER}, {TIME}]", "", [WEATHER_CALL, TIME_CALL]),
    "an array left open": (f"[{WEATHER},", "", [WEATHER_CALL]),
    "one to a line": (f"{WEATHER}\n{TIME}", "", [WEATHER_CALL, TIME_CALL]),
    "marks between": (f"{WEATHER}; {TIME}", "", [WEATHER_CALL, TIME_CALL]),
    "fenced": (f"```json\n{WEATHER}\n```", "", [WEATHER_CALL]),
    "fenced without a word": (f"```\n[{WEATHER}]\n```\n", "", [WEATHER_CALL]),
    "a fence left open": (f"```json\n{WEATHER}\n", "", [WEATHER_CALL]),
    "two fences": (f"```json\n{WEATHER}\n```\n```json\n{TIME}\n```", "", [WEATHER_CALL, TIME_CALL]),
    "arguments as text": (
        '{"name": "get_weather", "arguments": "{\\"city\\": \\"Köln\\"}"}',
        "",
        [WEATHER_CALL],
    ),
    "the API's own shape": (
        '{"id": "x", "type": "function", "function": ' + WEATHER + "}",
        "",
        [WEATHER_CALL],
    ),
    "a list of calls in an object": (
        '{"tool_calls": [' + WEATHER + ', {"function": ' + TIME + "}]}",
        "",
        [WEATHER_CALL, TIME_CALL],
    ),
    "arguments first": (
        '{"arguments": {"a": "}"}, "name": "get_time"}',
        "",
        [("get_time", '{"a": "}"}')],
    ),
    "words after": (f"{WEATHER}\n\nOne moment.", "One moment.", [WEATHER_CALL]),
    "data after": (f'{WEATHER}\n{{"a": 1}}', '{"a": 1}', [WEATHER_CALL]),
}

STAY_TEXT = {
    "prose": "Hello, what a day.",
    "nothing": "",
    "blanks": " \n ",
    "quoted in prose": f"Write {WEATHER} to ask.",
    "fenced in prose": f"For example:\n```json\n{WEATHER}\n```",
    "a fence with words after": f"```json\n{WEATHER}\n```\nThis is how a call looks.",
    "another language": "```python\nprint({})\n```",
    "data": '{"city": "London", "weather": "fire"}',
    "a person": '{"name": "Anna", "arguments": {}}',
    "data with a tool's name": '{"name": "get_weather", "age": 3}',
    "no arguments": '{"name": "get_weather"}',
    "both kinds of arguments": '{"name": "get_time", "arguments": {}, "parameters": {}}',
    "a list of numbers": "[1, 2, 3]",
    "an empty list": "[]",
    "an empty object": "{}",
    "a link": "[here](http://example.org)",
    "a tool that is not offered": '{"name": "delete_all", "arguments": {}}',
    "arguments that are no object": '{"name": "get_time", "arguments": [1]}',
    "text arguments that are no object": '{"name": "get_time", "arguments": "now"}',
    "broken JSON": '{"name": "get_time", "arguments": {"a": nope}}',
    "doubled braces": '{"name": "get_time", "parameters": {{"name": "get_time", "parameters": {}}',
    "cut off": '{"name": "get_weather", "arguments": {"city"',
    "a name twice": '{"name": "get_time", "name": "get_time", "arguments": {}}',
    "no calls in the list": '{"tool_calls": []}',
    "more beside the list": '{"tool_calls": [' + WEATHER + '], "note": "x"}',
}


@pytest.mark.parametrize(("raw", "text", "calls"), CASES.values(), ids=CASES)
def test_a_call_is_found(raw: str, text: str, calls: list[tuple[str, str]]) -> None:
    visible, found = read(raw)
    assert (visible, brief(found)) == (text, calls)


@pytest.mark.parametrize("raw", STAY_TEXT.values(), ids=STAY_TEXT)
def test_what_is_no_call_stays_text(raw: str) -> None:
    assert read(raw) == (raw, [])


@pytest.mark.parametrize(
    "raw", [*(case[0] for case in CASES.values()), *STAY_TEXT.values()], ids=[*CASES, *STAY_TEXT]
)
def test_single_characters_are_read_like_the_whole(raw: str) -> None:
    assert read(*raw) == read(raw)


PARTS = st.lists(
    st.sampled_from(
        [WEATHER, TIME, "[", "]", "{", "}", ",", "\n", " ", "```", "```json\n", '"name"', ":", "hi"]
    ),
    max_size=8,
).map("".join)


@given(PARTS | st.sampled_from([case[0] for case in CASES.values()]), CUTS)
def test_any_cut_gives_the_same_calls_and_the_same_text(raw: str, cuts: list[int]) -> None:
    assert read(*pieces_of(raw, cuts)) == read(raw)


@given(PARTS)
def test_nothing_is_lost(raw: str) -> None:
    text, calls = read(raw)
    kept = "".join(call.source for call in calls) + text
    marks = str.maketrans("", "", " \t\r\n,;]")
    assert kept.translate(marks) == raw.translate(marks)


@given(PARTS, CUTS)
def test_held_and_released_are_everything_at_any_moment(raw: str, cuts: list[int]) -> None:
    dialect = JsonText(TOOLS)
    fed = released = ""
    marks = str.maketrans("", "", " \t\r\n,;]")
    for piece in pieces_of(raw, cuts):
        fed += piece
        released += dialect.feed(piece)
        together = sorted((released + dialect.held()).translate(marks))
        assert together == sorted(fed.translate(marks))


@pytest.mark.parametrize(
    ("raw", "held"),
    [
        ("{", True),
        ("{ ", True),
        ('{"', True),
        ('{"na', True),
        ('{"nb', False),
        ('{"city', False),
        ('{"name": "get_', True),
        ('{"name": "got', False),
        ('{"name": "get_time", "x', False),
        ('{"type": "func', True),
        ('{"type": "obj', False),
        ("[", True),
        ("[1", False),
        ("[{", True),
        ("```", True),
        ("```js", True),
        ("```py", False),
        ("```json\n{", True),
        ("```json\nx", False),
        ("``x", False),
        ("H", False),
    ],
)
def test_text_is_released_at_the_first_character_that_disproves_it(raw: str, held: bool) -> None:
    dialect = JsonText(TOOLS)
    released = "".join(dialect.feed(character) for character in raw)
    assert released == ("" if held else raw)
    assert dialect.held() == (raw if held else "")


def test_a_route_can_switch_the_reading_of_text_off() -> None:
    assert choose_dialect("off", TOOLS) is None
    assert choose_dialect("auto", ()) is None
    assert choose_dialect("auto", TOOLS) is not None
