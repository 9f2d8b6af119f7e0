"""What the demo model calls and says, by prompt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat.demo.mind import think
from chat.demo.reply import Reply
from tests.chat.demo.offers import OFFERED, offer

PARIS = {"time_zone": "Europe/Paris"}
TOKYO = {"time_zone": "Asia/Tokyo"}
OSLO = {"latitude": 59.91, "longitude": 10.75}
ROME = {"latitude": 41.89, "longitude": 12.51}
BERN = {"latitude": 46.95, "longitude": 7.45}
NO_AI = "This is the demo model. It has no AI in it;"

Call = tuple[str, dict[str, Any]]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def made(reply: Reply) -> list[Call]:
    return [(call.tool, call.arguments) for call in reply.calls]


def with_results(prompt: str, *results: tuple[str, dict[str, Any], Any]) -> list[dict[str, Any]]:
    """A turn whose calls have come back: (tool, arguments, result)."""
    calls = [
        {
            "id": f"c{n}",
            "type": "function",
            "function": {"name": tool, "arguments": json.dumps(arguments)},
        }
        for n, (tool, arguments, _) in enumerate(results)
    ]
    told = [
        {
            "role": "tool",
            "tool_call_id": f"c{n}",
            "content": result if isinstance(result, str) else json.dumps(result),
        }
        for n, (_, _, result) in enumerate(results)
    ]
    return [user(prompt), {"role": "assistant", "content": None, "tool_calls": calls}, *told]


@pytest.mark.parametrize(
    ("prompt", "calls"),
    [
        (
            "What time is it in Paris and in Tokyo?",
            [("current_time", PARIS), ("current_time", TOKYO)],
        ),
        ("In Paris, what is the time?", [("current_time", PARIS)]),
        ("What time is it?", [("current_time", {"time_zone": "UTC"})]),
        ("What time is it in zone Asia/Tokyo?", [("current_time", TOKYO)]),
        ("Weather in Oslo and Rome", [("get_weather", OSLO), ("get_weather", ROME)]),
        ("how cold is it in OSLO", [("get_weather", OSLO)]),
        ("the weather in reykjavik", [("get_weather", {"latitude": 64.15, "longitude": -21.94})]),
        (
            "What is the weather at 59.9, -10.7?",
            [("get_weather", {"latitude": 59.9, "longitude": -10.7})],
        ),
        (
            "Weather at latitude 48.85 and longitude 2.35.",
            [("get_weather", {"latitude": 48.85, "longitude": 2.35})],
        ),
        ("What's the weather in Flåm?", [("find_place", {"name": "Flåm"})]),
        ("Should I water my basil in Bern?", [("plant_care_advisor", {**BERN, "plant": "basil"})]),
        ("Do the plants in Rome need me?", [("plant_care_advisor", ROME)]),
        ("When does the ISS pass over Bern?", [("iss_tracker", {})]),
        ("Where is the space station?", [("iss_tracker", {})]),
        ("Where is Oslo?", [("find_place", {"name": "Oslo"})]),
        (
            "What is 17 * 23 and the square root of 2?",
            [("calculate", {"expression": "17 * 23"}), ("calculate", {"expression": "sqrt(2)"})],
        ),
        ("17*23", [("calculate", {"expression": "17*23"})]),
        ("What is 15% of 80?", [("calculate", {"expression": "15 / 100 * 80"})]),
        ("How much is 12 plus 30 × 2?", [("calculate", {"expression": "12 + 30 * 2"})]),
        ("What is (3 + 4) - 1,000?", [("calculate", {"expression": "(3 + 4) - 1000"})]),
        (
            "What is the weather in Oslo, what time is it in Tokyo and what is 2 ** 10?",
            [
                ("get_weather", OSLO),
                ("current_time", TOKYO),
                ("calculate", {"expression": "2 ** 10"}),
            ],
        ),
        (
            "What time is it and what is the weather in Rome?",
            [("current_time", {"time_zone": "Europe/Rome"}), ("get_weather", ROME)],
        ),
        (
            "Call get_weather(latitude=1.5, longitude=2) please",
            [("get_weather", {"latitude": 1.5, "longitude": 2})],
        ),
        ('get_weather {"latitude": 1}', [("get_weather", {"latitude": 1})]),
    ],
)
def test_a_prompt_calls_the_tools_that_do_what_it_asks_for(prompt: str, calls: list[Call]) -> None:
    assert made(think([user(prompt)], OFFERED)) == calls


@pytest.mark.parametrize(
    "prompt",
    [
        "Who was Napoleon?",
        "Write 3-4 sentences about 2024-01-05.",
        "Explain async/await in Python.",
        "Hello",
        "We are open 24/7, what do you say?",
    ],
)
def test_other_prompts_call_nothing(prompt: str) -> None:
    assert made(think([user(prompt)], OFFERED)) == []


def test_only_offered_tools_are_called() -> None:
    reply = think([user("Time and weather in Paris")], [offer("current_time", "time_zone")])
    assert {call.tool for call in reply.calls} <= {"current_time"}
    assert made(think([user("What is the weather in Flåm?")], [OFFERED[0]])) == []


def test_parameter_names_come_from_the_offered_schema() -> None:
    offered = [offer("get_weather", "lat", "lon"), offer("current_time", "timezone")]
    reply = think([user("What time is it in Rome, and the weather?")], offered)
    assert made(reply) == [
        ("current_time", {"timezone": "Europe/Rome"}),
        ("get_weather", {"lat": 41.89, "lon": 12.51}),
    ]


def test_no_call_where_the_choice_is_none_or_no_tools_are_there() -> None:
    for tools, choice in ((OFFERED, "none"), ([], None)):
        reply = think([user("Weather in Oslo")], tools, choice)
        assert reply.calls == ()
        assert reply.text.startswith(NO_AI)
        assert "`get_weather`" in reply.text


def test_a_required_or_named_choice_is_honoured() -> None:
    assert think([user("Who was Napoleon?")], OFFERED, "required").calls[0].tool == "get_weather"
    named = {"type": "function", "function": {"name": "calculate"}}
    assert made(think([user("Who was Napoleon?")], OFFERED, named)) == [
        ("calculate", {"expression": "6 * 7"})
    ]
    assert made(think([user("Weather in Oslo, and 1 + 1 = ?")], OFFERED, named)) == [
        ("calculate", {"expression": "1 + 1"})
    ]


def test_a_tool_named_in_the_prompt_gets_values_that_its_schema_allows() -> None:
    schema = {
        "type": "object",
        "properties": {"mode": {"enum": ["a", "b"]}, "count": {"type": "integer", "minimum": 3}},
        "required": ["mode", "count"],
    }
    tool = {"type": "function", "function": {"name": "own_tool", "parameters": schema}}
    assert made(think([user("Please use own_tool now")], [tool])) == [
        ("own_tool", {"mode": "a", "count": 4})
    ]


def test_results_are_told_in_sentences_with_units() -> None:
    messages = with_results(
        "Weather in Oslo and 17 * 23?",
        ("get_weather", OSLO, {"temperature_c": 4.5, "humidity_percent": 80, "is_day": True}),
        ("calculate", {"expression": "17 * 23"}, {"expression": "17 * 23", "result": 391}),
    )
    text = think(messages, OFFERED).text
    assert "### Weather in Oslo" in text
    assert "- Temperature: 4.5 °C" in text
    assert "- Humidity: 80 %" in text
    assert "- Is day: yes" in text
    assert "`17 * 23` is **391**" in text
    assert "no AI" in text


def test_like_results_of_one_tool_become_a_table() -> None:
    messages = with_results(
        "Weather in Oslo and Rome",
        ("get_weather", OSLO, {"temperature_c": 4, "note": "a|b"}),
        ("get_weather", ROME, {"temperature_c": 18, "note": "c"}),
    )
    text = think(messages).text
    assert "| | Temperature | Note |" in text
    assert "| **Weather in Oslo** | 4 °C | a\\|b |" in text
    assert "| **Weather in Rome** | 18 °C | c |" in text


@pytest.mark.parametrize(
    "result", ["[Tool Error] The service is away.", {"error": "The service is away."}]
)
def test_a_failed_tool_is_told_plainly(result: Any) -> None:
    text = think(with_results("Weather in Oslo", ("get_weather", OSLO, result)), OFFERED).text
    assert "**get_weather** gave no result: The service is away." in text


def test_results_of_any_shape_are_told() -> None:
    nested = {"places": [{"name": "A", "x": 1}, {"name": "B", "x": None}], "deep": {"a": {"b": 2}}}
    for result in (nested, [1, 2], "plain words", 7, None, [], {}, "", list(range(20))):
        text = think(with_results("q", ("own_tool", {"a": 1}, result))).text
        assert "own_tool" in text
    assert "name A, x 1" in think(with_results("q", ("own_tool", {}, nested))).text


def test_a_found_place_is_used_in_the_next_round() -> None:
    messages = with_results(
        "What is the weather in Flåm and in Oslo?",
        ("find_place", {"name": "Flåm"}, {"places": [{"latitude": 60.86, "longitude": 7.11}]}),
        ("get_weather", OSLO, {"temperature_c": 4}),
    )
    reply = think(messages, OFFERED)
    assert made(reply) == [("get_weather", {"latitude": 60.86, "longitude": 7.11})]
    assert think(messages).calls == ()


def test_results_are_answered_and_not_asked_for_again() -> None:
    messages = with_results("Weather in Oslo", ("get_weather", OSLO, {"temperature_c": 4}))
    assert think(messages, OFFERED).calls == ()


def test_results_of_an_earlier_turn_do_not_answer_a_new_prompt() -> None:
    earlier = with_results("Weather in Oslo", ("get_weather", OSLO, {"temperature_c": 4}))
    messages = [*earlier, assistant("It is cold."), user("And what time is it in Paris?")]
    assert made(think(messages, OFFERED)) == [("current_time", PARIS)]


def test_an_unknown_prompt_gets_markdown_that_says_there_is_no_ai() -> None:
    text = think([user("Who was Napoleon?")]).text
    assert text.startswith(NO_AI)
    for mark in ("\n## ", "\n- ", "\n```python\n", "| --- |"):
        assert mark in text


def test_it_remembers_what_was_asked_in_a_trivial_way() -> None:
    asked = [user("Who was Napoleon?"), assistant("…")]
    assert think([*asked, user("What did I ask?")]).text == "You asked before: “Who was Napoleon?”"
    assert think([user("What did I ask before?")]).text == "You asked nothing before this."
    twice = [*asked, user("Count to 3"), assistant("1, 2, 3."), user("What did I ask before?")]
    assert "2. “Count to 3”" in think(twice).text


@pytest.mark.parametrize("sentence", [None, "Continue your answer exactly where it stopped."])
def test_an_answer_is_continued_at_the_character_where_it_stopped(sentence: str | None) -> None:
    prompts: list[list[dict[str, Any]]] = [
        [user("Who was Napoleon?")],
        [user("Weather in Oslo")],
        with_results("Weather in Oslo", ("get_weather", OSLO, {"temperature_c": 4})),
    ]
    for before in prompts:
        whole = think(before).text
        for cut in (0, 1, len(whole) // 2, len(whole)):
            messages = [*before, assistant(whole[:cut])]
            if sentence:
                messages.append(user(sentence))
            assert think(messages, OFFERED).text == whole[cut:]


def test_a_continued_answer_can_be_continued_again() -> None:
    go_on = user("Continue your answer exactly where it stopped.")
    whole = think([user("Count to 50")]).text
    messages = [user("Count to 50"), assistant(whole[:20]), go_on, assistant(whole[20:40]), go_on]
    assert think(messages).text == whole[40:]


def test_a_strange_answer_cannot_be_continued_and_that_is_said() -> None:
    messages = [user("Count to 3"), assistant("Something else")]
    assert think(messages).text.startswith(NO_AI)


def test_thinking_is_shown_where_it_is_asked_for() -> None:
    assert think([user("Think about Napoleon")]).reasoning
    assert not think([user("Who was Napoleon?")]).reasoning


def test_content_in_parts_and_strange_messages_are_read() -> None:
    parts = {"role": "user", "content": [{"type": "text", "text": "Weather in Oslo"}, 7]}
    assert made(think([parts], OFFERED)) == [("get_weather", OSLO)]
    assert think([{"role": "system", "content": "Be brief."}]).text
    assert think([{"role": "tool", "content": None}]).text
    assert think([user("x")], [{"type": "function"}, {"function": {"name": 7}}]).text


def test_a_tool_named_with_json_is_called_with_just_that() -> None:
    arguments = {"name": "Zürich", "near": {"country": "CH"}, "also": [{"name": "}"}]}
    prompt = f"Call the tool: find_place {json.dumps(arguments, ensure_ascii=False)}"
    assert made(think([user(prompt)], OFFERED)) == [("find_place", arguments)]
