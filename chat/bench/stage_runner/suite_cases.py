"""The bench's cases over HTTP: as stages for an endpoint, and back as what was observed."""

from __future__ import annotations

from typing import Any

import orjson

from chat.bench.cases import Case, Suite
from chat.bench.expectations import judge_trajectory
from chat.bench.findings import verdict
from chat.bench.stage_runner.executor import Execution, Executor
from chat.bench.stage_runner.judging import judge_by_rubric
from chat.bench.stage_runner.outputs import StreamOutput, TextOutput, ToolCallOutput
from chat.bench.stage_runner.test_case import PromptSpec, StageSpec
from chat.bench.stage_runner.trials import TrialKey, TrialResult, measured
from chat.bench.trajectory import ObservedCall, ObservedTurn, Trajectory

TOOL_ERROR = "[Tool Error]"


class RouteStage(StageSpec):
    """A stage whose temperature and token limits are the route's own."""

    @property
    def temperatures(self) -> None:
        """Left to the route."""
        return None

    @property
    def token_limits(self) -> None:
        """Left to the route."""
        return None


def why_not(case: Case, suite: Suite, tool_mode: str, *, as_offered: bool = False) -> str:
    """Why an endpoint cannot carry out a case, in words; empty where it can.

    `as_offered`: the endpoint's own tools are taken as they are, and run for real.
    """
    if tool_mode != "native":
        return "An endpoint cannot be told to call tools by text."
    if len(case.all_turns) > 1:
        return "It has several turns, and an endpoint takes one prompt without a history."
    (turn,) = case.all_turns
    if not as_offered and case.tools is not None:
        return "It chooses its tools, and an endpoint offers its own."
    is_live = suite.live if case.live is None else case.live
    if not as_offered and case.recorded and not is_live:
        return "Its tool results are recorded, and an endpoint runs its tools for real."
    expect = turn.expect
    looks_at_calls = bool(
        expect.calls or expect.count or expect.no_calls or expect.not_called or expect.asks
    )
    if case.mode == "toolchain" and not case.stream and looks_at_calls:
        return "It looks at calls, and a whole answer does not show them. Let it be streamed."
    return ""


async def try_suite_case(
    case: Case, key: TrialKey, executor: Executor, judge_route: str
) -> TrialResult:
    """One try of a case; `judge_route` judges a rubric that names no route. Raises CannotRun."""
    execution = await executor.execute(as_stage(case, key.route))
    facts = measured(execution) | {
        "route": key.route,
        "tool_mode": key.tool_mode,
        "case_id": case.id,
        "category": case.category,
        "number": key.number,
        "output": shown_output(execution),
    }
    status = execution.status
    if status.state == "failed":
        return TrialResult(**facts, passed=False, code=status.code, message=status.message)
    trajectory = as_trajectory(execution)
    findings = judge_trajectory(case, trajectory)
    judge = case.all_turns[0].expect.judge
    answer = None
    if judge is not None and all(finding.ok for finding in findings):
        route = judge.route or judge_route
        answer, finding = await judge_by_rubric(
            judge.rubric, case.all_turns[0], trajectory.turns[0], route, executor
        )
        findings.append(finding)
    passed, code, message = verdict(findings)
    return TrialResult(
        **facts,
        passed=passed,
        code=code,
        message=message,
        findings=[finding.as_json() for finding in findings],
        judge=answer,
    )


def as_stage(case: Case, route: str) -> StageSpec:
    """The one stage of a case of one turn."""
    is_chat = case.mode == "chat"
    return RouteStage(
        system_prompt=case.system_prompt or "",
        user_prompt=case.all_turns[0].prompt,
        model_container=route,
        stream=case.stream,
        prompt_tool_spec=PromptSpec(strategy="chat_completion" if is_chat else "tool_call"),
        synthesis=case.synthesis and not is_chat,
    )


def as_trajectory(execution: Execution) -> Trajectory:
    """What was observed of a stage that gave an output."""
    facts = measured(execution)
    return Trajectory(
        turns=(_turn(execution),),
        input_tokens=facts["input_tokens"],
        output_tokens=facts["output_tokens"],
        request_ms=facts["request_ms"],
        execution_ms=facts["execution_ms"],
        upstream_ms=facts["upstream_ms"],
        first_token_ms=facts["first_token_ms"],
    )


def shown_output(execution: Execution) -> dict[str, Any] | None:
    """What is kept of an output: all but a stream's single frames."""
    match execution.output:
        case None:
            return None
        case StreamOutput() as stream:
            return {
                "type": "stream",
                "events": len(stream.frames),
                "text": stream.text,
                "answer": stream.answer,
                "calls": [
                    {"round": one.round, "call_id": one.call_id, "tool": one.tool}
                    | {"arguments": one.arguments}
                    for one in stream.calls
                ],
                "summary": dict(stream.summary),
                "terminal": stream.terminal,
            }
        case ToolCallOutput() as called:
            return {"type": "tool_results", "tool_results": dict(called.tool_results)}
        case TextOutput() as told:
            return {"type": "error" if told.is_error else "text", "text": told.text}


def _turn(execution: Execution) -> ObservedTurn:
    stage_id = execution.stage_id
    match execution.output:
        case StreamOutput() as stream:
            return ObservedTurn(
                text=stream.answer or stream.text,
                calls=tuple(
                    _call(one.round, one.call_id, one.tool, one.arguments, stream.summary.get)
                    for one in stream.calls
                ),
                finish=stream.terminal or "error",
                error_code=stream.error_code,
                error_message=stream.error_message,
                stage_id=stage_id,
            )
        case ToolCallOutput() as called:
            calls = tuple(
                _call(1, call_id, "", "", called.tool_results.get)
                for call_id in called.tool_results
            )
            return ObservedTurn(calls=calls, stage_id=stage_id)
        case TextOutput(is_error=True) as told:
            return ObservedTurn(
                finish="error",
                error_code=told.error_code,
                error_message=told.text,
                stage_id=stage_id,
            )
        case TextOutput() as told:
            return ObservedTurn(text=told.text, stage_id=stage_id)
    return ObservedTurn(finish="error", stage_id=stage_id)


def _call(number: int, call_id: str, tool: str, raw: str, result_of: Any) -> ObservedCall:
    try:
        arguments = orjson.loads(raw or "{}")
    except orjson.JSONDecodeError:
        arguments = None
    is_object = isinstance(arguments, dict)
    result = result_of(call_id)
    failed = result is None or result.startswith(TOOL_ERROR)
    return ObservedCall(
        round=number,
        call_id=call_id,
        tool=tool,
        arguments=arguments if is_object else None,
        raw_arguments=raw,
        valid=is_object,
        status="error" if failed else "ok",
        result=result or "",
    )
