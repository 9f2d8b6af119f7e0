"""What was observed, judged against what was expected; all but the judge's part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chat.bench import findings as codes
from chat.bench.asking import asks_back
from chat.bench.cases import Case, Count, Expect, ExpectedCall, ExpectedText
from chat.bench.findings import Finding
from chat.bench.matching import assign, in_one_round, is_in_order, misfits
from chat.bench.patterns import PatternTooSlow, comparable, found
from chat.bench.trajectory import ObservedCall, ObservedTurn, Trajectory
from chat.bench.values import shown

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def judge_trajectory(case: Case, trajectory: Trajectory) -> list[Finding]:
    """All findings of a trial, turn by turn; turns that were not reached are found missing."""
    turns = case.all_turns
    told = []
    for at, turn in enumerate(turns):
        number = at + 1 if len(turns) > 1 else None
        if at >= len(trajectory.turns):
            told.append(Finding(False, "the turn was not reached", "", codes.STAGE, number))
            continue
        told += [
            replace(finding, turn=number)
            for finding in judge_turn(turn.expect, trajectory.turns[at])
        ]
    return told


def judge_turn(expect: Expect, turn: ObservedTurn) -> list[Finding]:
    """The findings of one turn, in the order in which a reader wants them."""
    told = _end(expect, turn)
    told += _calls(expect, turn.calls)
    if expect.no_calls or expect.asks:
        told.append(_no_calls(turn.calls))
    told += [_not_called(tool, turn.calls) for tool in expect.not_called]
    if expect.asks:
        told.append(_asks(turn))
    if expect.text is not None:
        told += _text(expect.text, turn.text)
    return told


def _end(expect: Expect, turn: ObservedTurn) -> list[Finding]:
    if turn.finish == "done":
        return []
    if turn.error_code == "no_tool_calls" and not turn.calls and _looks_at_calls(expect):
        # A stage without synthesis ends so; what is expected of the calls says more.
        return []
    if turn.finish == "cancel":
        return [Finding(False, "the stage was stopped", "", codes.STAGE)]
    code = turn.error_code or codes.STAGE
    return [Finding(False, "the stage failed", turn.error_message or turn.error_code, code)]


def _looks_at_calls(expect: Expect) -> bool:
    return bool(expect.calls or expect.count or expect.no_calls or expect.asks)


def _calls(expect: Expect, calls: Sequence[ObservedCall]) -> list[Finding]:
    wanted = expect.calls
    if not wanted:
        return [_count(expect.count, calls)] if expect.count is not None else []
    try:
        table = [
            [call.tool == one.tool and not misfits(one, call) for call in calls] for one in wanted
        ]
        matched = assign(len(wanted), range(len(calls)), lambda one, call: table[one][call])
        told = []
        free = [at for at in range(len(calls)) if at not in matched.values()]
        for at, one in enumerate(wanted):
            if at in matched:
                told.append(Finding(True, _made(one, matched[at], calls)))
            else:
                told.append(_missing(one, free, calls))
    except PatternTooSlow as error:
        return [Finding(False, "a pattern was given up", str(error), codes.ARGUMENTS)]
    told.append(_count(expect.count or Count(exactly=len(wanted)), calls))
    is_whole = len(matched) == len(wanted)
    if expect.order == "as_listed" and is_whole and len(wanted) > 1:
        kept = is_in_order(len(wanted), range(len(calls)), lambda one, call: table[one][call])
        told.append(
            Finding(True, "calls in the expected order")
            if kept
            else Finding(False, "calls in another order", _sequence(calls), codes.ORDER)
        )
    if expect.parallel and is_whole:
        together = in_one_round(len(wanted), calls, lambda one, call: table[one][call])
        rounds = len({call.round for call in calls})
        told.append(
            Finding(True, "calls in one round")
            if together
            else Finding(False, f"calls over {rounds} rounds", _sequence(calls), codes.PARALLEL)
        )
    return told


def _made(one: ExpectedCall, at: int, calls: Sequence[ObservedCall]) -> str:
    who = _ordinal(at) if len(calls) > 1 else "the call"
    used = [name for name in (*one.arguments, *one.where) if one.match != "schema"]
    used = list(dict.fromkeys(name.split(".")[0] for name in used))
    arguments = calls[at].arguments or {}
    shown_values = ", ".join(
        f"{name} {shown(arguments[name])}" for name in used[:4] if name in arguments
    )
    return f"{who} is {one.tool}" + (f" with {shown_values}" if shown_values else "")


def _missing(one: ExpectedCall, free: list[int], calls: Sequence[ObservedCall]) -> Finding:
    """The call that came closest, and what was wrong with it; it is not blamed twice."""
    same = [at for at in free if calls[at].tool == one.tool]
    if not same:
        others = _sequence(calls) if calls else "no call was made"
        return Finding(False, f"{one.tool} was not called", others, codes.CALL_MISSING)
    closest = min(same, key=lambda at: (not calls[at].valid, len(misfits(one, calls[at]))))
    free.remove(closest)
    wrong = misfits(one, calls[closest])
    who = _ordinal(closest) if len(calls) > 1 else "the call"
    what, detail = wrong[0]
    more = "; ".join(f"{used}, {expected}" if expected else used for used, expected in wrong[1:4])
    return Finding(
        False, f"{who} {what}", "; ".join(part for part in (detail, more) if part), codes.ARGUMENTS
    )


def _count(count: Count, calls: Sequence[ObservedCall]) -> Finding:
    number = len(calls)
    invalid = sum(not call.valid for call in calls)
    least = count.exactly if count.exactly is not None else count.min
    most = count.exactly if count.exactly is not None else count.max
    kept = (least is None or number >= least) and (most is None or number <= most)
    noun = "call" if number == 1 else "calls"
    if kept:
        adjective = "valid " if number and not invalid else ""
        what = f"{number} {adjective}{noun}" if number else "no call"
        return Finding(True, what, f"{invalid} not valid" if invalid else "")
    if count.exactly is not None:
        wish = f"{count.exactly} expected"
    elif least is not None and number < least:
        wish = f"at least {least} expected"
    else:
        wish = f"at most {most} expected"
    words = f"{number} {noun}" if number else "no call"
    return Finding(False, f"{words}, {wish}", _sequence(calls), codes.COUNT)


def _no_calls(calls: Sequence[ObservedCall]) -> Finding:
    if not calls:
        return Finding(True, "no call")
    noun = "call" if len(calls) == 1 else "calls"
    return Finding(False, f"{len(calls)} {noun}, none expected", _sequence(calls), codes.CALLED)


def _not_called(tool: str, calls: Sequence[ObservedCall]) -> Finding:
    if any(call.tool == tool for call in calls):
        return Finding(False, f"{tool} was called", "not expected", codes.CALLED)
    return Finding(True, f"{tool} was not called")


def _asks(turn: ObservedTurn) -> Finding:
    if asks_back(turn.text):
        return Finding(True, "the answer asks back")
    return Finding(False, "the answer does not ask back", _beginning(turn.text), codes.ASKS)


def _text(expected: ExpectedText, text: str) -> list[Finding]:
    ignore = expected.ignore_case
    plain = comparable(text, ignore_case=ignore)

    def has(part: str) -> bool:
        return comparable(part, ignore_case=ignore) in plain

    told = [_part(has(part), "has", "lacks", shown(part), text) for part in expected.contains]
    if expected.contains_any:
        words = " or ".join(shown(part) for part in expected.contains_any[:6])
        told.append(_part(any(map(has, expected.contains_any)), "has", "lacks", words, text))
    if expected.matches is not None:
        try:
            ok = found(expected.matches, text, ignore_case=ignore)
            told.append(_part(ok, "matches", "does not match", expected.matches[:80], text))
        except PatternTooSlow as error:
            told.append(Finding(False, "the pattern was given up", str(error), codes.TEXT))
    told += [_part(not has(part), "lacks", "has", shown(part), text) for part in expected.lacks]
    return told


def _part(ok: bool, good: str, bad: str, part: str, text: str) -> Finding:
    if ok:
        return Finding(True, f"the text {good} {part}")
    return Finding(False, f"the text {bad} {part}", _beginning(text), codes.TEXT)


def _beginning(text: str) -> str:
    plain = " ".join(text.split())
    if not plain:
        return "the text is empty"
    return f"“{plain[:119]}…”" if len(plain) > 120 else f"“{plain}”"


def _sequence(calls: Sequence[ObservedCall]) -> str:
    names = [call.tool if call.valid else f"{call.tool} (not valid)" for call in calls[:8]]
    return ", ".join(names) + (", …" if len(calls) > 8 else "")


def _ordinal(at: int) -> str:
    return f"{_ORDINALS[at]} call" if at < len(_ORDINALS) else f"call {at + 1}"
