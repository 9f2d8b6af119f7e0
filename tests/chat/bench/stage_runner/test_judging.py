"""Stage B: what the judge is sent, and how its words are read."""

from __future__ import annotations

from typing import Any

import pytest

from chat.bench.stage_runner.judging import judging_stage, read_verdict
from chat.bench.stage_runner.outputs import TextOutput, ToolCallOutput
from chat.bench.stage_runner.test_case import TestCase


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        ("PASS", True),
        ("**FAIL**", False),
        ("Verdict: PASS", True),
        ("The answer is right.\n\nVERDICT: PASS", True),
        ("I would have passed it but for the unit.\nVERDICT: FAIL", False),
        ('{"verdict": "pass", "reason": "no fault"}', True),
        ('```json\n{"passed": false, "reason": "the pass was wrong"}\n```', False),
        ("<think>fail? no, wrong… yes</think>\nYes.", True),
        ("thinking aloud, fail</think> Correct.", True),
        ("No, the city is wrong.", False),
        ("The output does not pass.", False),
        ("It isn't correct.", False),
        ("This is not wrong.", True),
        ("Yes.\nIt could pass or fail on another day.", True),
        ("Result: incorrect", False),
        ("The verdict is: not correct", False),
        ("", None),
        ("I cannot say.", None),
        ("It may pass, it may fail.", None),
        ("A passage about nothing.", None),
    ],
)
def test_a_verdict_is_read_from_many_forms(words: str, passed: bool | None) -> None:
    assert read_verdict(words).passed is passed


def judged(prompt: str) -> TestCase:
    stage: dict[str, Any] = {
        "system_prompt": "",
        "user_prompt": "How warm is it?",
        "prompt_tool_spec": {"strategy": "tool_call"},
    }
    judge = stage | {"user_prompt": prompt, "prompt_tool_spec": {"strategy": "evaluation"}}
    return TestCase.model_validate(
        {"id": "a", "stage_a": stage, "evaluation": True, "stage_b": judge}
    )


def test_the_output_stands_where_the_judges_prompt_wants_it() -> None:
    case = judged("Asked: {user_prompt} Got: {output} Right?")
    stage = judging_stage(case, TextOutput(text="Very {user_prompt}."))
    assert stage.user_prompt == "Asked: How warm is it? Got: Very {user_prompt}. Right?"


def test_without_a_mark_the_output_follows_the_prompt() -> None:
    stage = judging_stage(judged("Is it right?"), ToolCallOutput(tool_results={"c": "12 °C"}))
    assert stage.user_prompt == "Is it right?\n\nThe output to judge:\nc: 12 °C"
