"""One try of a case: its stages run one after the other, observed, and judged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from django.contrib.auth.models import User

from chat.bench import findings as codes
from chat.bench.cases import Case, Turn
from chat.bench.expectations import judge_trajectory
from chat.bench.findings import Finding, verdict
from chat.bench.judge import Judge, judge_turns
from chat.bench.observing import interruption, observe
from chat.bench.recorded import Recording, case_toolset
from chat.bench.stages import GoingDown, run_stage
from chat.bench.trajectory import Trajectory
from chat.bench.trials import Result
from chat.database import run_in_pool
from chat.protocol import StageStart
from chat.services.extras import StartExtras, ToolMode
from chat.services.refusals import Refused
from tools.base import Toolset
from tools.registry import UnknownTools

MOST_INTERRUPTIONS = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Errand:
    """A trial to be done."""

    pk: int
    route: str
    tool_mode: ToolMode
    case_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What the trials of a run have in common."""

    run_id: UUID
    owner_id: int
    suite_name: str
    cases: Mapping[str, Case]
    live: bool
    judge_route: str


class Interrupted(Exception):
    """Toolbench broke off: the try tells nothing of its model."""


async def try_case(plan: Plan, errand: Errand) -> Result:
    """A trial's result, whatever came of it; raises GoingDown."""
    for _ in range(MOST_INTERRUPTIONS):
        try:
            return await _try_once(plan, errand)
        except Interrupted:
            continue
        except Refused as refused:
            return Result(False, failed=True, code=refused.code, message=refused.message)
        except UnknownTools as unknown:
            return Result(False, failed=True, code="UNKNOWN_TOOLS", message=str(unknown))
    words = "The stage was interrupted each time it was tried."
    return Result(False, failed=True, code="INTERRUPTED", message=words)


async def _try_once(plan: Plan, errand: Errand) -> Result:
    case = plan.cases[errand.case_id]
    toolset = await run_in_pool(_toolset, plan, case)
    trajectory = await _converse(plan, errand, case, toolset)
    stage_id = trajectory.turns[-1].stage_id
    failed = trajectory.failed_turn
    # Patterns of a case may take long: not on the event loop.
    findings = await asyncio.to_thread(judge_trajectory, case, trajectory)
    if failed is not None:
        code = failed.error_code or "CANCELLED"
        message = failed.error_message or "The stage was stopped."
        return Result(
            False,
            failed=True,
            code=code,
            message=message,
            findings=tuple(findings),
            stage_id=failed.stage_id,
            trajectory=trajectory,
        )
    if all(finding.ok for finding in findings):
        findings += await _judged(plan, errand, case, trajectory)
    passed, code, message = verdict(findings)
    return Result(
        passed,
        failed=code == codes.JUDGE_FAILED,
        code=code,
        message=message,
        findings=tuple(findings),
        stage_id=stage_id,
        trajectory=trajectory,
    )


async def _converse(plan: Plan, errand: Errand, case: Case, toolset: Toolset | None) -> Trajectory:
    """All turns, in one conversation, until one gives nothing to go on from."""
    stage_ids: list[UUID] = []
    conversation_id: UUID | None = None
    waited = 0.0
    trajectory = Trajectory()
    for turn in case.all_turns:
        extras = StartExtras(
            toolset=toolset, tool_mode=errand.tool_mode, title=_title(plan, errand)
        )
        started = time.monotonic()
        accepted = await run_stage(
            plan.owner_id, _command(case, turn, errand, conversation_id), extras
        )
        waited += time.monotonic() - started
        conversation_id = accepted.conversation_id
        stage_ids.append(accepted.stage_id)
        why = await run_in_pool(interruption, accepted.stage_id)
        if why == "shutdown":
            raise GoingDown
        if why:
            raise Interrupted
        trajectory = await run_in_pool(observe, stage_ids, round(waited * 1000))
        if trajectory.failed_turn is not None:
            break
    return trajectory


async def _judged(plan: Plan, errand: Errand, case: Case, trajectory: Trajectory) -> list[Finding]:
    """The verdicts of the turns that are judged, until one is bad."""
    told: list[Finding] = []
    turns = case.all_turns
    for number, turn in enumerate(turns, start=1):
        wanted = turn.expect.judge
        if wanted is None:
            continue
        judge = Judge(
            plan.owner_id,
            wanted.route or plan.judge_route,
            f"Judge of {_title(plan, errand)}",
        )
        finding = await judge_turns(judge, wanted.rubric, turns[:number], trajectory.turns[:number])
        told.append(replace(finding, turn=number if len(turns) > 1 else None))
        if not finding.ok:
            break
    return told


def _toolset(plan: Plan, case: Case) -> Toolset | None:
    # The owner's rights may have changed since the run was made.
    user = User.objects.get(pk=plan.owner_id)
    return case_toolset(user, case, Recording(case.recorded), live=plan.live)


def _command(case: Case, turn: Turn, errand: Errand, conversation_id: UUID | None) -> StageStart:
    return StageStart(
        request_id=uuid4(),
        conversation_id=conversation_id,
        mode=case.mode,
        synthesis=case.synthesis and case.mode == "toolchain",
        stream=case.stream,
        model_route=errand.route,
        prompt=turn.prompt,
        system_prompt=case.system_prompt,
    )


def _title(plan: Plan, errand: Errand) -> str:
    return f"{plan.suite_name}: {errand.case_id}, try {errand.number}"
