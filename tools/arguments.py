"""The raw argument text of a tool call as a JSON object, or a sentence on why it is none."""

from __future__ import annotations

import json
import math
from typing import Any

from tools.output import clean

TEXT_CAP = 65_536
"""Characters of argument text that are read at all."""
DEPTH_CAP = 64


class ArgumentsRefused(ValueError):
    """The argument text cannot be taken; the message is a sentence for the model."""


def parse_arguments(raw: str) -> dict[str, Any]:
    """The object in the text; an empty text counts as an object without fields.

    Raises ArgumentsRefused for text that is no JSON object, and for what JSON readers disagree
    on or a database cannot hold: repeated fields, NaN, infinities and integers over 64 bits.
    """
    if len(raw) > TEXT_CAP:
        raise ArgumentsRefused(
            f"The arguments are {len(raw):,} characters long; at most {TEXT_CAP:,} are taken."
        )
    if not raw.strip():
        return {}
    try:
        value = _DECODER.decode(raw)
    except ArgumentsRefused:
        raise
    except json.JSONDecodeError as error:
        raise ArgumentsRefused(
            f"The arguments are not JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}. Expected a JSON object."
        ) from None
    except RecursionError:
        raise ArgumentsRefused(_TOO_DEEP) from None
    if not isinstance(value, dict):
        raise ArgumentsRefused(
            f"The arguments must be a JSON object such as {{}}, not {shown(value)}."
        )
    if _depth_over(value, DEPTH_CAP):
        raise ArgumentsRefused(_TOO_DEEP)
    cleaned: dict[str, Any] = _cleaned(value)
    return cleaned


def shown(value: Any) -> str:
    """A value for a sentence: its kind and, shortened, itself."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the truth value {'true' if value else 'false'}"
        case int() | float():
            return f"the number {_short(json.dumps(value))}"
        case str():
            return f"the text {_short(json.dumps(clean(value), ensure_ascii=False))}"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "an object"
        case _:
            return type(value).__name__


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


_TOO_DEEP = f"The arguments are nested too deeply: at most {DEPTH_CAP} levels are taken."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ArgumentsRefused(f"The field {_name(name)} is given twice; give it once.")
        fields[name] = value
    return fields


def _constant(text: str) -> Any:
    raise ArgumentsRefused(f"JSON has no {text}; write a number, or leave the field out.")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ArgumentsRefused(f"The number {_short(text)} is too large to be represented.")
    return number


def _integer(text: str) -> int:
    # Over 64 bits neither orjson nor a database column holds it; int() itself stops at 4300 digits.
    if len(text) > 20 or not -(2**63) <= (number := int(text)) < 2**64:
        raise ArgumentsRefused(f"The number {_short(text)} is too large: 64 bits are taken.")
    return number


def _name(name: str) -> str:
    return _short(json.dumps(clean(name), ensure_ascii=False))


def _depth_over(value: Any, cap: int) -> bool:
    level: list[Any] = [value]
    for _ in range(cap):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return any(isinstance(item, dict | list) for item in level)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {clean(name): _cleaned(item) for name, item in value.items()}
        case _:
            return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_float,
    parse_int=_integer,
    parse_constant=_constant,
)
