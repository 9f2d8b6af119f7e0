"""Every text case of the corpus, read with its dialect named, by `auto` or by one dialect."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.corpus_files import TextCase
from bench.corpus_losses import lost_words
from bench.corpus_policy import DEPARTURES, why
from bench.report import Report
from chat.engine.tool_calls.dialects import DIALECT_NAMES
from chat.explain.arguments import argument_fields
from chat.explain.cuts import Cut
from chat.explain.text_answer import TextAnswer
from chat.explain.text_line import answer_of

KINDS = ("call", "negative", "plain", "partial", "malformed", "policy")
COUNTED = ("call", "negative", "plain", "partial")
CALLS_GOAL = 0.97


@dataclass
class Tally:
    """What was right of what was read, by (format, kind)."""

    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    read: Counter[tuple[str, str]] = field(default_factory=Counter)
    steady: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: int = 0
    calls_found: int = 0

    def cell(self, format: str | None, kind: str) -> str:
        """Right of read; of every format where none is named."""
        right, read = (
            sum(n for (f, k), n in counts.items() if k == kind and format in (None, f))
            for counts in (self.right, self.read)
        )
        return f"{right}/{read}" if read else "·"

    def share_of_calls(self) -> float:
        """How many of the calls in cases of kind `call` were found."""
        return self.calls_found / self.calls if self.calls else 1.0


@dataclass(frozen=True)
class Miss:
    """One case that was read otherwise than wanted; `kind` is its own, or raised, lost or cut."""

    kind: str
    case_id: str
    what: str

    def __str__(self) -> str:
        return f"[{self.kind}] {self.case_id}: {self.what}"


@dataclass
class Findings:
    """What reading all cases found."""

    tally: Tally = field(default_factory=Tally)
    misses: list[Miss] = field(default_factory=list)
    policy: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def miss(self, kind: str, case: TextCase, what: str) -> None:
        """Note a miss."""
        self.misses.append(Miss(kind, case.id, what))


def prove(cases: list[TextCase], *, dialect: str, cuts: int) -> Report:
    """Read every case whole and in pieces and judge; `dialect` is a name or `named`."""
    report = Report(f"Text calls, dialect {dialect}: {len(cases)} cases")
    _write(report, read_all(cases, dialect=dialect, cuts=cuts), dialect)
    return report


def read_all(cases: list[TextCase], *, dialect: str, cuts: int) -> Findings:
    """Every case, whole and in pieces, against what it expects and against itself."""
    found = Findings()
    for case in cases:
        _read_case(found, case, case.dialect if dialect == "named" else dialect, cuts)
    return found


def _read_case(found: Findings, case: TextCase, name: str, cuts: int) -> None:
    kind = "policy" if case.is_policy else case.kind
    found.tally.read[case.format, kind] += 1
    if kind == "call":
        found.tally.calls += len(case.expect["tool_calls"])
    if name not in DIALECT_NAMES:
        found.miss(kind, case, f"there is no dialect {name} yet")
        return
    try:
        whole = answer_of(case.capture, name, [case.capture.text])
    except Exception as error:
        found.miss("raised", case, f"{type(error).__name__}: {error}")
        return
    differences = differences_of(case, whole)
    lost = lost_words(case.capture.text, whole) if case.capture.settings.ended else []
    dropped = bool(lost) and "content" in case.expect and not differences
    _count(found.tally, case, kind, whole, right=not differences and (dropped or not lost))
    if dropped:
        found.left_out.append(f"{case.id}: {' '.join(lost)}")
    elif lost:
        found.miss("lost", case, f"lost {' '.join(lost)}")
    if case.is_policy:
        found.policy.append(_chosen(case, whole, differences))
    elif differences:
        found.miss(kind, case, "; ".join(differences))
    for fault in _unsteady(case, name, whole, cuts):
        found.miss("cut", case, fault)


def differences_of(case: TextCase, answer: TextAnswer) -> list[str]:
    """In what the answer is not what the case expects; empty where it is right."""
    found: list[str] = []
    expect = case.expect
    visible = case.capture.settings.visible(answer.text)
    if "tool_calls" in expect:
        got = [{"name": call.tool, **argument_fields(call.raw_arguments)} for call in answer.calls]
        if not _same_calls(expect["tool_calls"], got):
            found.append(f"calls {_short(got)} instead of {_short(expect['tool_calls'])}")
    if "content" in expect and visible.strip() != (expect["content"] or "").strip():
        found.append(f"text {_short(visible)} instead of {_short(expect['content'])}")
    thought = expect.get("reasoning", "" if "content" in expect else None)
    if thought is not None and answer.reasoning.strip() != (thought or "").strip():
        found.append(f"reasoning {_short(answer.reasoning)} instead of {_short(thought)}")
    return found


def _same_calls(expected: list[dict[str, Any]], got: list[dict[str, Any]]) -> bool:
    if len(expected) != len(got):
        return False
    for wanted, found in zip(expected, got, strict=True):
        if wanted["name"] != found["name"]:
            return False
        if "arguments_includes" in wanted:
            arguments = found["arguments"] or {}
            missing = [
                key
                for key, value in wanted["arguments_includes"].items()
                if key not in arguments or arguments[key] != value
            ]
            if missing:
                return False
        elif not _same(wanted.get("arguments"), found["arguments"]) or (
            "arguments_raw" in wanted and wanted["arguments_raw"] != found.get("arguments_raw")
        ):
            return False
    return True


def _same(wanted: Any, found: Any) -> bool:
    """Equal as JSON: 1 is not true."""
    return json.dumps(wanted, sort_keys=True) == json.dumps(found, sort_keys=True)


def _count(tally: Tally, case: TextCase, kind: str, answer: TextAnswer, *, right: bool) -> None:
    tally.right[case.format, kind] += right
    if kind == "call":
        wanted = Counter(call["name"] for call in case.expect["tool_calls"])
        got = Counter(call.tool for call in answer.calls)
        tally.calls_found += (wanted & got).total()


def _unsteady(case: TextCase, name: str, whole: TextAnswer, cuts: int) -> list[str]:
    """The ways of cutting under which something else was read."""
    text = case.capture.text
    ways = {"one character at a time": list(Cut.named("bytes").pieces(text))}
    if case.chunks:
        ways["the recorded chunks"] = list(case.chunks)
    for seed in range(cuts):
        ways[f"random:{seed}"] = list(Cut.named(f"random:{seed}").pieces(text))
    faults = []
    for way, pieces in ways.items():
        try:
            answer = answer_of(case.capture, name, pieces)
        except Exception as error:
            faults.append(f"under {way}: {type(error).__name__}: {error}")
            continue
        if _outcome(answer) != _outcome(whole):
            faults.append(
                f"under {way}: {_short(_outcome(answer))}, whole {_short(_outcome(whole))}"
            )
    return faults[:1]


def _outcome(answer: TextAnswer) -> tuple[Any, ...]:
    calls = [(c.tool, c.upstream_id, c.raw_arguments, c.complete, c.dialect) for c in answer.calls]
    return answer.text, answer.reasoning, calls


def _chosen(case: TextCase, answer: TextAnswer, differences: list[str]) -> str:
    calls = [f"{call.tool}({call.raw_arguments})" for call in answer.calls]
    what = f"{len(calls)} calls: {', '.join(calls)}" if calls else "no call"
    verdict = "otherwise than upstream" if differences else "as upstream"
    return f"{case.id} ({case.kind}): {verdict}; {what}; text {_short(answer.text)}. {why(case.id)}"


def _write(report: Report, found: Findings, dialect: str) -> None:
    tally = found.tally
    formats = sorted({format for format, _ in tally.read})
    rows = [(f, *(tally.cell(f, kind) for kind in KINDS)) for f in formats]
    report.table(
        ("format", *KINDS), [*rows, ("together", *(tally.cell(None, kind) for kind in KINDS))]
    )
    share = tally.share_of_calls()
    report.line(f"Calls found: {tally.calls_found} of {tally.calls} ({share:.1%}).")
    about = {
        "Cases on which implementations differ, and what was chosen": found.policy,
        "Words that these cases want left out": found.left_out,
        "Misses": [
            f"{miss} {why(miss.case_id)}" if miss.case_id in DEPARTURES else str(miss)
            for miss in found.misses
        ],
    }
    for title, lines in about.items():
        if lines:
            report.line(f"{title} ({len(lines)}):")
            report.lines += [f"  - {line}" for line in lines]
    kinds = Counter(miss.kind for miss in found.misses)
    report.promise(not kinds["raised"], f"{kinds['raised']} cases raised an exception")
    report.promise(not kinds["lost"], f"{kinds['lost']} cases lost text")
    report.promise(not kinds["cut"], f"{kinds['cut']} cases read otherwise in pieces")
    if dialect == "auto":
        for kind in ("negative", "plain"):
            report.promise(not kinds[kind], f"{kinds[kind]} {kind} cases did not stay as they are")
        report.promise(share >= CALLS_GOAL, f"{share:.1%} of calls found; {CALLS_GOAL:.0%} wanted")
    else:
        for kind in COUNTED:
            report.promise(not kinds[kind], f"{kinds[kind]} {kind} cases are wrong")


def _short(value: Any, limit: int = 300) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = repr(text) if isinstance(value, str) else text
    return text if len(text) <= limit else text[:limit] + "…"
