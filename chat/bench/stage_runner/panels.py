"""Each trial as a panel: what was asked, what came, what the judge said, and how long it took."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from chat.bench.observing import observe
from chat.bench.stage_runner.console import Told, Tried
from chat.bench.stage_runner.trials import TrialResult
from chat.bench.summary import Target
from chat.bench.trajectory import ObservedTurn

LONGEST = 2_000


def print_panels(console: Console, told: Told) -> None:
    """A panel per trial, in the run's order."""
    look = box.ROUNDED if console.is_terminal else box.ASCII2
    for trial in told.trials:
        good = trial.passed is True
        title = f"{trial.case_id} on {Target(trial.route, trial.tool_mode)}, try {trial.number}"
        subtitle = "passed" if good else trial.code or "failed"
        console.print(
            Panel(
                Group(*(Text(part) for part in _parts(trial))),
                title=Text(title),
                subtitle=Text(subtitle),
                border_style="green" if good else "red",
                box=look,
            )
        )


def _parts(trial: Tried) -> list[str]:
    parts = []
    if isinstance(trial, TrialResult):
        parts += _output(trial.output)
    elif isinstance(trial.stage_id, UUID):
        # The last turn, as its rows tell it.
        (turn,) = observe([trial.stage_id]).turns or (ObservedTurn(),)
        parts += [f"{call.tool}({call.raw_arguments})" for call in turn.calls]
        parts += [call.result[:LONGEST] for call in turn.calls]
        parts.append(turn.text[:LONGEST])
    if trial.message and not trial.findings:
        parts.append(trial.message)
    parts += [
        f"{'✓' if one.get('ok') else '✗'} {one.get('what', '')}"
        + (f" ({one['detail']})" if one.get("detail") else "")
        for one in trial.findings
    ]
    parts.append(_foot(trial))
    return [part for part in parts if part]


def _output(output: dict[str, Any] | None) -> list[str]:
    if output is None:
        return ["No output."]
    parts = [f"{call['tool']}({call['arguments']})" for call in output.get("calls", ())]
    results = output.get("summary") or output.get("tool_results")
    if results:
        parts.append(json.dumps(results, ensure_ascii=False, indent=2)[:LONGEST])
    text = output.get("answer") or output.get("text")
    return [*parts, text[:LONGEST]] if text else parts


def _foot(trial: Tried) -> str:
    names = ("request_ms", "execution_ms", "upstream_ms", "first_token_ms")
    times = [(name.removesuffix("_ms").replace("_", " "), getattr(trial, name)) for name in names]
    told = [f"{name} {value:,} ms" for name, value in times if value is not None]
    return ", ".join([*told, f"stage {trial.stage_id}"] if trial.stage_id else told)
