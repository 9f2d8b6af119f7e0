"""The chosen cell of a run's page: its tries, what was found in each, and its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from chat.bench.statistics import Tally, pass_hat, wilson
from chat.bench.summary import Row, Target
from chat.bench.yaml_text import write_yaml
from chat.models import BenchRun, BenchTrial, Stage
from chat.pages import figures
from chat.pages.bench.addresses import stage_address
from chat.pages.bench.words import money, plural, signed

_FIELDS = (
    *("number", "status", "passed", "code", "message", "findings", "repairs", "execution_ms"),
    *("input_tokens", "output_tokens", "cost", "currency"),
    *("stage_id", "stage__conversation_id"),
)
MOST_FURTHER = 2
LONGEST = 90
MOST_SEEN = 3
# Of a try that passed the counts say enough: the calls themselves stand in its stage.
_IN_SHORT = re.compile(
    r"(?:^|: )(?:\d+ (?:valid )?calls?|no call|the answer asks back|calls in .+)$"
)


@dataclass(frozen=True, slots=True)
class Try:
    """One try: whether it passed (yes, no, running or empty), and why."""

    number: int
    passed: str
    words: tuple[tuple[str, str], ...]
    url: str
    judge_url: str = ""


@dataclass(frozen=True, slots=True)
class ChosenCell:
    """A case on a target with all its tries."""

    case_id: str
    target: str
    description: str
    passed: int
    ended: int
    is_open: bool
    state_words: str
    tries: tuple[Try, ...]
    facts: tuple[tuple[str, str, str], ...]
    yaml: str


def read_cell(
    run: BenchRun,
    case: Mapping[str, Any],
    target: Target,
    earlier: Sequence[Row],
    earlier_title: str,
) -> ChosenCell:
    """A cell in one query, two where a model judged; `earlier` is the same cell before."""
    trials: list[Any] = list(
        BenchTrial.objects.filter(
            run=run, case_id=case["id"], route=target.route, tool_mode=target.tool_mode
        )
        .order_by("number")
        .values_list(*_FIELDS, named=True)
    )
    judged = _judged(trials)
    ended = [trial for trial in trials if trial.passed is not None]
    passed = sum(trial.passed for trial in ended)
    words = "was not run."
    if run.is_active and trials:
        words = "is being tried." if any(t.status == "executing" for t in trials) else "waits."
    return ChosenCell(
        case_id=case["id"],
        target=str(target),
        description=case.get("description", ""),
        passed=passed,
        ended=len(ended),
        is_open=run.is_active and len(ended) < len(trials),
        state_words=words,
        tries=tuple(_try(trial, run.is_active, judged) for trial in trials),
        facts=_facts(Tally(passed, len(ended)), ended, earlier, earlier_title),
        yaml=write_yaml(dict(case)).rstrip(),
    )


def _judged(trials: Sequence[Any]) -> dict[str, str]:
    """Where the judges' stages stand, by their ids as the findings have them."""
    named = {f["stage_id"] for trial in trials for f in trial.findings if f.get("stage_id")}
    if not named:
        return {}
    rows = Stage.objects.filter(pk__in=named).values_list("pk", "conversation_id")
    return {str(stage): stage_address(conversation, stage) for stage, conversation in rows}


def _try(trial: Any, is_active: bool, judged: Mapping[str, str]) -> Try:
    if trial.passed is None:
        state = "running" if trial.status == "executing" and is_active else ""
        word = state or ("waiting" if is_active else "not run")
        return Try(trial.number, state, ((word, ""),), "")
    url = ""
    if trial.stage_id is not None:
        url = stage_address(trial.stage__conversation_id, trial.stage_id)
    judges = (judged.get(finding.get("stage_id", ""), "") for finding in trial.findings)
    return Try(
        number=trial.number,
        passed="yes" if trial.passed else "no",
        words=_words(trial),
        url=url,
        judge_url=next(filter(None, judges), ""),
    )


def _words(trial: Any) -> tuple[tuple[str, str], ...]:
    """What was found: of a failed try what went wrong, of a passed one what was seen."""
    findings = [f for f in trial.findings if bool(f.get("ok")) == bool(trial.passed)]
    told = [(_said(finding), str(finding.get("detail", ""))) for finding in findings]
    if trial.passed:
        said = [words for words, _ in told]
        short = [words for words in said if _IN_SHORT.search(words)] or said
        seen = short[:MOST_SEEN]
        if trial.repairs:
            seen.append(plural(trial.repairs, "repair"))
        return ((", ".join(seen) or "passed", ""),)
    if not told:
        return ((trial.message or "It did not pass.", trial.code),)
    # What went wrong first with its detail, the rest in short: the stage has all of it.
    (what, detail), *rest = told
    more = len(rest) - MOST_FURTHER
    return (
        (_cut(what), _cut(detail)),
        *((_cut(words), "") for words, _ in rest[:MOST_FURTHER]),
        *([(f"and {more} more", "")] if more > 0 else []),
    )


def _said(finding: Mapping[str, Any]) -> str:
    turn = f"turn {finding['turn']}: " if finding.get("turn") else ""
    return f"{turn}{finding.get('what', '')}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"


def _facts(
    tally: Tally, ended: Sequence[Any], earlier: Sequence[Row], earlier_title: str
) -> tuple[tuple[str, str, str], ...]:
    if not tally.ended:
        return ()
    facts = [("pass^1", _share(pass_hat([tally], 1)), "")]
    if tally.ended > 1:
        facts.append((f"pass^{tally.ended}", _share(pass_hat([tally], tally.ended)), ""))
    interval = wilson(tally.passed, tally.ended)
    facts.append(("95 % interval", f"{interval.low:.2f} to {interval.high:.2f}", ""))
    before = [row for row in earlier if row.passed is not None]
    if before and earlier_title:
        was = Tally(sum(bool(row.passed) for row in before), len(before))
        facts.append((f"Since {earlier_title[0].lower()}{earlier_title[1:]}", *_since(tally, was)))
    times = [trial.execution_ms for trial in ended if trial.execution_ms is not None]
    if times:
        facts.append(("Time, median", figures.duration(median(times)), ""))
    given = [trial.input_tokens for trial in ended if trial.input_tokens is not None]
    written = [trial.output_tokens for trial in ended if trial.output_tokens is not None]
    if given or written:
        words = f"{figures.count(sum(given))} in, {figures.count(sum(written))} out"
        facts.append(("Tokens", words, ""))
    costs = [trial.cost for trial in ended if trial.cost is not None]
    if costs:
        facts.append(("Cost", money(sum(costs), ended[0].currency), ""))
    return tuple(facts)


def _since(now: Tally, was: Tally) -> tuple[str, str]:
    if now.rate == was.rate:
        return "the same", ""
    kind = "better" if (now.rate or 0) > (was.rate or 0) else "worse"
    if now.ended != was.ended:
        return f"was {was.passed} of {was.ended}", kind
    number = now.passed - was.passed
    return f"{signed(number)} {'pass' if abs(number) == 1 else 'passes'}", kind


def _share(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value in (0, 1) else f"{value:.2f}"
