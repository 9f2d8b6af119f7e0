"""The project's own cases of calls written as text: one module per dialect, of our own making.

A module holds `DIALECT`, the dialect's name as in `DIALECT_NAMES`, and `CASES`, a tuple of Case.
`tests/chat/engine/tool_calls/test_dialect_cases.py` finds it by itself and reads every case with
the dialect named and with `auto`, whole, one character at a time and cut at random places; all
must give the same, and what the case says.

    DIALECT = "hermes"
    CASES = (
        Case(
            "a call after words",
            raw='Look: <tool_call>{"name": "water", "arguments": {"plant": "fern"}}</tool_call>',
            text="Look:",
            calls=(("water", {"plant": "fern"}),),
        ),
    )

Make one of each: a call alone, with text before and after, two calls, no arguments, nested and
unicode arguments, quotes and the dialect's own marks inside an argument, a call cut off at every
interesting place, an unknown tool, the dialect's marks in prose and in a code block, a thought.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Schema = Mapping[str, Any]


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


TOOLS: Mapping[str, Schema] = {
    "water": _object(
        plant={"type": "string"},
        litres={"type": "number"},
        times={"type": "integer"},
        misted={"type": "boolean"},
        places={"type": "array", "items": {"type": "string"}},
        options={"type": "object"},
        note={"type": ["string", "null"]},
    ),
    "look_up": _object(query={"type": "string"}),
    "list_plants": _object(),
}
"""What is offered where a case says nothing else; an empty mapping offers nothing."""


@dataclass(frozen=True)
class Case:
    """One text of a model, and what reading it must give; texts are compared stripped.

    `calls` are (tool, arguments): a dict where the argument text is JSON, else that text as it
    is (a call that was cut off). `auto` says what happens where the dialect is not named: the
    `same`, all of it stays `text`, or it is left `open`. `ids` are the ids the model gave.
    """

    about: str
    raw: str
    text: str = ""
    calls: tuple[tuple[str, dict[str, Any] | str], ...] = ()
    reasoning: str = ""
    tools: Mapping[str, Schema] | None = field(default_factory=lambda: TOOLS)
    auto: Literal["same", "text", "open"] = "same"
    ids: tuple[str | None, ...] | None = None
    starts_inside_thinking: bool = False
    thoughts: bool = True


def all_cases() -> list[tuple[str, Case]]:
    """Every case of every module beside this one, with the dialect's name."""
    found: list[tuple[str, Case]] = []
    for module in pkgutil.iter_modules(__path__):
        table = importlib.import_module(f"{__name__}.{module.name}")
        found += [(table.DIALECT, case) for case in table.CASES]
    return found
