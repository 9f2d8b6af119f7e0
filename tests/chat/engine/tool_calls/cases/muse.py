"""Muse: messages with a recipient, calls between `<atem:function_calls>` tags."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.minimax_m2 import invoke

DIALECT = "muse"
FERN = ("water", {"plant": "fern"})
CALL = (
    f"<atem:function_calls>\n{invoke('water', {'plant': 'fern'}, 'atem:')}\n</atem:function_calls>"
)

CASES = (
    Case("a call alone", raw=f" to=water<|message|>{CALL}", calls=(FERN,)),
    Case("an answer", raw=" to=user<|message|>It is dry.<|eot|>", text="It is dry."),
    Case(
        "a thought, an answer and a call",
        raw=" to=self<|message|>It is dry.<|eom|><|start|>assistant to=user<|message|>I see."
        f"<|eom|><|start|>assistant to=water<|message|>{CALL}<|eom|>",
        reasoning="It is dry.",
        text="I see.",
        calls=(FERN,),
    ),
    Case(
        "a call that is only shown",
        raw=f" to=user<|message|>Write it so:\n{CALL}<|eot|>",
        text=f"Write it so:\n{CALL}",
    ),
    Case(
        "cut off within a value",
        raw=f" to=water<|message|>{CALL[: CALL.index('fern') + 2]}",
        calls=(("water", '{"plant": "fe'),),
    ),
    Case("prose", raw="I talk to=nobody.", text="I talk to=nobody."),
)
