"""Granite in Python's notation: lines that are calls."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "granite_pythonic"
FERN = ("water", {"plant": "fern"})

CASES = (
    Case("a call alone", raw="water(plant='fern')", calls=(FERN,), auto="text"),
    Case(
        "two lines, and words",
        raw="I do it:\nwater(plant='fern')\nlist_plants()\n",
        text="I do it:",
        calls=(FERN, ("list_plants", {})),
        auto="text",
    ),
    Case("words behind", raw="list_plants() lists them.", text="list_plants() lists them."),
    Case("within a line", raw="I use list_plants()", text="I use list_plants()"),
    Case("tools are unknown", raw="dig(depth=3)", text="dig(depth=3)", tools=None),
)
