"""Observed calls found for expected ones: each expected call gets a call of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jsonschema import Draft202012Validator

from chat.bench.cases import ExpectedCall
from chat.bench.trajectory import ObservedCall
from chat.bench.values import differences, unmet

Fits = Callable[[int, int], bool]
"""Whether an expected call (by place) is met by an observed one (by place)."""


def misfits(expected: ExpectedCall, call: ObservedCall) -> list[tuple[str, str]]:
    """What keeps a call of the same tool from being the expected one; empty: it is.

    Raises PatternTooSlow.
    """
    if not call.valid or call.arguments is None:
        return [("was not valid", "")]
    told = []
    if expected.match == "schema":
        if expected.arguments:
            errors = Draft202012Validator(expected.arguments).iter_errors(call.arguments)
            told = [
                (f"does not fit the schema at {error.json_path}", error.message[:120])
                for _, error in zip(range(3), errors, strict=False)
            ]
    else:
        told = differences(expected.arguments, call.arguments, exact=expected.match == "exact")
    for path, predicate in expected.where.items():
        why = unmet(path, predicate, call.arguments)
        if why is not None:
            told.append(why)
    if expected.round is not None and call.round != expected.round:
        told.append((f"came in round {call.round}", f"expected round {expected.round}"))
    return told


def assign(wanted: int, given: Sequence[int], fits: Fits) -> dict[int, int]:
    """As many expected calls as possible matched to different calls (Kuhn's augmenting paths)."""
    taken_by: dict[int, int] = {}

    def place(expected: int, tried: set[int]) -> bool:
        for call in given:
            if call in tried or not fits(expected, call):
                continue
            tried.add(call)
            if call not in taken_by or place(taken_by[call], tried):
                taken_by[call] = expected
                return True
        return False

    for expected in range(wanted):
        place(expected, set())
    return {expected: call for call, expected in taken_by.items()}


def is_in_order(wanted: int, given: Sequence[int], fits: Fits) -> bool:
    """Whether the expected calls, as listed, are found one after the other among the calls."""
    rest = iter(given)
    return all(any(fits(expected, call) for call in rest) for expected in range(wanted))


def in_one_round(wanted: int, calls: Sequence[ObservedCall], fits: Fits) -> bool:
    """Whether one round holds a call for each expected one."""
    for number in {call.round for call in calls}:
        here = [at for at, call in enumerate(calls) if call.round == number]
        if len(assign(wanted, here, fits)) == wanted:
            return True
    return False
