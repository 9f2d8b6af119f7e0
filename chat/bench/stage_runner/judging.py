"""Stage B: another model judges what stage A gave, and its verdict is read leniently."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from chat.bench import findings as codes
from chat.bench import judge
from chat.bench.cases import Turn
from chat.bench.findings import Finding
from chat.bench.judge import SYSTEM_PROMPT, shown_turns
from chat.bench.stage_runner.executor import Execution, Executor
from chat.bench.stage_runner.outputs import Output, StreamOutput, TextOutput
from chat.bench.stage_runner.test_case import PromptSpec, StageSpec, TestCase
from chat.bench.trajectory import ObservedTurn

OUTPUT_MARK, PROMPT_MARK = "{output}", "{user_prompt}"
_THOUGHTS = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>|^.*</think(?:ing)?>", re.DOTALL)
_GOOD = "pass|passes|passed|yes|correct|true|accept|accepted|success|ok"
_BAD = "fail|fails|failed|no|incorrect|wrong|false|reject|rejected|failure"
_NOT = r"(?:not|n't|never|cannot)\W+(?:\w+\W+){0,2}?"
_WORD = re.compile(rf"(?P<no>{_NOT})?\b(?:(?P<good>{_GOOD})|(?P<bad>{_BAD}))\b", re.IGNORECASE)
_NAMED = re.compile(
    rf"\b(?:verdict|result|judge?ment|answer|evaluation)\W{{1,8}}(?:is\W+)?(?P<no>{_NOT})?"
    rf"(?:(?P<good>{_GOOD})|(?P<bad>{_BAD}))\b",
    re.IGNORECASE,
)
_FIELDS = ("verdict", "pass", "passed", "result", "correct", "success", "judgement", "judgment")
_OBJECT = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said; `passed` is None where that cannot be told from its words."""

    passed: bool | None
    words: str


def judging_stage(case: TestCase, output: Output) -> StageSpec:
    """Stage B of a case with A's output in it.

    It stands where the judge's prompt has {output}, else below it; {user_prompt} is A's.
    """
    assert case.stage_b is not None
    prompt, shown = case.stage_b.user_prompt, output.shown()
    # Replaced in one pass: an output may itself hold a mark.
    values = {OUTPUT_MARK: shown, PROMPT_MARK: case.stage_a.user_prompt}
    marks = re.compile("|".join(map(re.escape, values)))
    filled = marks.sub(lambda mark: values[mark.group()], prompt)
    if OUTPUT_MARK not in prompt:
        filled = f"{filled}\n\nThe output to judge:\n{shown}"
    return case.stage_b.model_copy(update={"user_prompt": filled})


async def judge_by_rubric(
    rubric: str, turn: Turn, seen: ObservedTurn, route: str, executor: Executor
) -> tuple[dict[str, Any], Finding]:
    """What a model says of an answer by a rubric, asked and read as the bench does in process."""
    mark = f"@@{secrets.token_hex(12)}"
    stage = StageSpec(
        system_prompt=SYSTEM_PROMPT.format(mark=mark),
        user_prompt=f"Rubric:\n{rubric}\n\n{mark} begin\n{shown_turns([turn], [seen])}\n{mark} end"
        "\n\nJudge the assistant's last answer by the rubric. Answer with the JSON object only.",
        model_container=route,
        prompt_tool_spec=PromptSpec(strategy="chat_completion"),
    )
    return verdict_of(await executor.execute(stage), _read_strictly)


def verdict_of(
    execution: Execution, read: Callable[[str], Verdict] | None = None
) -> tuple[dict[str, Any], Finding]:
    """What a judge's stage came to: as a result stores it, and as a finding."""
    output, status = execution.output, execution.status
    stored: dict[str, Any] = {"stage_id": str(execution.stage_id or "") or None, "passed": None}
    failure = status.message if status.state == "failed" or output is None else output.failure
    if failure or output is None:
        stored["words"] = failure
        return stored, Finding(False, "the judge gave no answer", failure, codes.JUDGE_FAILED)
    verdict = (read or read_verdict)(_said(output))
    stored |= {"passed": verdict.passed, "words": verdict.words}
    if verdict.passed is None:
        words = f"“{verdict.words}”" if verdict.words else "it said nothing"
        return stored, Finding(False, "the judge gave no verdict", words, codes.JUDGE_FAILED)
    if verdict.passed:
        return stored, Finding(True, "the judge is content", verdict.words)
    return stored, Finding(False, "the judge is not content", verdict.words, codes.JUDGE)


def read_verdict(text: str) -> Verdict:
    """The verdict in a judge's words.

    In this order: a field of a JSON object, the last “verdict: …”, the first line or the last one
    if it holds words of one kind only, all words if they are of one kind only.
    """
    said = _THOUGHTS.sub("", text).strip()
    plain = re.sub(r"[*_`#>]+", "", said).replace("’", "'")
    words = " ".join(said.split())[:300]
    lines = [line for line in plain.splitlines() if line.strip()]
    ways = [_by_field(said), _by_name(plain)]
    ways += [_by_words(line) for line in (*lines[-1:], *lines[:1])]
    ways.append(_by_words(plain))
    return Verdict(next((passed for passed in ways if passed is not None), None), words)


def _read_strictly(text: str) -> Verdict:
    found = judge.read_verdict(text)
    words = " ".join(text.split())[:300]
    return Verdict(None, words) if found is None else Verdict(found.passed, found.reason)


def _by_field(text: str) -> bool | None:
    for found in reversed(_OBJECT.findall(text)):
        try:
            value = orjson.loads(found)
        except orjson.JSONDecodeError:
            continue
        for name, said in value.items():
            if name.lower() not in _FIELDS:
                continue
            passed = said if isinstance(said, bool) else _by_words(str(said))
            if passed is not None:
                return passed
    return None


def _by_name(text: str) -> bool | None:
    passed = None
    for found in _NAMED.finditer(text):
        passed = bool(found["good"]) != bool(found["no"])
    return passed


def _by_words(text: str) -> bool | None:
    kinds = {bool(found["good"]) != bool(found["no"]) for found in _WORD.finditer(text)}
    return kinds.pop() if len(kinds) == 1 else None


def _said(output: Output) -> str:
    """What a judge said, without what it was given."""
    match output:
        case StreamOutput():
            return output.answer or output.text
        case TextOutput():
            return output.text
    return output.shown()
