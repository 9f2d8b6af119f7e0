"""The starter suite with an ideal model's calls, and answers that are right or wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chat.bench
from chat.bench.cases import Case, ExpectedCall, Recorded, Turn, load_suite
from chat.bench.matching import misfits
from chat.bench.recorded import Recording
from chat.bench.trajectory import ObservedCall, ObservedTurn, Trajectory
from chat.bench.yaml_text import read_yaml
from tools.base import ToolError

_STARTER = Path(chat.bench.__file__).parent / "suites" / "starter.yaml"
SUITE = load_suite(_STARTER.read_text(encoding="utf-8"))
CASES = {case.id: case for case in SUITE.cases}
_ANSWERS = read_yaml(Path(__file__).with_name("starter_answers.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class IdealCall:
    """A call that meets an expectation, and the result that is recorded for it."""

    expected: ExpectedCall
    recorded: Recorded
    call: ObservedCall

    @property
    def arguments(self) -> dict[str, Any]:
        """What the tool is called with."""
        return self.call.arguments or {}


def answers(case: Case, kind: str) -> list[list[str]]:
    """The `good` or `bad` answers to each turn."""
    told = _ANSWERS[case.id]
    turns = told if isinstance(told, list) else [told]
    return [[str(text) for text in turn.get(kind, ())] for turn in turns]


def ideal_calls(case: Case) -> list[list[IdealCall]]:
    """For each turn the calls that are expected in it, made as well as can be."""
    unused = list(case.recorded)
    turns: list[list[IdealCall]] = []
    for turn in case.all_turns:
        turns.append([])
        for one in turn.expect.calls:
            ideal = _ideal(case, one, unused)
            unused.remove(ideal.recorded)
            turns[-1].append(ideal)
    return turns


def ideal_turns(case: Case) -> list[ObservedTurn]:
    """What a model does that makes no mistake; where several answers are good, the first."""
    return [
        ObservedTurn(text=good[0], calls=tuple(ideal.call for ideal in calls))
        for good, calls in zip(answers(case, "good"), ideal_calls(case), strict=True)
    ]


def trajectory(turns: Sequence[ObservedTurn]) -> Trajectory:
    """Turns as they are judged."""
    return Trajectory(turns=tuple(turns))


def recorded_results() -> Iterator[tuple[Case, IdealCall]]:
    """Every recorded result with the call that it answers."""
    for case in SUITE.cases:
        for calls in ideal_calls(case):
            yield from ((case, call) for call in calls if call.recorded.error is None)


def all_turns() -> Iterator[tuple[Case, Turn]]:
    """Every turn of the suite."""
    for case in SUITE.cases:
        yield from ((case, turn) for turn in case.all_turns)


def _ideal(case: Case, one: ExpectedCall, unused: Sequence[Recorded]) -> IdealCall:
    """A call as expected, answered by the first result that is recorded for it and not used."""
    for recorded in unused:
        if recorded.tool != one.tool:
            continue
        arguments = _arguments(one, recorded)
        raw = json.dumps(arguments, ensure_ascii=False)
        call = ObservedCall(
            round=1,
            call_id=f"call_{len(unused)}",
            tool=one.tool,
            arguments=arguments,
            raw_arguments=raw,
        )
        if not misfits(one, call) and _answers(recorded, call):
            return IdealCall(one, recorded, call)
    raise AssertionError(f"{case.id}: nothing recorded answers the expected call of {one.tool}.")


def _answers(recorded: Recorded, call: ObservedCall) -> bool:
    try:
        Recording([recorded]).answer(call.tool, call.arguments or {})
    except ToolError as error:
        return str(error) == recorded.error
    return True


def _arguments(one: ExpectedCall, recorded: Recorded) -> dict[str, Any]:
    """The arguments that a recorded result speaks of; those it leaves out as expected."""
    told: Any = recorded.result or {}
    near = {name: wish.near for name, wish in one.where.items() if wish.near is not None}
    given = {} if one.match == "schema" else one.arguments
    match one.tool:
        case "calculate":
            return {"expression": told["expression"], **given}
        case "current_time":
            return {"time_zone": told["time_zone"], **given}
        case "find_place":
            names = [place["name"] for place in told["places"]]
            return {
                "name": names[0] if names else told["note"].split("“")[1].split("”")[0],
                **given,
            }
        case "get_weather":
            return near | {name: told[name] for name in ("latitude", "longitude") if name in told}
        case "plant_care_advisor":
            return {**near, "plant": told["plant"]}
        case _:
            return {**near, **given}
