"""Calls written as bare JSON: found whole, told early, held back no longer than needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.tool_calls.reader import TextReader
from chat.engine.tool_calls.source import HOLD_LIMIT
from chat.explain.text_answer import TextAnswer, TextAnswerBuilder, read_text
from tests.chat.engine.cuts import CUTS, pieces_of

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
TOOLS = {"get_weather": CITY, "get_time": {}}
WEATHER = '{"name": "get_weather", "arguments": {"city": "Köln"}}'
TIME = '{"name": "get_time", "parameters": {}}'

WEATHER_CALL = ("get_weather", '{"city": "Köln"}')
TIME_CALL = ("get_time", "{}")


def reader() -> TextReader:
    return TextReader(TOOLS, dialect="generic_json")


def read(*pieces: str) -> TextAnswer:
    return read_text(reader(), pieces)


def brief(answer: TextAnswer) -> list[tuple[str, str]]:
    return [(call.tool, call.raw_arguments) for call in answer.calls]


CASES = {
    "an object": (WEATHER, "", [WEATHER_CALL]),
    "blanks around": (f"\n  {WEATHER} \n", "", [WEATHER_CALL]),
    "an array": (f"[{WEATHER}, {TIME}]", "", [WEATHER_CALL, TIME_CALL]),
    "an array left open": (f"[{WEATHER},", "", [WEATHER_CALL]),
    "one to a line": (f"{WEATHER}\n{TIME}", "", [WEATHER_CALL, TIME_CALL]),
    "marks between": (f"{WEATHER}; {TIME}", "", [WEATHER_CALL, TIME_CALL]),
    "a brace too many": (f"{WEATHER}}}\n", "", [WEATHER_CALL]),
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
    "an argument that the tool does not have": (
        '{"name": "get_weather", "arguments": {"place": "Köln"}}',
        "",
        [("get_weather", '{"place": "Köln"}')],
    ),
    "arguments that are null": ('{"name": "get_time", "arguments": null}', "", [TIME_CALL]),
    "another word for the name": (
        '{"tool": "get_weather", "args": {"city": "Köln"}}',
        "",
        [WEATHER_CALL],
    ),
    "words after": (f"{WEATHER}\n\nOne moment.", "One moment.", [WEATHER_CALL]),
    "data after": (f'{WEATHER}\n{{"a": 1}}', '{"a": 1}', [WEATHER_CALL]),
    "an example after": (f'[{WEATHER}, {{"a": 1}}]', '{"a": 1}]', [WEATHER_CALL]),
    "cut off in an argument that the tool has": (
        '{"name": "get_weather", "arguments": {"city": "Kö',
        "",
        [("get_weather", '{"city": "Kö')],
    ),
    "an answer in the shape that prompts ask for": (
        '{"response": "All is \\"well\\".\\n\\ud83c\\udf31"}',
        'All is "well".\n🌱',
        [],
    ),
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
    "a tool's description": '{"name": "get_weather", "description": "Tells the weather."}',
    "a tool's schema": (
        '{"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {}}}}'
    ),
    "an empty schema": '{"name": "get_time", "parameters": {"type": "object", "properties": {}}}',
    "parameters described": (
        '{"name": "get_weather", "parameters": {"city": {"type": "string"}, "days": 1}}'
    ),
    "a list of tools": (
        '[{"type": "function", "function": {"name": "get_time", "parameters": {"properties": {}}}}]'
    ),
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
    "cut off": '{"name": "get_time", "arguments": {"city": "K',
    "a name twice": '{"name": "get_time", "name": "get_time", "arguments": {}}',
    "no calls in the list": '{"tool_calls": []}',
    "a response that is no text": '{"response": {"total": 42}}',
}
TEXTS = [*(case[0] for case in CASES.values()), *STAY_TEXT.values()]


@pytest.mark.parametrize(("raw", "text", "calls"), CASES.values(), ids=CASES)
def test_a_call_is_found(raw: str, text: str, calls: list[tuple[str, str]]) -> None:
    answer = read(raw)
    assert (answer.text, brief(answer)) == (text, calls)


@pytest.mark.parametrize("raw", STAY_TEXT.values(), ids=STAY_TEXT)
def test_what_is_no_call_stays_text(raw: str) -> None:
    assert read(raw) == TextAnswer(text=raw)


@pytest.mark.parametrize("raw", TEXTS, ids=[*CASES, *STAY_TEXT])
def test_single_characters_are_read_like_the_whole(raw: str) -> None:
    assert read(*raw) == read(raw)


PARTS = st.lists(
    st.sampled_from(
        [WEATHER, TIME, "[", "]", "{", "}", ",", "\n", " ", "```", "```json\n", '"name"', ":", "hi"]
    ),
    max_size=8,
).map("".join)


@given(PARTS | st.sampled_from(TEXTS), CUTS)
def test_any_cut_gives_the_same_calls_and_the_same_text(raw: str, cuts: list[int]) -> None:
    assert read(*pieces_of(raw, cuts)) == read(raw)


@given(PARTS)
def test_nothing_is_lost(raw: str) -> None:
    answer = read(raw)
    kept = answer.text + "".join(
        WEATHER if call.raw_arguments != "{}" else TIME for call in answer.calls
    )
    assert bare(kept) == bare(raw)


def bare(text: str) -> list[str]:
    """The text without the marks that may go with a call."""
    return sorted(text.replace("json", "").translate(str.maketrans("", "", " \t\r\n,;[]{}`")))


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
    reading, builder = reader(), TextAnswerBuilder()
    for character in raw:
        builder.add(reading.feed(character))
    assert builder.answer().text == ("" if held else raw)
    assert reading.held == (len(raw) if held else 0)


def test_a_call_begins_with_its_first_argument() -> None:
    reading, builder = reader(), TextAnswerBuilder()
    for character in '{"name": "get_weather", "arguments": {"city": "K':
        builder.add(reading.feed(character))
    assert brief(builder.answer()) == [("get_weather", '{"city": "K')]


def test_arguments_of_any_length_come_through_once_the_call_is_certain() -> None:
    city = "x" * 2 * HOLD_LIMIT
    raw = f'{{"name": "get_weather", "arguments": {{"city": "{city}"}}}}'
    assert brief(read(raw)) == brief(read(*raw)) == [("get_weather", f'{{"city": "{city}"}}')]


def test_what_stays_uncertain_for_too_long_is_text() -> None:
    raw = f'{{"name": "get_time", "arguments": {{"a": "{"x" * 2 * HOLD_LIMIT}"}}}}'
    assert read(raw) == read(*raw) == TextAnswer(text=raw)
