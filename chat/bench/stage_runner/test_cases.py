"""The origin's test cases, tried: stage A, and where it is evaluated stage B."""

from __future__ import annotations

from collections.abc import Sequence

from chat.bench.stage_runner.executor import Executor
from chat.bench.stage_runner.judging import judging_stage, verdict_of
from chat.bench.stage_runner.outputs import TextOutput
from chat.bench.stage_runner.suite_cases import shown_output
from chat.bench.stage_runner.test_case import TestCase
from chat.bench.stage_runner.trials import TrialKey, TrialResult, measured

ANSWERED_ERROR = "ERROR"


def routes_of(case: TestCase, named: Sequence[str]) -> tuple[str, ...]:
    """The routes a case is tried on: those the command names, else its own."""
    return tuple(named) or ((case.stage_a.model_container,) if case.stage_a.model_container else ())


async def try_test_case(case: TestCase, key: TrialKey, executor: Executor) -> TrialResult:
    """One try of a case: passed if stage A did what was asked and the judge, if any, is content.

    Raises CannotRun.
    """
    stage = case.stage_a.model_copy(update={"model_container": key.route})
    execution = await executor.execute(stage)
    facts = measured(execution) | {
        "route": key.route,
        "tool_mode": key.tool_mode,
        "case_id": case.id,
        "category": case.stage_a.prompt_tool_spec.strategy,
        "number": key.number,
        "output": shown_output(execution),
    }
    status, output = execution.status, execution.output
    if status.state == "failed" or output is None:
        return TrialResult(**facts, passed=False, code=status.code, message=status.message)
    if output.failure:
        code = "" if not isinstance(output, TextOutput) else output.error_code
        return TrialResult(
            **facts, passed=False, code=code or ANSWERED_ERROR, message=output.failure
        )
    if case.stage_b is None:
        return TrialResult(**facts, passed=True)
    judge = judging_stage(case, output)
    if not judge.model_container:
        judge = judge.model_copy(update={"model_container": key.route})
    stored, finding = verdict_of(await executor.execute(judge))
    return TrialResult(
        **facts,
        passed=finding.ok,
        code=finding.code,
        message="" if finding.ok else str(finding),
        findings=[finding.as_json()],
        judge=stored,
    )
