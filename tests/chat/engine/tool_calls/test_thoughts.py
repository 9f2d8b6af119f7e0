"""Thoughts between tags: told apart from the answer, and not seen where a text speaks of tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.engine.tool_calls.reader import TextReader
from chat.explain.text_answer import TextAnswer, read_text
from tests.chat.engine.cuts import CUTS, pieces_of


def read(*pieces: str, inside: bool = False, thoughts: bool = True) -> TextAnswer:
    reader = TextReader({}, starts_inside_thinking=inside, thoughts=thoughts)
    return read_text(reader, pieces)


THOUGHTS = {
    "a thought": ("<think>\nDry.\n</think>\n\nWater it.", "Dry.\n", "Water it."),
    "on one line": ("<think>Dry.</think>Water it.", "Dry.", "Water it."),
    "blanks before": (" \n<think>Dry.</think> Water it.", "Dry.", "Water it."),
    "other words": ("<reasoning>Dry.</reasoning>Water it.", "Dry.", "Water it."),
    "capitals": ("<Thinking>Dry.</Thinking>\nWater it.", "Dry.", "Water it."),
    "all capitals": ("<THINK>Dry.</THINK>\nWater it.", "Dry.", "Water it."),
    "attributes": ('<think type="deep">Dry.</think>\nWater it.', "Dry.", "Water it."),
    "blanks in the tags": ("<think >Dry.</think >\nWater it.", "Dry.", "Water it."),
    "a prefix": ("<seed:think>Dry.</seed:think>Water it.", "Dry.", "Water it."),
    "brackets": ("[THINK]Dry.[/THINK]Water it.", "Dry.", "Water it."),
    "tokens": ("<|START_THINKING|>Dry.<|END_THINKING|>Water it.", "Dry.", "Water it."),
    "arrows": ("◁think▷Dry.◁/think▷Water it.", "Dry.", "Water it."),
    "nothing thought": ("<think>\n\n</think>\n\nWater it.", "", "Water it."),
    "not closed": ("<think>Dry, so", "Dry, so", ""),
    "cut off in the closing tag": ("<think>Dry.</thi", "Dry.</thi", ""),
    "markup within": (
        "<think>a < b, <b>x</b>, `</b>`</think>Yes.",
        "a < b, <b>x</b>, `</b>`",
        "Yes.",
    ),
    "between two texts": ("One.\n<think>Dry.</think>\nTwo.", "Dry.", "One.\n\nTwo."),
    "two": ("<think>Dry.</think>One.\n<think>Hot.</think>Two.", "Dry.Hot.", "One.\nTwo."),
    "closed and opened at once": (
        "<think>Dry</think><think> soil.</think>Yes.",
        "Dry soil.",
        "Yes.",
    ),
}
INSIDE = {
    "closed": ("Dry.\n</think>\n\nWater it.", "Dry.\n", "Water it."),
    "closed at once": ("</think>Water it.", "", "Water it."),
    "opened once more": ("<think>\nDry.</think>Water it.", "Dry.", "Water it."),
    "another word": ("Dry.[/THINK]Water it.", "Dry.", "Water it."),
    "a heading closes it": ("Dry.\n[BEGIN FINAL RESPONSE]\nWater it.", "Dry.\n", "Water it."),
    "never closed": ("Dry, so", "Dry, so", ""),
}
UNOPENED = {
    "on its own line": ("Dry.\n</think>\n\nWater it.", "Dry.\n\n\nWater it."),
    "at the start": ("</think>\nWater it.", "Water it."),
    "words joined on": ("Dry.</think>Water it.", "Dry.Water it."),
    "at the end": ("Dry.</think>\n\n", "Dry."),
}
TEXTS = {
    "prose about tags": "It writes <think> first, then </think> behind it.",
    "quoted": 'The tags "<think>" and "</think>", or (</think>).',
    "inline code": "Between `<think>` and `</think>` it thinks.",
    "a code block": "So:\n```\n<think>\nDry.\n</think>\n```\nEnd.",
    "a longer word": "<thinker>a</thinker>",
    "a tag with something else": "<think\nless",
    "an element of an answer in XML": "<answer>\n<reasoning>Dry.\n</answer>",
    "half a tag": "<thin",
}


@pytest.mark.parametrize(("raw", "thought", "text"), THOUGHTS.values(), ids=THOUGHTS)
def test_a_thought_is_told_apart(raw: str, thought: str, text: str) -> None:
    answer = read(raw)
    assert (answer.reasoning, answer.text) == (thought, text)
    assert answer.mended == []


@pytest.mark.parametrize(("raw", "thought", "text"), INSIDE.values(), ids=INSIDE)
def test_a_prompt_may_have_opened_the_thought(raw: str, thought: str, text: str) -> None:
    answer = read(raw, inside=True)
    assert (answer.reasoning, answer.text) == (thought, text)


@pytest.mark.parametrize(("raw", "text"), UNOPENED.values(), ids=UNOPENED)
def test_a_closing_tag_alone_is_left_out_and_noted(raw: str, text: str) -> None:
    answer = read(raw)
    assert (answer.reasoning, answer.text.strip()) == ("", text)
    assert [mended.code for mended in answer.mended] == ["thought_unopened"]


@pytest.mark.parametrize("raw", TEXTS.values(), ids=TEXTS)
def test_a_text_about_tags_stays_text(raw: str) -> None:
    assert read(raw) == TextAnswer(text=raw)


@pytest.mark.parametrize("raw", [case[0] for case in THOUGHTS.values()], ids=THOUGHTS)
def test_tags_stay_where_thoughts_are_not_told_apart(raw: str) -> None:
    assert read(raw, thoughts=False) == TextAnswer(text=raw)


ALL = [case[0] for table in (THOUGHTS, INSIDE, UNOPENED) for case in table.values()]


@given(st.sampled_from([*ALL, *TEXTS.values()]), CUTS, st.booleans())
def test_cuts_change_no_thought(raw: str, cuts: list[int], inside: bool) -> None:
    assert read(*pieces_of(raw, cuts), inside=inside) == read(raw, inside=inside)
