"""Stages of test cases executed in this process, as an endpoint of Toolbench would answer them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID, uuid4

from chat.bench.observing import observe
from chat.bench.stage_runner.executor import CannotRun, Execution
from chat.bench.stage_runner.machine import Machine
from chat.bench.stage_runner.outputs import (
    Output,
    StreamedCall,
    StreamOutput,
    TextOutput,
    ToolCallOutput,
)
from chat.bench.stage_runner.status import StageStatus
from chat.bench.stage_runner.test_case import StageSpec
from chat.bench.stages import GoingDown, run_stage
from chat.bench.trajectory import ObservedTurn, Trajectory
from chat.database import run_in_pool
from chat.protocol import StageStart
from chat.services.extras import StartExtras
from chat.services.refusals import Refused

CANCELLED_WORDS = "The stage was stopped."


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Has the stages of a user run here; they are stages like any other, with their transcripts.

    A stage that is refused fails as UNRECOGNIZED, as the endpoint's 4xx does.
    """

    user_id: int

    async def execute(self, stage: StageSpec) -> Execution:
        """As Executor."""
        machine, began = Machine(), time.monotonic()
        machine.move("executing")
        try:
            accepted = await run_stage(self.user_id, _command(stage), StartExtras())
        except GoingDown:
            raise CannotRun("Toolbench is being stopped.") from None
        except Refused as refused:
            machine.move("failed")
            status = StageStatus(state="failed", code="UNRECOGNIZED", message=refused.message)
            return Execution(status=status, output=None, stage_id=None)
        waited = round((time.monotonic() - began) * 1000)
        seen = await run_in_pool(observe, [accepted.stage_id], waited)
        machine.move("success")
        status = StageStatus(
            state=machine.state,
            request_ms=seen.request_ms,
            execution_ms=seen.execution_ms,
            upstream_ms=seen.upstream_ms,
            first_token_ms=seen.first_token_ms,
        )
        return Execution(
            status=status, output=_output(stage, seen), stage_id=UUID(str(accepted.stage_id))
        )


def _command(stage: StageSpec) -> StageStart:
    limits, temperatures = stage.token_limits, stage.temperatures
    return StageStart(
        request_id=uuid4(),
        mode="chat" if stage.is_chat else "toolchain",
        synthesis=stage.synthesis,
        stream=stage.stream,
        model_route=stage.model_container or None,
        prompt=stage.user_prompt,
        system_prompt=stage.system_prompt,
        temperature=None if temperatures is None else [*temperatures],
        max_tokens=None if limits is None else [*limits],
    )


def _output(stage: StageSpec, seen: Trajectory) -> Output:
    """What the endpoint would have answered."""
    turn = seen.turns[0]
    if stage.stream:
        return _stream(turn, seen)
    if turn.finish != "done":
        words = CANCELLED_WORDS if turn.finish == "cancel" else turn.error_message
        return TextOutput(text=words, is_error=True, error_code=turn.error_code)
    if stage.is_chat or stage.synthesis:
        return TextOutput(text=turn.text)
    return ToolCallOutput(tool_results={call.call_id: call.result for call in turn.calls})


def _stream(turn: ObservedTurn, seen: Trajectory) -> StreamOutput:
    told = {"prompt_tokens": seen.input_tokens, "completion_tokens": seen.output_tokens}
    usage = {name: count for name, count in told.items() if count is not None}
    return StreamOutput(
        frames=(),
        text=turn.text,
        answer=turn.text,
        calls=tuple(
            StreamedCall(
                round=call.round,
                index=at,
                call_id=call.call_id,
                tool=call.tool,
                arguments=call.raw_arguments,
            )
            for at, call in enumerate(turn.calls)
        ),
        summary={call.call_id: call.result for call in turn.calls},
        terminal=turn.finish,
        error_code=turn.error_code,
        error_message=turn.error_message,
        usage=usage or None,
    )
