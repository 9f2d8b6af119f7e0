"""Values of arguments compared with what was expected of them; None where they agree."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

from chat.bench.cases import Predicate
from chat.bench.patterns import found

SHOWN = 80
_MISSING = object()


def shown(value: Any) -> str:
    """A value in words: texts in quotation marks, the rest as JSON, cut."""
    text = f"“{value}”" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def is_same(expected: Any, got: Any) -> bool:
    """Equal by value: 5 is 5.0, true is not 1, “5” is not 5."""
    if _is_number(expected) and _is_number(got):
        return _is_close(expected, got)
    if isinstance(expected, str) and isinstance(got, str):
        return unicodedata.normalize("NFC", expected) == unicodedata.normalize("NFC", got)
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(
            is_same(expected[name], got[name]) for name in expected
        )
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(is_same, expected, got))
    return type(expected) is type(got) and bool(expected == got)


def holds(expected: Any, got: Any) -> bool:
    """Equal, but objects may hold more than is expected of them."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return all(name in got and holds(expected[name], got[name]) for name in expected)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(holds, expected, got))
    return is_same(expected, got)


def differences(
    expected: Mapping[str, Any], got: Mapping[str, Any], *, exact: bool
) -> list[tuple[str, str]]:
    """Where arguments differ: (what was used, what was expected), in words."""
    agrees = is_same if exact else holds
    told = []
    for name, value in expected.items():
        if name not in got:
            told.append((f"left out {name}", f"expected {shown(value)}"))
        elif not agrees(value, got[name]):
            told.append((f"used {name} {shown(got[name])}", f"expected {shown(value)}"))
    if exact:
        told += [
            (f"used {name} {shown(got[name])}", "not expected") for name in got.keys() - expected
        ]
    return told


def unmet(path: str, predicate: Predicate, arguments: Mapping[str, Any]) -> tuple[str, str] | None:
    """Why a predicate does not hold: (what was used, what was expected). Raises PatternTooSlow."""
    value = _at(path, arguments)
    if value is _MISSING:
        return f"left out {path}", f"expected {wanted(predicate)}"
    return (
        None
        if _is_met(predicate, value)
        else (
            f"used {path} {shown(value)}",
            f"expected {wanted(predicate)}",
        )
    )


def wanted(predicate: Predicate) -> str:
    """A predicate in words."""
    told = []
    if predicate.near is not None:
        within = predicate.within or 0
        told.append(f"{predicate.near:g} ± {within:g}" if within else f"{predicate.near:g}")
    if predicate.min is not None:
        told.append(f"at least {predicate.min:g}")
    if predicate.max is not None:
        told.append(f"at most {predicate.max:g}")
    if predicate.matches is not None:
        told.append(f"a match of {predicate.matches[:SHOWN]}")
    if predicate.contains is not None:
        told.append(f"something with {shown(predicate.contains)}")
    if predicate.one_of is not None:
        told.append("one of " + ", ".join(shown(value) for value in predicate.one_of[:8]))
    return " and ".join(told)


def _is_met(predicate: Predicate, value: Any) -> bool:
    if predicate.near is not None and not (
        _is_number(value) and _within(predicate.near, value, predicate.within or 0.0)
    ):
        return False
    if predicate.min is not None and not (_is_number(value) and value >= predicate.min):
        return False
    if predicate.max is not None and not (_is_number(value) and value <= predicate.max):
        return False
    if predicate.matches is not None and not (
        isinstance(value, str)
        and found(predicate.matches, value, ignore_case=predicate.ignore_case)
    ):
        return False
    if predicate.contains is not None and not _contains(predicate, value):
        return False
    return predicate.one_of is None or any(
        _is_like(one, value, predicate.ignore_case) for one in predicate.one_of
    )


def _within(near: float, value: float, distance: float) -> bool:
    try:
        off = abs(near - value)
    except OverflowError:
        return False
    return off <= distance or _is_close(off, distance)


def _is_close(one: float, other: float) -> bool:
    try:
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    except OverflowError:
        # An integer beyond all floats.
        return one == other


def _contains(predicate: Predicate, value: Any) -> bool:
    part = predicate.contains
    if isinstance(value, list):
        return any(_is_like(part, element, predicate.ignore_case) for element in value)
    if isinstance(value, str) and isinstance(part, str):
        if predicate.ignore_case:
            return part.casefold() in value.casefold()
        return part in value
    return False


def _is_like(expected: Any, got: Any, ignore_case: bool) -> bool:
    if ignore_case and isinstance(expected, str) and isinstance(got, str):
        return expected.casefold() == got.casefold()
    return is_same(expected, got)


def _at(path: str, arguments: Mapping[str, Any]) -> Any:
    if path in arguments:
        return arguments[path]
    value: Any = arguments
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _MISSING
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
