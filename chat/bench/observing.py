"""A trial's stages read from their rows, as a trajectory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from chat.bench.trajectory import Finish, ObservedCall, ObservedTurn, Trajectory
from chat.models import Message, Stage, StageEvent, StageRepair, ToolRun

Interruption = Literal["", "interrupted", "shutdown"]

CALL_IN_TEXT = "text_tool_call"

_FINISHES: dict[str, Finish] = {"done": "done", "cancel": "cancel", "error": "error"}
_MILLISECOND = timedelta(milliseconds=1)


def has_ended(stage_id: UUID) -> bool:
    """Whether a stage's rows are final."""
    return not Stage.objects.active().filter(pk=stage_id).exists()


def interruption(stage_id: UUID) -> Interruption:
    """Why a stage tells nothing of its model: Toolbench itself broke off, or was stopped."""
    found = Stage.objects.filter(pk=stage_id).values_list("status", "error_code").first()
    if found is None or found == (Stage.Status.ERROR, "interrupted"):
        return "interrupted"
    if found[0] == Stage.Status.CANCEL:
        end = StageEvent.objects.filter(stage_id=stage_id, event="cancel").first()
        if end is not None and end.parsed_data().get("by") == "shutdown":
            return "shutdown"
    return ""


def observe(stage_ids: Sequence[UUID], request_ms: int | None = None) -> Trajectory:
    """What the ended stages of a trial show, in their order, in four queries at most."""
    stages = Stage.objects.in_bulk(list(stage_ids))
    texts = dict(Message.objects.filter(stage__in=stage_ids).values_list("stage_id", "content"))
    runs: defaultdict[UUID, list[ToolRun]] = defaultdict(list)
    for run in ToolRun.objects.filter(stage__in=stage_ids).defer("whole_result").order_by("id"):
        runs[run.stage_id].append(run)
    seen = [stages[stage_id] for stage_id in stage_ids if stage_id in stages]
    execution = [_execution_ms(stage) for stage in seen]
    tools = [_tools_ms(runs[stage.pk]) for stage in seen]
    return Trajectory(
        turns=tuple(_turn(stage, texts.get(stage.pk, ""), runs[stage.pk]) for stage in seen),
        input_tokens=_tokens(seen, "input_tokens"),
        output_tokens=_tokens(seen, "output_tokens"),
        request_ms=request_ms,
        execution_ms=sum(execution) if seen else None,
        upstream_ms=max(0, sum(execution) - sum(tools)) if seen else None,
        first_token_ms=seen[0].timings.get("first_token_ms") if seen else None,
        repairs=_repairs(seen),
    )


def _turn(stage: Stage, text: str, runs: Iterable[ToolRun]) -> ObservedTurn:
    return ObservedTurn(
        text=text,
        calls=tuple(
            ObservedCall(
                round=run.round,
                call_id=run.call_id,
                tool=run.tool,
                arguments=run.arguments if isinstance(run.arguments, dict) else None,
                raw_arguments=run.raw_arguments,
                valid=run.valid,
                status=run.status,
                result=run.result,
            )
            for run in runs
        ),
        finish=_FINISHES.get(stage.status, "error"),
        error_code=stage.error_code,
        error_message=stage.error_message,
        stage_id=stage.pk,
    )


def _repairs(stages: Sequence[Stage]) -> int:
    """What was mended; with the tools in the prompt a call in the text is no deviation."""
    native = sum(one.repairs_count for one in stages if one.tool_mode == Stage.ToolMode.NATIVE)
    in_text = [one.pk for one in stages if one.tool_mode == Stage.ToolMode.TEXT]
    if not in_text:
        return native
    others = StageRepair.objects.filter(stage__in=in_text).exclude(code__startswith=CALL_IN_TEXT)
    return native + others.count()


def _execution_ms(stage: Stage) -> int:
    total: int | None = stage.timings.get("total_ms")
    if total is not None:
        return total
    # Only `done` tells of times; of another end the rows do.
    return round((stage.ended_at - stage.created_at) / _MILLISECOND) if stage.ended_at else 0


def _tools_ms(runs: Iterable[ToolRun]) -> int:
    """The calls of a round run side by side, so each round takes as long as its slowest."""
    slowest: dict[int, int] = {}
    for run in runs:
        slowest[run.round] = max(slowest.get(run.round, 0), run.duration_ms or 0)
    return sum(slowest.values())


def _tokens(stages: Iterable[Stage], name: str) -> int | None:
    """None where one of them told no count: part of a sum would be a wrong figure."""
    counts: list[Any] = [stage.usage.get(name) for stage in stages]
    return sum(counts) if counts and all(count is not None for count in counts) else None
