"""Mending a call's broken JSON arguments, where there is one way to do it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.engine.tool_calls.lenient_json import Doubtful, read_object
from tools.calling import fitting_arguments

MENDED_LIMIT = 24 * 1024
"""Characters of argument text that are mended: as much as a call may have."""
WAS_LIMIT = 200
ENDED = frozenset({"stop", "tool_calls"})
"""The finish reasons that say that the model itself had ended."""

# How servers and models write that there are no arguments.
_NOTHING = frozenset({"null", "None", '""', "''", "[]"})


@dataclass(frozen=True, slots=True)
class Mended:
    """Arguments that were mended; `was` has, by name, the values that were written otherwise."""

    arguments: dict[str, Any]
    was: dict[str, str] = field(default_factory=dict)


def mend_call(
    raw: str, schema: Mapping[str, Any], *, finish_reason: str | None, complete: bool
) -> Mended | None:
    """The arguments that a call's broken text means; what was cut off is never mended."""
    if finish_reason == "length" or not complete:
        return None
    return mend_arguments(raw, schema, may_be_cut=finish_reason not in ENDED)


def mend_arguments(
    raw: str, schema: Mapping[str, Any], *, may_be_cut: bool = False
) -> Mended | None:
    """The arguments that a broken text means, or None where that is in doubt.

    Raw control characters in texts leave no doubt. Any other mend counts where a reading of ours,
    which knows few slips, and json-repair's agree. What comes of it has to fit the schema. Text
    that is a JSON object needs no mend. With `may_be_cut`, a missing last brace is a doubt too.
    """
    if len(raw) > MENDED_LIMIT or _is_object(raw):
        return None
    mended = _unwrapped(raw.strip()) or _mended(raw, may_be_cut)
    if mended is None:
        return None
    arguments = fitting_arguments(schema, mended.arguments)
    return None if arguments is None else Mended(arguments, mended.was)


def written_otherwise(raw: str) -> dict[str, str]:
    """Of arguments that were mended: by name, the values as they were written."""
    try:
        return _bounded_all(read_object(raw).was)
    except Doubtful:
        return {}


def _unwrapped(text: str) -> Mended | None:
    """Arguments that are whole JSON, only not an object: nothing at all, or an object quoted."""
    if text in _NOTHING:
        return Mended({})
    try:
        quoted = json.loads(text) if text.startswith('"') else None
        value = json.loads(quoted) if isinstance(quoted, str) else None
    except (ValueError, RecursionError):
        return None
    return Mended(value) if isinstance(value, dict) else None


def _mended(raw: str, may_be_cut: bool) -> Mended | None:
    try:
        reading = read_object(raw)
    except Doubtful:
        return None
    if reading.is_open and may_be_cut:
        return None
    if not _is_same(reading.value, _with_control_characters(raw)) and not _is_same(
        reading.value, _second_reading(raw)
    ):
        return None
    return Mended(reading.value, _bounded_all(reading.was))


def _with_control_characters(raw: str) -> Any:
    try:
        return json.loads(raw, strict=False)
    except (ValueError, RecursionError):
        return None


def _second_reading(raw: str) -> Any:
    # Loaded by the first broken arguments, not by every start.
    import json_repair

    try:
        return json_repair.loads(raw, skip_json_loads=True)
    except Exception:
        return None


def _is_same(one: Any, other: Any) -> bool:
    """Equal in JSON, where 1 is not true; json-repair drops blanks at the end of texts."""
    try:
        return json.dumps(_stripped(one)) == json.dumps(_stripped(other))
    except (TypeError, ValueError, RecursionError):
        return False


def _stripped(value: Any) -> Any:
    match value:
        case str():
            return value.rstrip()
        case list():
            return [_stripped(item) for item in value]
        case dict():
            return {name: _stripped(item) for name, item in value.items()}
        case _:
            return value


def _is_object(raw: str) -> bool:
    try:
        return isinstance(json.loads(raw), dict)
    except (ValueError, RecursionError):
        return False


def _bounded_all(was: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text if len(text) <= WAS_LIMIT else text[: WAS_LIMIT - 1] + "…"
        for name, text in was.items()
    }
